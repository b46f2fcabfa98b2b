"""Probe, partition and consolidation: what an adaptive probe saves, and that it changes as little as it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.errors import RequestError
from slmr.stagewise.consolidate import ConsolidateParams, consolidate_stage, outcome_of
from slmr.stagewise.partition import PartitionParams, group_of, partition_stage, rate_interval
from slmr.stagewise.pool import PoolParams, pool_stage
from slmr.stagewise.probe import ProbeParams, probe_stage
from slmr.stagewise.stopping import Classes, Counts, Prior, StoppingRule, chance_of_change
from slmr.store import read_rows
from tests.stagewise.common import context, folder, problems, rollout


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


def probed(place: Path, n: int = 40, **params: Any) -> tuple[list[dict], dict[str, Any], Path]:
    pool = folder(place / "pool", problems=problems(n))
    made = context(place / "out", problems=pool)
    probe_stage(made, ProbeParams(k=8, **params))
    return read_rows(made.folder / "rollouts.parquet"), made.stats, made.folder


def test_an_adaptive_probe_draws_a_part_of_the_full_one_and_mixed_loses_nothing(tmp_path: Path) -> None:
    full, _, _ = probed(tmp_path / "full")
    some, stats, _ = probed(tmp_path / "mixed", adaptive="mixed")
    assert {(r["problem_id"], r["k_index"], r["completion"]) for r in some} < {
        (r["problem_id"], r["k_index"], r["completion"]) for r in full
    }
    assert stats["rollouts"] == len(some) < stats["asked_at_most"] == 320 and 0 < stats["saved"] < 1
    outcomes = []
    for rows in (full, some):
        by_problem: dict[str, list[bool]] = {}
        for row in rows:
            by_problem.setdefault(row["problem_id"], []).append(row["strict"])
        outcomes.append({i: outcome_of(sum(v), len(v)) for i, v in by_problem.items()})
    assert outcomes[0] == outcomes[1]


def test_a_killed_probe_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _, _ = probed(tmp_path / "whole", 12, adaptive="difficulty", stop_error=0.1)
    made = context(tmp_path / "out", problems=folder(tmp_path / "pool", problems=problems(12)))
    calls = iter(range(100))

    def stopped(done: int, total: int, unit: str) -> None:
        if next(calls) == 40:
            raise KeyboardInterrupt

    made.progress = stopped
    with pytest.raises(KeyboardInterrupt):
        probe_stage(made, ProbeParams(k=8, adaptive="difficulty", stop_error=0.1))
    again = context(tmp_path / "out", problems=tmp_path / "pool")
    probe_stage(again, ProbeParams(k=8, adaptive="difficulty", stop_error=0.1))
    assert read_rows(again.folder / "rollouts.parquet") == whole


@given(
    st.integers(0, 8),
    st.integers(0, 8),
    st.floats(0.1, 5),
    st.floats(0.1, 5),
    st.sampled_from(["difficulty", "mixed"]),
)
def test_the_chance_of_change_by_summing_over_all_orders(
    right: int, judged: int, a: float, b: float, target: str
) -> None:
    """Polya's urn: the chance of a sequence is the product of its draws; all 2^m sequences are summed."""
    if right > judged:
        return
    left, classes = 8 - judged, Classes(target, 0.25, 0.75)  # type: ignore[arg-type]
    now = classes.of(Counts(np.array([right]), np.array([judged])))[0]
    total = 0.0
    for bits in range(2**left):
        chance, r, n = 1.0, right, judged
        for i in range(left):
            good = bits >> i & 1
            rate = (a + r) / (a + b + n)
            chance, r, n = chance * (rate if good else 1 - rate), r + good, n + 1
        total += chance * (classes.of(Counts(np.array([r]), np.array([n])))[0] != now)
    (found,) = chance_of_change(Counts(np.array([right]), np.array([judged])), left, Prior(a, b), classes)
    assert found == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize("error", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("shape", [(0.4, 0.5), (1.0, 1.0), (2.0, 5.0)])
def test_the_partition_differs_by_no_more_than_is_stated(error: float, shape: tuple[float, float]) -> None:
    rng, n, k = np.random.default_rng(0), 20_000, 16
    draws = rng.random((n, k)) < rng.beta(*shape, size=n)[:, None]
    classes = Classes("difficulty", 0.25, 0.75)
    rule, going_on, spent = StoppingRule(classes, k, error), list(range(n)), np.full(n, k)
    for drawn in range(2, k, 2):
        right = np.array([draws[i, :d].sum() for i, d in enumerate(np.minimum(spent, drawn))])
        judged = np.minimum(spent, drawn)
        stops = rule.stops(rule.chance_of_change(right, judged, going_on, drawn), drawn)
        spent[[i for i, stop in zip(going_on, stops, strict=True) if stop]] = drawn
        going_on = [i for i, stop in zip(going_on, stops, strict=True) if not stop]
    right = np.array([draws[i, :d].sum() for i, d in enumerate(spent)])
    differs = classes.of(Counts(right, spent)) != classes.of(Counts(draws.sum(1), np.full(n, k)))
    assert differs.mean() <= error + 3 * (error / n) ** 0.5
    assert spent.mean() < 0.95 * k


def partition(
    place: Path, rights: list[int], before: Path | None = None, **params: Any
) -> tuple[list[dict], dict, Path]:
    rows = [rollout(f"p{i}", k, "", k < right) for i, right in enumerate(rights) for k in range(8)]
    made = context(
        place / "out", probe=folder(place / "probe", rollouts=rows), before=[before] if before else []
    )
    partition_stage(made, PartitionParams(**params))
    return read_rows(made.folder / "groups.parquet"), made.stats, made.folder


def test_groups_intervals_histogram_and_drift(tmp_path: Path) -> None:
    first, stats, place = partition(tmp_path / "1", [0, 1, 4, 8, 8])
    assert [r["group"] for r in first] == ["hard", "hard", "medium", "simple", "simple"]
    assert all(r["low"] <= r["rho"] <= r["high"] for r in first)
    assert stats["histogram"] == {"0/8": 1, "1/8": 1, "4/8": 1, "8/8": 2} and "drift" not in stats
    _, stats, place = partition(tmp_path / "2", [0, 6, 8, 3, 8], before=place)
    assert stats["drift"] == {"hard -> hard": 1, "hard -> simple": 1, "medium -> simple": 1, "simple -> medium": 1,
                              "simple -> simple": 1}  # fmt: skip
    assert (stats["rose"], stats["fell"], stats["stayed"]) == (2, 1, 2)
    assert len(read_rows(place / "drift.parquet")) == 5


def test_wilsons_interval_by_hand() -> None:
    assert rate_interval(0, 8) == pytest.approx((0, 0.3244), abs=1e-3)
    assert rate_interval(4, 8) == pytest.approx((0.2152, 0.7848), abs=1e-3)
    assert rate_interval(0, 0) == (0, 1)


def test_a_shuffled_partition_has_the_same_sizes(tmp_path: Path) -> None:
    plain, _, _ = partition(tmp_path / "a", [0, 1, 4, 5, 8, 8, 8, 8])
    mixed, _, _ = partition(tmp_path / "b", [0, 1, 4, 5, 8, 8, 8, 8], shuffle=True)
    assert sorted(r["group"] for r in plain) == sorted(r["group"] for r in mixed)
    assert [r["group"] for r in plain] != [r["group"] for r in mixed]


@pytest.mark.parametrize(("params", "kept"), [({}, {1}), ({"drop_all_correct": False}, {1, 2})])
def test_the_consolidation_set(tmp_path: Path, params: dict[str, Any], kept: set[int]) -> None:
    pool = problems(3)
    rights = [0, 3, 8]
    rows = [
        rollout(p["id"], k, "", k < right) for p, right in zip(pool, rights, strict=True) for k in range(8)
    ]
    made = context(
        tmp_path / "out",
        problems=folder(tmp_path / "pool", problems=pool),
        probe=folder(tmp_path / "probe", rollouts=rows),
    )
    consolidate_stage(made, ConsolidateParams(**params))
    assert [r["id"] for r in read_rows(made.folder / "problems.parquet")] == [
        pool[i]["id"] for i in sorted(kept)
    ]
    assert made.stats["groups"] == {"all right": 1, "all wrong": 1, "mixed": 1}


def test_held_out_problems_are_none_of_the_pool(tmp_path: Path) -> None:
    made = context(tmp_path)
    pool_stage(made, PoolParams(task="lab_gsm8k", size=50, validation=20))
    pool, held = (read_rows(tmp_path / f"{name}.parquet") for name in ("problems", "validation"))
    assert (len(pool), len(held)) == (50, 20)
    assert not {r["problem"] for r in pool} & {r["problem"] for r in held}


def test_a_data_set_too_small_to_hold_out_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = '{"question": "What is %d + 1?", "answer": "It is %d.\\n#### %d"}\n'
    (tmp_path / "gsm8k").mkdir()
    (tmp_path / "gsm8k" / "train.jsonl").write_text("".join(line % (i, i + 1, i + 1) for i in range(10)))
    monkeypatch.setenv("SLMR_DATA", str(tmp_path))
    pool_stage(made := context(tmp_path / "a"), PoolParams(task="gsm8k_platinum", size=6, validation=4))
    held = [r["problem"] for r in read_rows(made.folder / "validation.parquet")]
    assert held == [f"What is {i} + 1?" for i in range(6, 10)]
    with pytest.raises(RequestError, match="take a smaller pool or fewer"):
        pool_stage(context(tmp_path / "b"), PoolParams(task="gsm8k_platinum", size=7, validation=4))
