"""What a run keeps of its stages: how problems moved between the groups of a round, recycled ones among them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from slmr.artifacts import Store
from slmr.pipeline.export import _moves, _primed_outcome, export_course
from slmr.results.runs.files import RunFiles, read_table
from tests.curriculum.common import folder


@pytest.mark.parametrize(
    ("outcome", "recycled", "state"),
    [
        ("all right", set(), "solved"),
        ("mixed", set(), "mixed"),
        ("all wrong", set(), "unsolved"),
        ("no verdict", set(), "unsolved"),
        ("all wrong", {"p"}, "recycled"),
        ("mixed", {"p"}, "recycled"),  # mixed when it was probed, all wrong in RL
        ("all wrong", {"q"}, "unsolved"),
    ],
)
def test_what_becomes_of_a_problem(outcome: str, recycled: set[str], state: str) -> None:
    assert _primed_outcome({"problem_id": "p", "outcome": outcome}, recycled) == state


def artefacts(root: Path, **stages: dict[str, list[dict[str, Any]]]) -> tuple[Store, Any]:
    """A store with these stages' tables, and the model whose ancestors they are."""
    store, nodes = Store(root), []
    for name, tables in stages.items():
        folder(store.path(name, "k"), **tables)
        output = store.path(name, "k")
        nodes.append(SimpleNamespace(kind=name, label=name, sources=(), output=lambda _, output=output: output))
    return store, SimpleNamespace(stages=lambda: nodes)


GROUPS = [
    {"problem_id": name, "group": group}
    for name, group in (("a", "hard"), ("b", "hard"), ("c", "medium"), ("d", "simple"))
]
OUTCOMES = [
    {"problem_id": name, "outcome": outcome}
    for name, outcome in (("a", "all wrong"), ("b", "all wrong"), ("c", "mixed"), ("d", "all right"))
]


def test_recycled_problems_are_reported_by_the_group_that_they_come_from(tmp_path: Path) -> None:
    store, model = artefacts(
        tmp_path / "artefacts",
        partition={"groups": GROUPS},
        consolidate={"outcomes": OUTCOMES},
        critique={"critiques": [{"problem_id": "a"}, {"problem_id": "a"}]},
        again={"groups": [{"problem_id": "a", "group": "medium"}, {"problem_id": "c", "group": "simple"}]},
        last={"outcomes": [{"problem_id": "a", "outcome": "mixed"}, {"problem_id": "c", "outcome": "all right"}]},
    )
    moves = [(m["round"], m["to"], m["before"], m["after"], m["n"]) for m in _moves(store, model)]
    assert moves == [
        (1, "primed", "hard", "recycled", 1),
        (1, "primed", "hard", "unsolved", 1),
        (1, "primed", "medium", "mixed", 1),
        (1, "primed", "simple", "solved", 1),
        (1, "next", "mixed", "simple", 1),
        (1, "next", "recycled", "medium", 1),
        (2, "primed", "medium", "mixed", 1),
        (2, "primed", "simple", "solved", 1),
    ]


def test_each_problem_is_counted_once_in_what_a_run_keeps(tmp_path: Path) -> None:
    store, model = artefacts(
        tmp_path / "artefacts",
        partition={"groups": GROUPS},
        consolidate={"outcomes": OUTCOMES},
        critique={"critiques": [{"problem_id": "b"}]},
    )
    export_course(RunFiles(tmp_path, "stagewise", "lab-llama", 0), store, model)
    rows = read_table(RunFiles(tmp_path, "stagewise", "lab-llama", 0).table("moves"))
    assert Counter({row["after"]: row["n"] for row in rows}) == {
        "recycled": 1,
        "unsolved": 1,
        "mixed": 1,
        "solved": 1,
    }


def test_a_method_that_does_not_consolidate_every_round_has_no_moves(tmp_path: Path) -> None:
    store, model = artefacts(tmp_path, partition={"groups": GROUPS})
    assert list(_moves(store, model)) == []
