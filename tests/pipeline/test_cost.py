"""What stages cost together."""

from __future__ import annotations

from pathlib import Path

from slmr.artifacts import Store
from slmr.pipeline.cost import spent_on
from slmr.pipeline.planner import StudentNode
from tests.pipeline.test_runner import made, node


def test_what_several_need_is_counted_once_and_a_student_costs_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    shared = node("shared", StudentNode("s", "student", tmp_path))
    left, right = node("left", shared), node("right", shared)
    for each, tokens in ((shared, 100), (left, 10), (right, 1)):
        made(store, each, tokens)
    assert spent_on(store, [left, right]).tokens == 111
    assert spent_on(store, [left]).tokens == 110
    assert spent_on(store, []).tokens == 0
