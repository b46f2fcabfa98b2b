"""`slmr eval`'s request: the engine that it comes to, what it refuses, the command that makes it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slmr.engines.models import Model
from slmr.errors import RequestError
from slmr.pipeline.evaluation import EvalRequest, engine_settings, plan_evaluation, run_name
from slmr.pipeline.planner import StageNode
from slmr.pipeline.recipe import stages

LOCAL = Model("lab-llama", "lab", Path("folder"), "key")
SERVED = Model("http://a:8000/v1", "server", "http://a:8000/v1", "key")


def test_what_auto_leaves_open_is_decided() -> None:
    settings = engine_settings(EvalRequest("lab-llama", device="cpu"), LOCAL)
    assert (settings.name, settings.device, settings.dtype) == ("transformers", "cpu", "float32")
    assert settings.batch_size == "auto"
    served = engine_settings(EvalRequest(SERVED.name, batch_size="8"), SERVED)
    assert (served.name, served.device, served.batch_size) == ("server", "server", 8)


@pytest.mark.parametrize(
    ("model", "values", "message"),
    [
        (LOCAL, {"engine": "vlm"}, "did you mean 'vllm'"),
        (LOCAL, {"engine": "server"}, "--engine server needs a server's URL"),
        (SERVED, {"engine": "vllm"}, "--engine vllm needs a model on this machine"),
        (SERVED, {"compile": True}, "--compile is for a model on this machine"),
        (SERVED, {"device": "cpu"}, "--device is for a model on this machine, and http://a:8000/v1 is none"),
        (SERVED, {"trust_remote_code": True}, "--trust-remote-code is for a model on this machine"),
        (LOCAL, {"served_name": "x"}, "--served-name is for a server, and lab-llama is none"),
        (LOCAL, {"concurrency": 2}, "--concurrency is for a server"),
        (LOCAL, {"batch_size": str(10**9)}, "engine: batch_size = 1000000000: it should be less"),
        (LOCAL, {"batch_size": "0"}, "neither auto nor a number from 1 on"),
        (LOCAL, {"dtype": "float61"}, "unknown dtype"),
    ],
)
def test_what_does_not_fit_is_refused(model: Model, values: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        engine_settings(EvalRequest(model.name, **values), model)


@pytest.mark.parametrize("name", ["quiz.txt", "quiz.xlsx"])
def test_a_file_of_another_kind_is_refused_with_the_kinds_that_are_read(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("2 + 2?")
    with pytest.raises(RequestError, match=rf"{name} is a file, but .* from \.csv, \.tsv, \.jsonl or \.json: save"):
        plan_evaluation(EvalRequest("lab-llama", tasks=f"lab,{file}", out=tmp_path))
    with pytest.raises(RequestError, match=r"unknown task 'none\.txt'"):
        plan_evaluation(EvalRequest("lab-llama", tasks="none.txt", out=tmp_path))


@pytest.mark.parametrize(
    ("temperature", "k", "warned"), [(0.0, 4, True), (0.0, 1, False), (0.5, 4, False), (None, 4, False)]
)
def test_several_greedy_completions_are_warned_of(
    tmp_path: Path, temperature: float | None, k: int, warned: bool
) -> None:
    lines: list[str] = []
    plan_evaluation(EvalRequest("lab-llama", k=k, temperature=temperature, out=tmp_path), lines.append)
    assert any("--temperature 0 is greedy decoding: the 4 completions" in line for line in lines) == warned


def test_the_command_says_what_is_not_as_usual() -> None:
    assert EvalRequest("m").command() == "slmr eval m --tasks lab"
    request = EvalRequest("m", k=4, compile=True, served_name="x y", tasks_paths=(Path("mine"),))
    assert request.command() == "slmr eval m --tasks lab --served-name 'x y' --tasks-path mine --k 4 --compile"


def test_a_runs_name_is_of_the_model_and_the_settings() -> None:
    kind = stages()["consolidate"]
    node = StageNode("0123456789abcdef", "evaluate", kind, kind.params(), {}, None)
    assert run_name("/models/My Model", node) == "eval-My-Model-01234567"
    assert run_name("http://a:8000/v1", node) == "eval-http-a-8000-v1-01234567"
