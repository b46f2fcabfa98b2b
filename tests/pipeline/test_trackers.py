"""Trackers are told by name, beside the run and in no key; off unless they are asked for."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from slmr.config import EngineSettings, Params, TrainingSettings
from slmr.errors import RequestError
from slmr.pipeline.bench import run_bench
from slmr.pipeline.plan import BenchRequest, make_plan
from slmr.pipeline.recipe import stages
from slmr.pipeline.runner import SilentWatcher
from slmr.pipeline.trackers import check_trackers, reported, tracked_name
from slmr.pipeline.versions import installed_version
from slmr.pipeline.worker import run_stage
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


def a_context(folder: Path, name: str, training: TrainingSettings = ON) -> StageContext:
    return StageContext(
        folder / "artefact",
        {},
        0,
        EngineSettings(),
        lambda *_: None,
        training=training,
        tracked_as=name,
        tracked_in=folder / "trackers",
    )


def test_the_environment_is_as_before_and_the_users_settings_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_PROJECT", "mine")
    before = dict(os.environ)
    with reported(a_context(tmp_path, "grpo/s/seed-0/grpo")):
        assert os.environ["WANDB_PROJECT"] == "mine" and os.environ["WANDB_RUN_GROUP"] == "grpo/s/seed-0"
        assert os.environ["TENSORBOARD_LOGGING_DIR"] == str(tmp_path / "trackers/tensorboard/grpo/s/seed-0/grpo")
    assert dict(os.environ) == before
    with reported(a_context(tmp_path, "x/y", TrainingSettings())):
        assert dict(os.environ) == before


@pytest.mark.parametrize("trains", [True, False])
def test_a_process_that_stays_names_each_training_anew(tmp_path: Path, trains: bool) -> None:
    """A worker's environment is that of its first stage; what is no training is not reported."""
    seen = []
    kind = replace(stages()["grpo"], run=lambda *_: seen.append(os.environ.get("WANDB_RUN_GROUP")), trains=trains)
    for method in ("sft", "grpo"):
        run_stage(kind, a_context(tmp_path, f"{method}/s/seed-0/{method}"), Params())
    assert seen == (["sft/s/seed-0", "grpo/s/seed-0"] if trains else [None, None])


def test_one_that_is_not_installed_is_refused_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slmr.pipeline.trackers.installed_version", lambda _: None)
    with pytest.raises(RequestError, match="pip install tensorboard"):
        check_trackers(ON)
    check_trackers(TrainingSettings())


# --------------------------------------------------------- read back by the trackers' own readers: make test-tools

GRPO, SFT = "grpo/lab-llama/seed-0/grpo", "sft/lab-llama/seed-0/sft"
REWARD = "train/reward"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """SFT and GRPO of three steps in one process, told to every tracker that is here: the run's folder."""
    place = tmp_path_factory.mktemp("tracked")
    here = [name for name in ("trackio", "tensorboard", "wandb", "mlflow") if installed_version(name)]
    profile = place / "tiny.yaml"
    profile.write_text(PROFILE.format(extra=f"training: {{report_to: [{', '.join(here)}]}}", steps=3))
    plan = make_plan(BenchRequest(methods="sft,grpo", profile=str(profile), out=place / "runs", jobs=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_MODE", "offline")
        patch.setenv("TRACKIO_DIR", str(place / "trackio"))  # read when it is imported
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.setenv("WANDB_ERROR_REPORTING", "false")
        before = dict(os.environ)
        run_bench(plan, SilentWatcher())
        left = set(os.environ) - set(before)
        assert not [name for name in left if name.startswith(("MLFLOW", "TENSORBOARD", "WANDB"))]
        yield plan.folder


def needs(tracker: str) -> pytest.MarkDecorator:
    here = installed_version(tracker)
    return pytest.mark.skipif(not here, reason=f"{tracker} is not installed here: make test-tools")


@needs("tensorboard")
def test_tensorboard_reads_every_step(run: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    steps = {}
    for name, tag in ((GRPO, REWARD), (SFT, "train/loss")):
        events = EventAccumulator(str(run / "trackers/tensorboard" / name))
        events.Reload()
        steps[name] = [event.step for event in events.Scalars(tag)]
    assert steps == {GRPO: [1, 2, 3], SFT: [1, 2]}
    assert not list(run.glob("artefacts/**/events.*"))


@needs("mlflow")
def test_mlflows_client_reads_every_step(run: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{run}/trackers/mlflow.db")
    experiment = client.get_experiment_by_name("slmr")
    assert experiment is not None
    runs = {found.info.run_name: found for found in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {GRPO, SFT} and {found.info.status for found in runs.values()} == {"FINISHED"}
    assert runs[GRPO].data.tags["group"] == "grpo/lab-llama/seed-0"
    history = client.get_metric_history(runs[GRPO].info.run_id, "reward")
    assert [metric.step for metric in history] == [1, 2, 3]


@needs("trackio")
def test_trackio_reads_every_step(run: Path) -> None:
    from trackio.sqlite_storage import SQLiteStorage

    assert set(SQLiteStorage.get_runs("slmr")) == {GRPO, SFT}
    config = SQLiteStorage.get_run_config("slmr", GRPO) or {}
    assert config["_Group"] == "grpo/lab-llama/seed-0"
    rows = SQLiteStorage.get_logs("slmr", GRPO)
    assert [row["train/global_step"] for row in rows if REWARD in row] == [1, 2, 3]


@needs("wandb")
def test_wandb_has_a_run_of_each_training_with_every_step(run: Path) -> None:
    """Its reader is its server: here its own messages, out of the offline run's file."""
    said = {}
    for file in run.glob("trackers/wandb/offline-run-*/*.wandb"):
        records = wandb_records(file)
        (about,) = (record.run for record in records if record.HasField("run"))
        rows = [wandb_row(record) for record in records if record.HasField("history")]
        steps = [row["train/global_step"] for row in rows if REWARD in row]
        said[about.display_name] = about.project, about.run_group, steps, records[-1].HasField("exit")
    assert said == {
        GRPO: ("slmr", "grpo/lab-llama/seed-0", ["1", "2", "3"], True),
        SFT: ("slmr", "sft/lab-llama/seed-0", [], True),
    }


def wandb_row(record: Any) -> dict[str, str]:
    return {item.key or "/".join(item.nested_key): item.value_json for item in record.history.item}


def wandb_records(file: Path) -> list[Any]:
    """LevelDB's log: after 7 bytes blocks of 32 KiB; a part is checksum (4), length (2), kind (1) and its bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at, whole, records = file.read_bytes(), 7, b"", []
    while at + 7 <= len(data):
        if (left := -at % 32768) and left < 7:  # too little for a part: the block is filled up
            at += left
            continue
        length, kind = struct.unpack_from("<HB", data, at + 4)
        whole, at = whole + data[at + 7 : at + 7 + length], at + 7 + length
        if kind in (1, 4):  # the whole of a record, or its last part
            records.append(Record.FromString(whole))
            whole = b""
    return records
