"""A worker process: the stages that it is given one after the other, its faults, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slmr import signals
from slmr.config import EngineSettings
from slmr.errors import RequestError, WorkError
from slmr.io import read_rows
from slmr.pipeline.children import Child, run_in
from slmr.pipeline.recipe import stages
from slmr.stage import StageContext


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    started = Child(tmp_path / "child.log", {"OMP_NUM_THREADS": "1"})
    yield started
    started.end()


def run(child: Child, folder: Path, stopping: Any = lambda: False, **values: Any) -> StageContext:
    folder.mkdir()
    context = StageContext(folder, {}, 0, EngineSettings(device="cpu"), lambda *_: None, threads=1)
    kind = stages()["pool"]
    params = kind.parse({"task": "lab_gsm8k", "size": 8, **values}, "test")
    run_in([child], kind, context, params, stopping)
    return context


def test_a_worker_runs_one_stage_after_the_other_and_goes_on_after_a_fault(child: Child, tmp_path: Path) -> None:
    first = run(child, tmp_path / "first")
    assert len(read_rows(tmp_path / "first" / "problems.parquet")) == 8
    assert first.threads == 1 and first.stats
    with pytest.raises(RequestError, match="nowhere"):
        run(child, tmp_path / "fault", task="nowhere")
    run(child, tmp_path / "second", size=4)
    assert len(read_rows(tmp_path / "second" / "problems.parquet")) == 4


def test_a_worker_that_ended_is_said_to_have(child: Child, tmp_path: Path) -> None:
    child._child._process.kill()
    child._child.wait()
    with pytest.raises(WorkError, match=r"^stage pool: its process was killed by SIGKILL \(out of memory\?\)"):
        run(child, tmp_path / "out")


def test_a_worker_that_is_asked_to_stop_early_stops(child: Child, tmp_path: Path) -> None:
    """It has not begun to listen to signals: that it ended by this one is no fault."""
    with pytest.raises(signals.Stopped):
        run(child, tmp_path / "out", lambda: True)
