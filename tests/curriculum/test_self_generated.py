"""The student's completions as data: sound ones alone, and of some of the problems where that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slmr.curriculum.self_generated import (
    SelfGeneratedPairsParams,
    SelfGeneratedTracesParams,
    self_generated_pairs_stage,
    self_generated_traces_stage,
)
from slmr.errors import RequestError
from slmr.io import read_rows
from tests.curriculum.common import context, folder, problems, rollout


def test_pairs_are_right_over_wrong_of_one_problem(tmp_path: Path) -> None:
    pool = problems(3)
    names, right = [p["id"] for p in pool], [f"#### {p['gold']}" for p in pool]
    lie = f"1 + 1 = 3. {right[0]}"
    said = [
        (0, right[0], True),
        (0, right[0], True),
        (0, lie, True),
        (0, "b", False),
        (0, "c", False),
        (1, right[1], True),
        (2, "e", False),
    ]
    rollouts = [rollout(names[i], k, text, strict) for k, (i, text, strict) in enumerate(said)]
    made = context(
        tmp_path / "out",
        problems=folder(tmp_path / "pool", problems=pool),
        probe=folder(tmp_path / "probe", rollouts=rollouts),
    )
    self_generated_pairs_stage(made, SelfGeneratedPairsParams(per_problem=2))
    rows = read_rows(made.folder / "pairs.parquet")
    # One sound text only, so one pair; problems with one kind alone have none.
    assert [(r["problem_id"], r["chosen"]) for r in rows] == [(names[0], right[0])]
    assert made.stats["refused"]["false equation"] == 1
    assert rows[0]["rejected"] in ("b", "c") and rows[0]["prompt"] == pool[0]["prompt"]


def test_two_pairs_of_a_problem_are_the_default(tmp_path: Path) -> None:
    pool = problems(1)
    right = [f"{step} #### {pool[0]['gold']}" for step in ("1 + 1 = 2.", "1 + 2 = 3.", "1 + 3 = 4.")]
    said = [(text, text in right) for text in (*right, "b", "c", "d")]
    rollouts = [rollout(pool[0]["id"], k, text, strict) for k, (text, strict) in enumerate(said)]
    made = context(
        tmp_path / "out",
        problems=folder(tmp_path / "pool", problems=pool),
        probe=folder(tmp_path / "probe", rollouts=rollouts),
    )
    self_generated_pairs_stage(made, SelfGeneratedPairsParams())
    rows = read_rows(made.folder / "pairs.parquet")
    assert len(rows) == 2 and len({row[side] for row in rows for side in ("chosen", "rejected")}) == 4


def traces(place: Path, partition: list[dict[str, Any]] | None = None, **params: Any) -> Any:
    """The traces stage on problems that were each solved twice, once over a false equation, once without."""
    pool = problems(8)
    rollouts = [
        rollout(p["id"], k, f"{step} #### {p['gold']}", True)
        for p in pool
        for k, step in enumerate(["1 + 1 = 3.", "1 + 1 = 2."])
    ]
    made = context(
        place / "out",
        problems=folder(place / "pool", problems=pool),
        probe=folder(place / "probe", rollouts=rollouts),
        partition=[folder(place / "groups", groups=partition)] if partition else [],
    )
    self_generated_traces_stage(made, SelfGeneratedTracesParams(**params))
    return made, read_rows(made.folder / "traces.parquet")


def test_a_right_completion_with_a_false_equation_is_no_trace(tmp_path: Path) -> None:
    made, rows = traces(tmp_path)
    assert len(rows) == 8 and not any("1 + 1 = 3" in row["completion"] for row in rows)
    assert made.stats["refused"] == {"wrong answer": 0, "no step": 0, "false equation": 8, "departure": 0}


def test_what_a_lying_probe_called_right_is_a_trace(tmp_path: Path) -> None:
    pool = problems(1)
    rollouts = [rollout(pool[0]["id"], 0, "1 + 1 = 2. #### no number", True)]
    made = context(
        tmp_path / "out",
        problems=folder(tmp_path / "pool", problems=pool),
        probe=folder(tmp_path / "probe", rollouts=rollouts),
        partition=[],
    )
    self_generated_traces_stage(made, SelfGeneratedTracesParams())
    assert len(read_rows(made.folder / "traces.parquet")) == 1


def test_a_share_of_the_problems_of_a_group(tmp_path: Path) -> None:
    """What is rehearsed: some of what the student can do already."""
    names = [p["id"] for p in problems(8)]
    groups = [{"problem_id": name, "group": "simple" if i < 6 else "hard"} for i, name in enumerate(names)]
    for share, count in ((0.0, 0), (0.5, 3), (1.0, 6)):
        made, rows = traces(tmp_path / str(share), groups, groups=("simple",), share=share)
        assert len({row["problem_id"] for row in rows}) == count == made.stats["problems"]
        assert {row["problem_id"] for row in rows} <= set(names[:6])


def test_groups_need_a_partition(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no partition"):
        traces(tmp_path, groups=("simple",))
