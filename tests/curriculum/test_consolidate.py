"""The set for RL: whose rewards are mixed, and the control of the same size."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.curriculum.consolidate import ConsolidateParams, consolidate_stage, outcome_of
from slmr.curriculum.schema import OUTCOMES, PROBLEMS
from slmr.io import read_rows
from slmr.stage import StageContext
from tests.curriculum.common import context, folder

VERDICTS = {"+": ("correct", True), "-": ("wrong", False), "?": ("checker_error", False)}
COUNTS = {
    "wrong": "----",
    "mixed": "+---",
    "right": "++++",
    "right?": "+++?",
    "none": "????",
    "wrong?": "-???",
}


def consolidated(place: Path, counts: dict[str, str], seed: int = 0, **params: object) -> StageContext:
    rollouts = [
        {"problem_id": i, "k_index": k, "status": VERDICTS[v][0], "strict": VERDICTS[v][1]}
        for i, verdicts in counts.items()
        for k, v in enumerate(verdicts)
    ]
    given = folder(place / "in", problems=[{"id": i, "prompt": f"{i}?"} for i in counts], rollouts=rollouts)
    made = context(place / "out", seed, probe=given, problems=given)
    consolidate_stage(made, ConsolidateParams.model_validate(params))
    return made


def ids(context: StageContext) -> list[str]:
    return [row["id"] for row in read_rows(context.folder / PROBLEMS)]


@pytest.mark.parametrize(("drop", "kept"), [(True, ["mixed"]), (False, ["mixed", "right", "right?"])])
def test_what_has_a_right_completion_is_kept(tmp_path: Path, drop: bool, kept: list[str]) -> None:
    made = consolidated(tmp_path, COUNTS, drop_all_correct=drop)
    assert ids(made) == kept
    rows = read_rows(made.folder / OUTCOMES)
    assert {row["problem_id"]: (row["correct"], row["k"], row["outcome"]) for row in rows} == {
        "wrong": (0, 4, "all wrong"),
        "mixed": (1, 4, "mixed"),
        "right": (4, 4, "all right"),
        "right?": (3, 3, "all right"),
        "none": (0, 0, "no verdict"),
        "wrong?": (0, 1, "all wrong"),
    }
    assert [row["problem_id"] for row in rows if row["kept"]] == kept
    assert made.stats["problems"] == len(kept)
    assert made.stats["groups"] == {"all right": 2, "all wrong": 2, "mixed": 1, "no verdict": 1}


def test_the_control_has_as_many_problems_drawn_at_random(tmp_path: Path) -> None:
    pool = {f"p{i}": ("+---", "----", "++++")[i % 3] for i in range(60)}
    plain = consolidated(tmp_path / "plain", pool)
    first, again, other = (
        consolidated(tmp_path / str(i), pool, seed, shuffle=True) for i, seed in enumerate((0, 0, 1))
    )
    assert len(ids(first)) == len(set(ids(first))) == len(ids(plain)) == 20
    assert ids(first) == ids(again) and ids(first) != ids(other) and set(ids(first)) != set(ids(plain))
    assert first.stats["groups"] == plain.stats["groups"]


def test_a_set_may_be_empty(tmp_path: Path) -> None:
    assert ids(consolidated(tmp_path, {"a": "----", "b": "++++"})) == []


@given(st.integers(0, 20), st.integers(0, 20))
def test_an_outcome_is_mixed_exactly_if_rewards_differ(right: int, wrong: int) -> None:
    assert (outcome_of(right, right + wrong) == "mixed") == (right > 0 and wrong > 0)
