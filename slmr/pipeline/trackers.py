"""Experiment trackers: the names of trainings and the place of their files. Off unless a profile names trackers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from slmr.config import TrainingSettings
from slmr.errors import RequestError
from slmr.pipeline.versions import installed_version
from slmr.stage import StageContext

_PROJECT = "slmr"


def check_trackers(training: TrainingSettings) -> None:
    """Checks that the profile's trackers are installed.

    Raises:
        RequestError: one is not.
    """
    for tracker in training.report_to:
        if not installed_version(tracker):
            raise RequestError(f"training: report_to names {tracker}, which is not installed: pip install {tracker}")


def tracked_name(methods: Sequence[str], student: str, seed: int, label: str) -> str:
    """`methods/student/seed-0/stage`: a stage that methods share is one training, with all their names."""
    return "/".join(("+".join(methods), student.replace("/", "--"), f"seed-{seed}", label))


@contextmanager
def reported(context: StageContext) -> Iterator[None]:
    """Sets up the trackers for a training in this process, and closes them afterwards.

    Their settings go into environment variables, without overwriting the user's. The group is the training's name
    without the stage. Their files are outside the artefact, whose content depends only on its key.
    """
    trackers = context.training.report_to
    if not trackers:
        yield
        return
    added = _settings(context.tracked_as, context.tracked_in.resolve(), set(os.environ))
    os.environ.update(added)
    try:
        with _trackio_group(context.tracked_as) if "trackio" in trackers else nullcontext():
            yield
    finally:
        _finish(trackers)
        for variable in added:
            os.environ.pop(variable, None)


def _settings(name: str, folder: Path, given: Collection[str]) -> dict[str, str]:
    """Environment variable → value, except for those already `given`. MLflow needs an SQLite file, not a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    group = name.rpartition("/")[0]
    wanted = {
        "WANDB_PROJECT": _PROJECT,
        "WANDB_RUN_GROUP": group,
        "WANDB_DIR": str(folder),
        "MLFLOW_EXPERIMENT_NAME": _PROJECT,
        "MLFLOW_TAGS": json.dumps({"group": group}),
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "TENSORBOARD_LOGGING_DIR": str(folder / "tensorboard" / name),
    }
    return {variable: value for variable, value in wanted.items() if variable not in given}


@contextmanager
def _trackio_group(name: str) -> Iterator[None]:
    """Passes the group to trackio, which has no variable for it; transformers does not pass one."""
    trackio: Any = import_module("trackio")
    init = trackio.init
    trackio.init = partial(init, group=name.rpartition("/")[0])
    try:
        yield
    finally:
        trackio.init = init


def _finish(trackers: Collection[str]) -> None:
    """Closes open runs, so that the next training does not log into them.

    wandb keeps its run open, and its first settings for the whole process; MLflow's run stays open after a failure.
    """
    if "wandb" in trackers and (wandb := sys.modules.get("wandb")):
        wandb.finish()
        wandb.teardown()
    if "mlflow" in trackers and (mlflow := sys.modules.get("mlflow")):
        mlflow.end_run()
        os.environ.pop("MLFLOW_EXPERIMENT_ID", None)  # it is only valid for this run's database
