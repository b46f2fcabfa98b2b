"""Training in several processes: what it learns is what one process learns, and however it ends nobody is left."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from slmr import signals
from slmr.config import EngineSettings, TrainingSettings
from slmr.errors import RequestError, WorkError
from slmr.io import read_rows
from slmr.lab import model_path
from slmr.pipeline.launcher import check_training, train_together
from slmr.pipeline.planner import Planner
from slmr.pipeline.recipe import stages
from slmr.stage import StageContext
from slmr.training.curve import CURVE
from tests.pipeline.test_planner import STUDENT, lab
from tests.training.test_resume import inputs

TWO = TrainingSettings(processes=2)
CPU = EngineSettings(device="cpu")
SFT: dict[str, Any] = {"epochs": 2, "batch_size": 4, "validate_every": 4, "max_tokens": 20}
RL: dict[str, Any] = {
    "steps": 2,
    "group_size": 4,
    "prompts_per_step": 4,
    "max_tokens": 30,
    "learning_rate": 1e-3,
}


def made(
    stage: str,
    values: dict[str, Any],
    place: Path,
    given: dict[str, Any],
    training: TrainingSettings = TWO,
    at: Callable[[int], object] = lambda step: None,
) -> StageContext:
    """A stage's context after it has run; `at` hears of every step."""
    place.mkdir(exist_ok=True)
    context = StageContext(place, given, 3, CPU, lambda done, *_: at(done), training=training)
    kind = stages()[stage]
    params = kind.parse(values, "test")
    if training.processes > 1:
        train_together(kind, context, params)
    else:
        kind.run(context, params)
    return context


def weights(place: Path) -> dict[str, torch.Tensor]:
    return load_file(place / "model" / "model.safetensors")


def apart(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    assert a.keys() == b.keys()
    return max(float((a[name] - b[name]).abs().max()) for name in a)


def workers() -> list[psutil.Process]:
    return [p for p in psutil.Process().children(recursive=True) if "slmr.pipeline.worker" in " ".join(p.cmdline())]


@pytest.mark.slow
def test_two_processes_stopped_killed_and_resumed_train_as_one(tmp_path: Path) -> None:
    given = inputs(tmp_path)
    one = made("sft", SFT, tmp_path / "one", given, TrainingSettings())

    def stop(step: int) -> None:
        if step == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    def kill_one(step: int) -> None:
        if step == 6:
            workers()[1].kill()

    with signals.listening(), pytest.raises(signals.Stopped):
        made("sft", SFT, tmp_path / "two", given, at=stop)
    assert not workers()
    (kept,) = (tmp_path / "two" / "trainer").glob("checkpoint-*")
    assert kept.name in ("checkpoint-3", "checkpoint-4", "checkpoint-5")
    with pytest.raises(WorkError, match=r"stage sft: process 2 of 2 was killed by SIGKILL"):
        made("sft", SFT, tmp_path / "two", given, at=kill_one)
    assert not workers()
    steps: list[int] = []
    two = made("sft", SFT, tmp_path / "two", given, at=steps.append)
    assert steps == list(range(int(kept.name[-1]) + 1, 9))
    moved = apart(weights(tmp_path / "one"), load_file(model_path("lab-llama") / "model.safetensors"))
    assert apart(weights(tmp_path / "one"), weights(tmp_path / "two")) < 1e-5 < 1e-3 < moved
    assert one.cost == two.cost and one.stats["validation"] == two.stats["validation"]
    for a, b in zip(*(read_rows(tmp_path / name / CURVE) for name in ("one", "two")), strict=True):
        assert a["train_tokens"] == b["train_tokens"]
        assert a["step"] == 0 or a["loss"] == pytest.approx(b["loss"], rel=1e-4)


@pytest.mark.slow
def test_grpo_on_two_processes_counts_both(tmp_path: Path) -> None:
    given = inputs(tmp_path)
    run = made("grpo", RL, tmp_path / "first", given)
    assert apart(weights(run.folder), load_file(model_path("lab-llama") / "model.safetensors")) > 1e-4
    assert sum(run.stats["groups"].values()) == 2 * 4
    assert sum(run.stats["statuses"].values()) == 2 * 4 * 4
    rows = read_rows(tmp_path / "first" / CURVE)
    assert rows[-1]["rollout_tokens"] == run.cost.rollout_tokens
    # The mean length is over all completions of all processes.
    assert sum(row["length"] * 16 for row in rows) == pytest.approx(run.cost.rollout_tokens)
    wrong = read_rows(tmp_path / "first" / "failures.parquet")
    assert len(wrong) == 4 * run.stats["groups"].get("all wrong", 0)


def test_a_fault_in_the_processes_is_one_message(tmp_path: Path) -> None:
    given = inputs(tmp_path) | {"traces": []}
    with pytest.raises(WorkError, match=r"^no trace to train on: .* or another teacher$"):
        made("sft", SFT, tmp_path / "out", given)
    assert not workers()


def test_a_killed_parent_takes_its_processes_along(tmp_path: Path) -> None:
    given = inputs(tmp_path)
    parent = multiprocessing.get_context("fork").Process(target=made, args=("sft", SFT, tmp_path / "out", given))
    parent.start()
    deadline = time.monotonic() + 120
    while len(found := workers()) < 2:
        assert parent.is_alive() and time.monotonic() < deadline
        time.sleep(0.05)
    parent.kill()
    parent.join()
    _, alive = psutil.wait_procs(found, timeout=60)
    assert not alive


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"processes": 3}, r"method 'sft', stage 'sft': training: batch_size = 32 .*a multiple of 3"),
        ({"processes": 4, "accumulation": 16}, r"batch_size = 32 .*a multiple of 64"),
    ],
)
def test_what_cannot_be_shared_out_is_refused_before_any_work(training: dict[str, int], message: str) -> None:
    from slmr.pipeline.recipe import load_recipe

    planner = planned(TrainingSettings.model_validate(training))
    with pytest.raises(RequestError, match=message):
        planner.plan(load_recipe("sft"))


@pytest.mark.parametrize(
    ("stage", "values", "training", "message"),
    [
        ("grpo", {"prompts_per_step": 6, "group_size": 4}, {"processes": 4}, "prompts_per_step = 6"),
        (
            "grpo",
            {"prompts_per_step": 4, "updates": 2},
            {"processes": 4, "accumulation": 8},
            "multiple of 64",
        ),
        ("gkd", {}, {"accumulation": 2}, "leave accumulation at 1"),
        ("gkd", {}, {"processes": 2, "strategy": "fsdp"}, "gkd takes ddp or zero2, not fsdp"),
        ("relift", {}, {"processes": 2, "strategy": "zero3"}, "relift takes ddp or zero2, not zero3"),
    ],
)
def test_what_does_not_fit_a_stage(stage: str, values: dict[str, Any], training: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        stages()[stage].parse(values, "test").fits(TrainingSettings.model_validate(training))


def test_a_machine_that_is_too_small_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    check_training(TrainingSettings(processes=1000).model_copy(update={"processes": 1}), CPU)
    with pytest.raises(RequestError, match=r"1000 processes, and this machine has \d+ cores"):
        check_training(TrainingSettings(processes=1000), CPU)
    with pytest.raises(RequestError, match="strategy fsdp needs GPUs"):
        check_training(TrainingSettings(processes=2, strategy="fsdp"), CPU)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(RequestError, match="4 processes, and this machine has 2 GPUs"):
        check_training(TrainingSettings(processes=4), EngineSettings())
    with pytest.raises(RequestError, match="not device cuda:1"):
        check_training(TWO, EngineSettings(device="cuda:1"))
    with pytest.raises(RequestError, match="pip install deepspeed"):
        check_training(replace_strategy(TWO, "zero3"), EngineSettings())


def replace_strategy(training: TrainingSettings, strategy: str) -> TrainingSettings:
    return TrainingSettings.model_validate({**training.model_dump(), "strategy": strategy})


def planned(training: TrainingSettings) -> Planner:
    stages = {"pool": {"task": "lab_gsm8k", "size": 8}, "sft": {"batch_size": 32}}
    return Planner(STUDENT, lab(stages=stages, engine=CPU, training=training), 0)


def test_only_training_stages_and_what_follows_know_of_it() -> None:
    from slmr.pipeline.recipe import load_recipe

    def keys(training: TrainingSettings) -> dict[str, str]:
        return {n.label: n.key for n in planned(training).plan(load_recipe("sft")).ancestors()}

    before, two = keys(TrainingSettings()), keys(TWO)
    assert {label for label in before if before[label] != two[label]} == {"sft"}
    assert keys(TrainingSettings(gradient_checkpointing=True))["sft"] not in (before["sft"], two["sft"])
