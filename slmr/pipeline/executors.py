"""The executors that can run stages, by the names of `slmr bench --executor`."""

from __future__ import annotations

from collections.abc import Iterator

from slmr.pipeline.local import run_locally
from slmr.pipeline.ray import run_on_ray
from slmr.pipeline.runner import Execution, StageResult, Watcher

EXECUTORS = {"local": run_locally, "ray": run_on_ray}


def stage_results(execution: Execution, watcher: Watcher) -> Iterator[StageResult]:
    """Runs the missing stages, and yields each stage when it is finished; artefacts that exist are reused.

    Raises:
        RequestError: the executor cannot run them.
        WorkError: a stage or the disk failed; finished stages are kept.
        Stopped: a signal came; finished stages are kept.
    """
    return EXECUTORS[execution.executor](execution, watcher)


def run_stages(execution: Execution, watcher: Watcher) -> None:
    """Runs the missing stages; raises as `stage_results` does."""
    for _ in stage_results(execution, watcher):
        pass
