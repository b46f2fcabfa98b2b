"""The executors: which one runs the stages, and that it leaves alone what exists."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from slmr.pipeline.executors import EXECUTORS, run_stages
from slmr.pipeline.planner import StageNode
from slmr.pipeline.runner import Execution, SilentWatcher
from tests.pipeline.test_runner import chain, execution, made


class Reused(SilentWatcher):
    """Keeps the finished stages and whether they existed."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, bool]] = []

    def finished(self, node: StageNode, reused: bool, seconds: float) -> None:
        self.stages.append((node.label, reused))


def test_what_exists_is_reused(tmp_path: Path) -> None:
    nodes, watcher = chain(), Reused()
    stages = execution(tmp_path, *nodes)
    for node in nodes:
        made(stages.store, node)
    run_stages(stages, watcher)
    assert watcher.stages == [("a", True), ("b", True), ("c", True)]


def test_the_executor_is_the_one_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Execution] = []
    monkeypatch.setitem(EXECUTORS, "ray", lambda stages, watcher: asked.append(stages) or ())
    stages = replace(execution(tmp_path), executor="ray")
    run_stages(stages, SilentWatcher())
    assert asked == [stages]
