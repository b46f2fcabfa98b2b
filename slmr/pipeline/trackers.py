"""Trackers of trainings: what they call a training, and where what they write goes. Off unless a profile names some."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from slmr.config import TrainingSettings
from slmr.errors import RequestError
from slmr.pipeline.versions import installed_version

_PROJECT = "slmr"


def check_trackers(training: TrainingSettings) -> None:
    """Whether what is to be reported to is installed.

    Raises:
        RequestError: it is not.
    """
    for tracker in training.report_to:
        if not installed_version(tracker):
            raise RequestError(
                f"training: report_to names {tracker}, which is not installed: pip install {tracker}"
            )


def tracked_name(methods: Sequence[str], student: str, seed: int, label: str) -> str:
    """`methods/student/seed-0/stage`: a stage that methods share is one training, and has all of their names."""
    return "/".join(("+".join(methods), student.replace("/", "--"), f"seed-{seed}", label))


@contextmanager
def reported(training: TrainingSettings, name: str, run: Path) -> Iterator[None]:
    """Within, trackers find their settings in the environment; what the user has set there stays.

    Args:
        training: which trackers.
        name: see `tracked_name`; all but the stage is the group.
        run: whose folder gets TensorBoard's and MLflow's files: an artefact holds nothing but what its key says.
    """
    folder = run / "trackers"
    wanted = {
        "WANDB_PROJECT": _PROJECT, "WANDB_RUN_GROUP": name.rpartition("/")[0],
        "MLFLOW_EXPERIMENT_NAME": _PROJECT, "MLFLOW_TRACKING_URI": (folder / "mlflow").resolve().as_uri(),
        "TENSORBOARD_LOGGING_DIR": str(folder / "tensorboard" / name),
    }  # fmt: skip
    added = {n: v for n, v in wanted.items() if training.report_to and n not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for variable in added:
            os.environ.pop(variable, None)
