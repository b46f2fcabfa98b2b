"""Seeds and items crossed, McNemar, the Pareto set: by hand, by another route, and in simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from slmr.runstats import (
    Effects,
    hierarchical_bootstrap,
    mcnemar,
    pareto,
    seeds_and_items,
    seeds_and_items_difference,
)


def runs(
    rng: np.random.Generator, seeds: int, items: int, by_seed: float, by_item: float, rest: float
) -> np.ndarray:
    """[seeds, items] of true mean 0."""
    return (
        rng.normal(0, by_seed, (seeds, 1))
        + rng.normal(0, by_item, (1, items))
        + rng.normal(0, rest, (seeds, items))
    )


def test_a_small_table_by_hand() -> None:
    """Seeds' means 1.5 and 3.5, items' 2 and 3; each row steps by 1, so nothing is left for the interaction."""
    found = seeds_and_items([Effects.of(np.array([[1.0, 2.0], [3.0, 4.0]])).parts])
    a, b = 2.0 / 2, 0.5 / 2  # variances of two values that are 2 and 1 apart, each over 2
    assert found.mean == 2.5 and math.isclose(found.stderr, math.sqrt(a + b))
    assert math.isclose(found.high - found.mean, stats.t.ppf(0.975, 1) * math.sqrt(a + b))


@pytest.mark.parametrize(("by_seed", "by_item", "rest"), [(1, 0.3, 0.3), (0.05, 1, 0.5), (0.3, 0.3, 0.5)])
def test_the_error_is_that_of_the_hierarchical_bootstrap(by_seed: float, by_item: float, rest: float) -> None:
    tasks = [runs(np.random.default_rng(i), 40, 60, by_seed, by_item, rest) for i in range(2)]
    drawn = hierarchical_bootstrap(tasks, 2000).std()
    assert math.isclose(
        drawn, seeds_and_items([Effects.of(task).parts for task in tasks]).stderr, rel_tol=0.1
    )


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize(
    ("by_seed", "by_item", "rest"), [(0.02, 0.3, 0.3), (0.0, 0.3, 0.3), (0.05, 0.1, 0.1)]
)
def test_intervals_cover_in_simulation(seeds: int, by_seed: float, by_item: float, rest: float) -> None:
    rng, hits = np.random.default_rng(seeds), 0
    for _ in range(1000):
        found = seeds_and_items([Effects.of(runs(rng, seeds, 100, by_seed, by_item, rest)).parts])
        hits += found.low <= 0 <= found.high
    assert 0.925 <= hits / 1000 <= 0.995  # with two seeds it is on the careful side


def test_the_p_value_is_that_of_the_interval() -> None:
    a, b = (np.clip(runs(np.random.default_rng(i), 4, 60, 0.03, 0.2, 0.2) + 0.5, 0, 1) for i in (0, 1))
    change = (Effects.of(a) - Effects.of(b)).parts
    p = seeds_and_items_difference([change]).p
    found = seeds_and_items_difference([change], level=1 - p)
    assert math.isclose(min(abs(found.low), abs(found.high)), 0, abs_tol=1e-6)


def test_a_seed_effect_over_all_tasks_does_not_average_out() -> None:
    rng = np.random.default_rng(0)
    shift = rng.normal(0, 1, (5, 1))
    tasks = [shift + rng.normal(0, 0.01, (5, 50)) for _ in range(10)]
    assert seeds_and_items([Effects.of(task).parts for task in tasks]).stderr > 0.5 * float(
        shift.std(ddof=1)
    ) / math.sqrt(5)


def test_paired_by_seed_and_item() -> None:
    rng = np.random.default_rng(1)
    b = np.clip(runs(rng, 5, 80, 0.1, 0.2, 0.01) + 0.5, 0, 1)
    found = seeds_and_items_difference([(Effects.of(np.clip(b + 0.02, 0, 1)) - Effects.of(b)).parts])
    assert found.p < 1e-3 and 0 < found.low < found.mean <= 0.02 + 1e-9
    same = seeds_and_items_difference([(Effects.of(b) - Effects.of(b)).parts])
    assert (same.mean, same.low, same.high, same.p) == (0, 0, 0, 1)
    with pytest.raises(ValueError, match="same seeds and items"):
        _ = Effects.of(b) - Effects.of(b[:4])
    with pytest.raises(ValueError, match="at least two"):
        Effects.of(b[:1])


def test_a_difference_is_taken_apart_by_taking_apart_its_sides() -> None:
    rng = np.random.default_rng(2)
    a, b = runs(rng, 5, 80, 0.1, 0.2, 0.3), runs(rng, 5, 80, 0.1, 0.2, 0.3)
    by_sides, at_once = Effects.of(a) - Effects.of(b), Effects.of(a - b)
    for name in ("seeds", "items", "rest"):
        assert np.allclose(getattr(by_sides, name), getattr(at_once, name), atol=1e-12)
    means = a.mean(axis=0) + a.mean(axis=1)[:, None] - a.mean()
    assert np.allclose(Effects.of(a).rest + means, a)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar(a: int, b: int) -> None:
    """Twice the tail of fair coins, at most 1."""
    n = a + b
    tail = sum(math.comb(n, i) for i in range(min(a, b) + 1)) / 2**n
    assert math.isclose(mcnemar(a, b), min(1.0, 2 * tail), rel_tol=1e-9)
    assert mcnemar(a, b) == mcnemar(b, a)


def test_the_pareto_set() -> None:
    assert pareto([1, 2, 3, 2], [0.1, 0.3, 0.3, 0.2]) == [True, True, False, False]
    assert pareto([1, 1], [0.5, 0.5]) == [True, True]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_whoever_is_not_in_the_pareto_set_is_beaten_by_one_in_it(points: list[tuple[int, int]]) -> None:
    costs, values = zip(*points, strict=True)
    inside = pareto(costs, values)
    assert any(inside)
    for i, kept in enumerate(inside):
        beats = [
            j for j in range(len(points)) if inside[j] and costs[j] <= costs[i] and values[j] >= values[i]
        ]
        assert kept or any(points[j] != points[i] for j in beats)
