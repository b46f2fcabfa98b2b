"""Data that other methods make of the student's own completions and of two teachers."""

from __future__ import annotations

from pathlib import Path

from slmr.curriculum.mix import MixParams, mix_stage
from slmr.curriculum.rationalize import RationalizeParams, rationalize_stage
from slmr.curriculum.self_generated import OwnPairsParams, own_pairs_stage
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
    own_pairs_stage(made, OwnPairsParams(per_problem=2))
    rows = read_rows(made.folder / "pairs.parquet")
    # One right text only, so one pair; problems with one kind alone have none.
    assert [(r["problem_id"], r["chosen"]) for r in rows] == [(names[0], "a")]
    assert rows[0]["rejected"] in ("b", "c") and rows[0]["prompt"] == pool[0]["prompt"]


def test_what_failed_is_tried_again_with_the_answer(tmp_path: Path) -> None:
    pool = problems(24, level=4)
    rollouts = [rollout(p["id"], 0, "#### 0", i == 0) for i, p in enumerate(pool)]
    made = context(
        tmp_path / "out", problems=folder(tmp_path / "pool", problems=pool),
        probe=folder(tmp_path / "probe", rollouts=rollouts),
    )  # fmt: skip
    rationalize_stage(made, RationalizeParams(tries=4))
    rows = read_rows(made.folder / "traces.parquet")
    assert made.stats["failed_problems"] == 23 and made.cost.rollout_tokens
    by_id = {p["id"]: p for p in pool}
    for row in rows:  # the hint is not in what is learnt, the answer is
        assert row["prompt"] == by_id[row["problem_id"]]["prompt"]
        assert row["completion"].endswith(f"#### {by_id[row['problem_id']]['gold']}")
    assert pool[0]["id"] not in {row["problem_id"] for row in rows}


def test_a_mix_has_one_trace_a_problem_in_the_ratio(tmp_path: Path) -> None:
    pool = [{"id": str(n), "prompt": ""} for n in range(50)]

    def traces(name: str, ids: range) -> Path:
        rows = [
            {"problem_id": str(i), "prompt": "", "prefix": "", "completion": name, "source": name}
            for i in ids
        ]
        return folder(tmp_path / name, traces=rows)

    both = {"strong": traces("s", range(0, 50)), "easy": traces("e", range(0, 40))}
    made = context(tmp_path / "out", **both)
    mix_stage(made, MixParams())
    rows = read_rows(made.folder / "traces.parquet")
    assert [r["problem_id"] for r in rows] == [p["id"] for p in pool]
    strong = [r for r in rows if r["source"] == "s"]
    assert made.stats == {"traces": 50, "strong": len(strong), "easy": 50 - len(strong)}
    assert 10 <= len(strong) <= 20 and {str(i) for i in range(40, 50)} <= {r["problem_id"] for r in strong}
    again = context(tmp_path / "again", seed=1, **both)
    mix_stage(again, MixParams())
    assert read_rows(again.folder / "traces.parquet") != rows
