"""Cases from a file: each with its kind; every fault names its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slmr.errors import RequestError
from slmr.tasks.cases import Case, read_cases


def test_a_task_stands_for_its_kind(tmp_path: Path) -> None:
    cases = [
        {"id": 1, "task": "lab_logiqa", "completion": "Answer: B", "gold": "B"},
        {"id": "x", "kind": "numeric", "task": "lab_logiqa", "completion": "#### 4", "gold": "5", "more": {}},
    ]
    (tmp_path / "f").write_text("\n".join(map(json.dumps, cases)))
    first, second = read_cases(tmp_path / "f")
    assert (first.kind, second.kind) == ("choice", "numeric")  # a kind that is said counts
    assert first.verdict().strict and second.verdict().status == "wrong"
    assert Case(id=None, completion="", gold="").kind is None


def test_a_number_is_a_gold_answer_and_an_id_is_not_needed(tmp_path: Path) -> None:
    cases = [
        {"kind": "numeric", "completion": "#### 7", "gold": 7},
        {"kind": "math", "completion": "\\boxed{0.5}", "gold": 0.5},
    ]
    (tmp_path / "f").write_text("\n".join(map(json.dumps, cases)))
    found = read_cases(tmp_path / "f")
    assert [case.id for case in found] == [0, 1]
    assert [case.verdict().status for case in found] == ["correct", "correct"]


def test_the_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "f").write_text('\n{"id": 1, "completion": "4", "gold": "4", "task": "nothing"}')
    with pytest.raises(RequestError, match="f:2: unknown task 'nothing'"):
        read_cases(tmp_path / "f")
