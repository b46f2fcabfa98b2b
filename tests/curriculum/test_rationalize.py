"""A second try with the answer as a hint."""

from __future__ import annotations

from pathlib import Path

from slmr.curriculum.rationalize import RationalizeParams, rationalize_stage
from slmr.io import read_rows
from tests.curriculum.common import context, folder, problems, rollout


def test_what_failed_is_tried_again_with_the_answer(tmp_path: Path) -> None:
    pool = problems(24, level=4)
    rollouts = [rollout(p["id"], 0, "#### 0", i == 0) for i, p in enumerate(pool)]
    made = context(
        tmp_path / "out",
        problems=folder(tmp_path / "pool", problems=pool),
        probe=folder(tmp_path / "probe", rollouts=rollouts),
    )
    rationalize_stage(made, RationalizeParams(tries=4))
    rows = read_rows(made.folder / "traces.parquet")
    assert made.stats["failed_problems"] == 23 and made.cost.rollout_tokens
    by_id = {p["id"]: p for p in pool}
    for row in rows:  # the hint is not in what is learnt, the answer is
        assert row["prompt"] == by_id[row["problem_id"]]["prompt"]
        assert row["completion"].endswith(f"#### {by_id[row['problem_id']]['gold']}")
    assert pool[0]["id"] not in {row["problem_id"] for row in rows}
