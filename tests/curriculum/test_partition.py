"""The partition: groups and intervals of rates, the shuffled control, and how problems moved."""

from __future__ import annotations

from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.curriculum.partition import (
    GROUP_ORDER,
    PartitionParams,
    drift_counts,
    group_of,
    partition_row,
    partition_stage,
    rate_interval,
)
from slmr.curriculum.schema import DRIFT, GROUPS
from slmr.io import read_rows
from slmr.stage import StageContext
from tests.curriculum.common import context, folder


def rollouts(counts: dict[str, str]) -> list[dict[str, Any]]:
    """Problem id → its verdicts: `+` right, `-` wrong, `?` none."""
    statuses = {"+": "correct", "-": "wrong", "?": "timeout"}
    return [
        {"problem_id": i, "k_index": k, "status": statuses[v], "strict": v == "+"}
        for i, verdicts in counts.items()
        for k, v in enumerate(verdicts)
    ]


def partitioned(
    place: Path, counts: dict[str, str], before: StageContext | None = None, seed: int = 0, **params: object
) -> StageContext:
    probe = folder(place / "probe", rollouts=rollouts(counts))
    made = context(place / "out", seed, probe=probe, before=[before.folder] if before else [])
    partition_stage(made, PartitionParams.model_validate(params))
    return made


@pytest.mark.parametrize(
    ("rho", "group"),
    [
        (0.0, "hard"),
        (0.2499, "hard"),
        (0.25, "medium"),
        (0.7499, "medium"),
        (0.75, "simple"),
        (1.0, "simple"),
    ],
)
def test_the_papers_bounds(rho: float, group: str) -> None:
    assert group_of(rho, PartitionParams()) == group


def test_an_abstention_is_neither_right_nor_wrong(tmp_path: Path) -> None:
    made = partitioned(tmp_path, {"a": "++-?", "b": "----", "c": "++++", "d": "????"})
    rows = read_rows(made.folder / GROUPS)
    assert [(r["problem_id"], r["correct"], r["k"], r["group"]) for r in rows] == [
        ("a", 2, 3, "medium"),
        ("b", 0, 4, "hard"),
        ("c", 4, 4, "simple"),
        ("d", 0, 0, "hard"),
    ]
    assert (rows[3]["low"], rows[3]["high"], made.stats["without_verdict"]) == (0, 1, 1)
    assert made.stats["groups"] == {"hard": 2, "medium": 1, "simple": 1}
    assert made.stats["histogram"] == {"0/0": 1, "2/3": 1, "0/4": 1, "4/4": 1}


@given(st.integers(0, 32), st.integers(0, 32))
def test_the_interval_is_wilsons(right: int, wrong: int) -> None:
    from scipy.stats import binomtest

    row = partition_row("p", right, right + wrong, PartitionParams())
    assert 0 <= row["low"] <= row["rho"] <= row["high"] <= 1
    if right + wrong:
        wilson = binomtest(right, right + wrong).proportion_ci(method="wilson")
        assert rate_interval(right, right + wrong) == pytest.approx((wilson.low, wilson.high), abs=1e-9)


POOL = {f"p{i}": "+" * (i % 9) + "-" * (8 - i % 9) for i in range(90)}


def test_shuffled_groups_keep_their_sizes_and_rates_and_follow_the_seed(tmp_path: Path) -> None:
    plain = read_rows(partitioned(tmp_path / "plain", POOL).folder / GROUPS)
    first, again, other = (
        read_rows(partitioned(tmp_path / str(i), POOL, seed=seed, shuffle=True).folder / GROUPS)
        for i, seed in enumerate((0, 0, 1))
    )
    sizes = lambda rows: Counter(row["group"] for row in rows)  # noqa: E731
    rates = lambda rows: [(row["problem_id"], row["rho"]) for row in rows]  # noqa: E731
    assert sizes(first) == sizes(plain) and rates(first) == rates(plain)
    assert first == again and first != other and first != plain


def test_moves_since_the_round_before_are_recorded(tmp_path: Path) -> None:
    before = partitioned(tmp_path / "1", {"a": "----", "b": "--++", "c": "++++", "d": "----", "gone": "++++"})
    assert "drift" not in before.stats and not (before.folder / DRIFT).exists()
    after = partitioned(tmp_path / "2", {"a": "++--", "b": "++++", "c": "----", "d": "---?", "new": "----"}, before)
    assert [tuple(row.values()) for row in read_rows(after.folder / DRIFT)] == [
        ("a", "hard", "medium"),
        ("b", "medium", "simple"),
        ("c", "simple", "hard"),
        ("d", "hard", "hard"),
    ]
    assert after.stats["drift"] == {
        "hard -> hard": 1,
        "hard -> medium": 1,
        "medium -> simple": 1,
        "simple -> hard": 1,
    }
    assert (after.stats["rose"], after.stats["fell"], after.stats["stayed"]) == (2, 1, 1)


@given(st.lists(st.sampled_from(list(product(GROUP_ORDER, GROUP_ORDER)))))
def test_every_move_is_counted_once(pairs: list[tuple[str, str]]) -> None:
    counts = drift_counts([{"before": b, "after": a} for b, a in pairs])
    assert sum(counts["drift"].values()) == counts["rose"] + counts["fell"] + counts["stayed"] == len(pairs)
    assert counts["stayed"] == sum(b == a for b, a in pairs)
