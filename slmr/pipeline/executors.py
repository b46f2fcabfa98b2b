"""The executors that can run stages, by the names of `slmr bench --executor`."""

from __future__ import annotations

from slmr.pipeline.local import run_locally
from slmr.pipeline.ray import run_on_ray
from slmr.pipeline.runner import Execution, Watcher

EXECUTORS = {"local": run_locally, "ray": run_on_ray}


def run_stages(execution: Execution, watcher: Watcher) -> None:
    """Runs the missing stages; artefacts that exist are reused.

    Raises:
        RequestError: the executor cannot run them.
        WorkError: a stage or the disk failed; finished stages are kept.
        Stopped: a signal came; finished stages are kept.
    """
    EXECUTORS[execution.executor](execution, watcher)
