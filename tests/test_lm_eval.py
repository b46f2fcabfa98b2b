"""Our engines inside lm-eval: what they answer there is what `slmr eval` keeps, item by item."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from slmr.config import Truncation
from slmr.engines import Prompt, Sampling
from slmr.errors import RequestError
from slmr.io import read_rows, resource
from slmr.lab import model_path
from slmr.lm_eval import SlmrLM, sampling_of
from slmr.pipeline.evaluation import EvalRequest
from slmr.tasks import load_task
from tests.in_process import evaluate_model

Answers = dict[tuple[str, int], tuple[str, float]]  # (task, number of the item) → completion and accuracy


def kept_by_us(out: Path, tasks: str, limit: int, **more: Any) -> list[dict[str, Any]]:
    """The rows of `slmr eval lab-llama`, in their order."""
    request = EvalRequest("lab-llama", tasks=tasks, limit=limit, device="cpu", out=out, **more)
    files = sorted((evaluate_model(request)[1] / "samples").rglob("*.parquet"))
    return [row for file in files for row in read_rows(file)]


def answers_of(rows: list[dict[str, Any]]) -> Answers:
    """Of one completion an item."""
    numbers: dict[str, int] = {}
    answers = {}
    for row in rows:
        number = numbers[row["task"]] = numbers.get(row["task"], -1) + 1
        answers[row["task"], number] = (row["completion"], float(row["strict"]))
    return answers


def kept_by_lm_eval(out: Path, command: list[str]) -> Answers:
    """What lm-eval's command logs of each item."""
    done = subprocess.run(
        [sys.executable, *command, "--output_path", str(out), "--log_samples"],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers = {}
    for file in out.rglob("samples_*.jsonl"):
        task = file.name.removeprefix("samples_").partition("_2")[0]
        for sample in map(json.loads, file.read_text().splitlines()):
            answers[task, sample["doc_id"]] = (sample["resps"][0][0], sample["accuracy"])
    return answers


@pytest.mark.slow
def test_the_command_agrees_with_ours_on_every_item(tmp_path: Path) -> None:
    command = [
        "-m",
        "slmr.lm_eval",
        "--model",
        "slmr",
        "--model_args",
        "pretrained=lab-llama",
        "--limit",
        "16",
        "--tasks",
        "lab_gsm8k,lab_math",
        "--apply_chat_template",
        "--device",
        "cpu",
    ]
    theirs = kept_by_lm_eval(tmp_path / "theirs", command)
    assert len(theirs) == 32
    assert theirs == answers_of(kept_by_us(tmp_path / "ours", "lab_gsm8k,lab_math", 16))


@pytest.mark.slow
def test_stock_lm_eval_runs_the_tasks_as_before(tmp_path: Path) -> None:
    command = [
        "-m",
        "lm_eval",
        "--model",
        "hf",
        "--model_args",
        f"pretrained={model_path('lab-llama')},dtype=float32",
        "--include_path",
        str(resource("tasks")),
        "--tasks",
        "lab_mawps,lab_logiqa",
        "--limit",
        "8",
        "--apply_chat_template",
        "--device",
        "cpu",
    ]
    theirs = kept_by_lm_eval(tmp_path / "theirs", command)
    assert len(theirs) == 16
    assert theirs == answers_of(kept_by_us(tmp_path / "ours", "lab_mawps,lab_logiqa", 8))


@pytest.fixture(scope="module")
def model() -> SlmrLM:
    return SlmrLM("lab-llama", device="cpu", batch_size=1)


def asked(text: str, settings: dict[str, Any] | None = None) -> Any:
    """A request as lm-eval makes them."""
    return SimpleNamespace(args=(text, settings or {"max_gen_toks": 24}), task_name="some")


def test_repeats_are_the_draws_of_k(tmp_path: Path, model: SlmrLM) -> None:
    rows, budget = kept_by_us(tmp_path, "lab_mawps", 6, k=3), load_task("lab_mawps").max_tokens
    requests = []
    for row in rows[::3]:
        chat = model.apply_chat_template([{"role": "user", "content": row["prompt"]}])
        requests += [asked(chat, {"until": [], "max_gen_toks": budget, "do_sample": True, "temperature": 1.0})] * 3
    assert model.generate_until(requests, disable_tqdm=True) == [row["completion"] for row in rows]
    assert len({row["completion"] for row in rows}) > 6


def test_a_chat_keeps_its_examples_and_what_is_begun(model: SlmrLM) -> None:
    turns = [
        {"role": "user", "content": "1 + 1?"},
        {"role": "assistant", "content": "#### 2"},
        {"role": "user", "content": "2 + 2?"},
        {"role": "assistant", "content": "#### "},
    ]
    text = model.apply_chat_template(turns, add_generation_prompt=False)
    assert model._prompt(text, 3) == Prompt("2 + 2?", "#### ", (("1 + 1?", "#### 2"),), 3)
    chat = model.apply_chat_template([{"role": "system", "content": "Be brief."}, *turns[:1]])
    assert model._prompt(chat, 0) == Prompt("1 + 1?", system="Be brief.")
    with pytest.raises(RequestError, match="alternate between user and assistant"):
        model._prompt(model.apply_chat_template([turns[0], turns[0]]), 0)


def test_without_a_template_the_text_goes_in_as_it_is(model: SlmrLM, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through a template that shows, the completion of a lab student is another."""
    from slmr.engines.transformers import TransformersEngine, encode

    engine = model._engine
    assert isinstance(engine, TransformersEngine)
    text = "1 + 1?"
    plain = list(engine.tokenizer(text)["input_ids"])
    monkeypatch.setattr(engine.tokenizer, "chat_template", "#{{ messages[0]['content'] }}#")
    assert encode(engine.tokenizer, model._prompt(text, 0)) == plain
    chat = model.apply_chat_template([{"role": "user", "content": text}])
    assert encode(engine.tokenizer, model._prompt(chat, 0)) != plain
    monkeypatch.setattr(model, "_settings", model._settings.model_copy(update={"name": "server"}))
    with pytest.raises(RequestError, match="add --apply_chat_template"):
        model._prompt(text, 0)


@pytest.mark.parametrize(
    ("settings", "sampling"),
    [
        ({}, Sampling(0.0, 256, 7)),
        (
            {"until": "\n", "max_gen_toks": 5, "do_sample": False, "temperature": 0.7},
            Sampling(0.0, 5, 7, ("\n",)),
        ),
        ({"until": ["a", "", "b"], "max_new_tokens": 9, "temperature": 0.7}, Sampling(0.7, 9, 7, ("a", "b"))),
        ({"do_sample": True, "max_tokens": 3, "top_p": 1.0, "top_k": 0}, Sampling(1.0, 3, 7)),
        ({"top_p": 1, "top_k": -1, "min_p": None, "repetition_penalty": 1.0}, Sampling(0.0, 256, 7)),
        (
            {"temperature": 0.6, "top_p": 0.95, "top_k": 20, "min_p": 0.1},
            Sampling(0.6, 256, 7, truncation=Truncation(top_p=0.95, top_k=20, min_p=0.1)),
        ),
    ],
)
def test_generation_settings_become_ours(settings: dict[str, Any], sampling: Sampling) -> None:
    assert sampling_of(settings, 7) == sampling


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"repetition_penalty": 1.2}, r"do not support repetition_penalty=1\.2"),
        ({"temperature": 1.0, "top_p": 0}, r"generation_kwargs: top_p = 0: it should be greater than 0"),
        ({"temperature": 1.0, "top_k": -2}, r"generation_kwargs: top_k = -2: it should be greater than or equal to 0"),
        ({"top_p": 0.9, "min_p": 0.1}, "top_p, min_p: without effect on greedy decoding"),
        ({"do_sample": False, "temperature": 0.6, "top_k": 20}, "top_k: without effect on greedy decoding"),
    ],
)
def test_a_setting_that_would_not_be_obeyed_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        sampling_of(settings, 0)


def test_what_the_engines_do_not_do_is_refused(model: SlmrLM) -> None:
    for ask in (model.loglikelihood, model.loglikelihood_rolling):
        with pytest.raises(RequestError, match="--model hf"):
            ask([])


def test_a_stop_text_and_the_cache_of_requests(model: SlmrLM, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Any] = []
    monkeypatch.setattr(model.cache_hook, "add_partial", lambda *what: kept.append(what))
    request = asked(model.apply_chat_template([{"role": "user", "content": "Tom has 3 apples.\nSolution:\n"}]))
    (whole,) = model.generate_until([request], disable_tqdm=True)
    stop = whole.strip()[2]
    stopped = asked(request.args[0], {"until": [stop], "max_gen_toks": 24})
    (cut,) = model.generate_until([stopped], disable_tqdm=True)
    assert cut == whole[: whole.index(stop)]
    assert [(what, args, text) for what, args, text in kept] == [
        ("generate_until", request.args, whole),
        ("generate_until", stopped.args, cut),
    ]
    assert model.tokenizer_name.startswith("slmr-lab-llama-")
