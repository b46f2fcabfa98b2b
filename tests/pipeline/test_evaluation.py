"""`slmr eval`'s request: the engine that it comes to, what it refuses, the command that makes it again."""

from __future__ import annotations

import shlex
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
    request = EvalRequest("m", temperature=0.6, top_p=0.95, top_k=20, min_p=0.1, stop=("\n\n", "Question:"))
    assert request.command() == (
        "slmr eval m --tasks lab --temperature 0.6 --top-p 0.95 --top-k 20 --min-p 0.1 --stop '\n\n' --stop Question:"
    )
    assert shlex.split(request.command())[-4:] == ["--stop", "\n\n", "--stop", "Question:"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"top_p": 0.95, "top_k": 20}, r"slmr eval: top_p, top_k: without effect at temperature 0 \(the default"),
        ({"temperature": 0, "k": 4, "min_p": 0.1}, "min_p: without effect at temperature 0, which is greedy"),
        ({"temperature": 0.6, "top_p": 0}, "slmr eval: top_p = 0: it should be greater than 0"),
        ({"temperature": 0.6, "top_p": 1.1}, "top_p = 1.1: it should be less than or equal to 1"),
        ({"temperature": 0.6, "top_k": -1}, "top_k = -1: it should be greater than or equal to 0"),
        ({"temperature": 0.6, "min_p": 2}, "min_p = 2: it should be less than or equal to 1"),
        ({"stop": ("",)}, 'stop.0 = "": it should have at least 1 character'),
    ],
)
def test_decoding_that_makes_no_sense_is_refused(values: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=message):
        plan_evaluation(EvalRequest("lab-llama", tasks="lab_mawps", device="cpu", out=tmp_path, **values))


def test_every_way_of_decoding_has_its_own_run_and_unset_ones_leave_its_name_alone(tmp_path: Path) -> None:
    def folder(**values: Any) -> str:
        request = EvalRequest("lab-llama", tasks="lab_mawps", device="cpu", out=tmp_path, **values)
        return plan_evaluation(request).folder.name

    drawn = {"temperature": 0.6}
    assert folder(**drawn) == folder(**drawn, top_p=1.0, top_k=0, min_p=0.0, stop=())
    ways = ({}, {"top_p": 0.95}, {"top_k": 20}, {"min_p": 0.1}, {"stop": ("\n",)}, {"stop": ("\n", "#")})
    assert len({folder(**drawn, **way) for way in ways}) == len(ways)


def test_a_runs_name_is_of_the_model_and_the_settings() -> None:
    kind = stages()["consolidate"]
    node = StageNode("0123456789abcdef", "evaluate", kind, kind.params(), {}, None)
    assert run_name("/models/My Model", node) == "eval-My-Model-01234567"
    assert run_name("http://a:8000/v1", node) == "eval-http-a-8000-v1-01234567"
