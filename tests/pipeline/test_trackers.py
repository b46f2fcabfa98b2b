"""Trackers are told by name, beside the run and in no key; off unless they are asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from slmr.config import EngineSettings, TrainingSettings
from slmr.errors import RequestError
from slmr.pipeline.bench import run_bench
from slmr.pipeline.plan import BenchRequest, make_plan
from slmr.pipeline.recipe import stages
from slmr.pipeline.runner import SilentWatcher
from slmr.pipeline.trackers import check_trackers, reported, tracked_name
from slmr.pipeline.versions import installed_version
from slmr.pipeline.worker import Job
from slmr.stage import StageContext
from tests.pipeline.tiny import PROFILE

ON = TrainingSettings(report_to=("tensorboard",))


def test_they_are_no_part_of_a_key() -> None:
    assert ON.identity() == TrainingSettings().identity() == {}
    with pytest.raises(ValidationError):
        TrainingSettings.model_validate({"report_to": ["tensorbord"]})


def test_a_run_is_the_same_one_with_them_and_without(tmp_path: Path) -> None:
    plans = []
    for extra in ("", "training: {report_to: [tensorboard, wandb]}"):
        profile = tmp_path / "tiny.yaml"
        profile.write_text(PROFILE.format(extra=extra, steps=3))
        plans.append(make_plan(BenchRequest(methods="grpo", profile=str(profile), out=tmp_path)))
    off, on = plans
    assert on.folder == off.folder and {n.key for n in on.nodes} == {n.key for n in off.nodes}


def test_names_are_of_methods_student_seed_and_stage() -> None:
    assert tracked_name(["sft", "sft_grpo"], "a/b", 3, "sft") == "sft+sft_grpo/a--b/seed-3/sft"


def test_the_environment_is_as_before_and_the_users_settings_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_PROJECT", "mine")
    before = dict(os.environ)
    with reported(ON, "grpo/s/seed-0/grpo", tmp_path):
        assert os.environ["WANDB_PROJECT"] == "mine" and os.environ["WANDB_RUN_GROUP"] == "grpo/s/seed-0"
        assert os.environ["TENSORBOARD_LOGGING_DIR"] == str(
            tmp_path / "trackers/tensorboard/grpo/s/seed-0/grpo"
        )
    assert dict(os.environ) == before
    with reported(TrainingSettings(), "x/y", tmp_path):
        assert dict(os.environ) == before


def test_one_that_is_not_installed_is_refused_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slmr.pipeline.trackers.installed_version", lambda _: None)
    with pytest.raises(RequestError, match="pip install tensorboard"):
        check_trackers(ON)
    check_trackers(TrainingSettings())


@pytest.mark.slow
def test_tensorboard_is_told_of_every_step_and_read_back(tmp_path: Path) -> None:
    if not installed_version("tensorboard"):
        pytest.skip("tensorboard is not installed here")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    profile = tmp_path / "tiny.yaml"
    profile.write_text(PROFILE.format(extra="training: {report_to: [tensorboard]}", steps=3))
    request = BenchRequest(methods="grpo", profile=str(profile), out=tmp_path / "runs", jobs=1)
    plan = make_plan(request)
    run_bench(plan, SilentWatcher())
    (folder,) = (plan.folder / "trackers/tensorboard/grpo/lab-llama/seed-0").iterdir()
    events = EventAccumulator(str(folder))
    events.Reload()
    assert [event.step for event in events.Scalars("train/reward")] == [1, 2, 3]
    assert not list(plan.folder.glob("artefacts/**/events.*"))


def test_the_processes_of_one_training_are_told_its_name(tmp_path: Path) -> None:
    kind = stages()["grpo"]
    context = StageContext(
        tmp_path, {}, 0, EngineSettings(), lambda *_: None, training=ON, tracked_as="grpo/s/seed-0/grpo"
    )
    job = Job.of(kind, context, kind.parse({}, "here"))
    child = Job.model_validate_json(job.model_dump_json()).context(1, lambda *_: None)
    assert (child.tracked_as, child.training.report_to) == ("grpo/s/seed-0/grpo", ("tensorboard",))
