"""The student's completions as data."""

from __future__ import annotations

from pathlib import Path

from slmr.curriculum.self_generated import SelfGeneratedPairsParams, self_generated_pairs_stage
from slmr.io import read_rows
from tests.curriculum.common import context, folder, problems, rollout


def test_pairs_are_right_over_wrong_of_one_problem(tmp_path: Path) -> None:
    pool = problems(3)
    names = [p["id"] for p in pool]
    said = [(0, "a", True), (0, "a", True), (0, "b", False), (0, "c", False), (1, "d", True), (2, "e", False)]
    rollouts = [rollout(names[i], k, text, strict) for k, (i, text, strict) in enumerate(said)]
    made = context(
        tmp_path / "out", problems=folder(tmp_path / "pool", problems=pool),
        probe=folder(tmp_path / "probe", rollouts=rollouts),
    )  # fmt: skip
    self_generated_pairs_stage(made, SelfGeneratedPairsParams(per_problem=2))
    rows = read_rows(made.folder / "pairs.parquet")
    # One right text only, so one pair; problems with one kind alone have none.
    assert [(r["problem_id"], r["chosen"]) for r in rows] == [(names[0], "a")]
    assert rows[0]["rejected"] in ("b", "c") and rows[0]["prompt"] == pool[0]["prompt"]
