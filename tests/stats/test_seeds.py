"""Seeds and items crossed, McNemar, the Pareto set: by hand, by another route, and in simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from slmr.stats import (
    Effects,
    Parts,
    mcnemar,
    pareto,
    seeds_and_items,
    seeds_and_items_differences,
)


def runs(rng: np.random.Generator, seeds: int, items: int, by_seed: float, by_item: float, rest: float) -> np.ndarray:
    """[seeds, items] of true mean 0."""
    return rng.normal(0, by_seed, (seeds, 1)) + rng.normal(0, by_item, (1, items)) + rng.normal(0, rest, (seeds, items))


def hierarchical_bootstrap(tasks: list[np.ndarray], draws: int, seed: int = 0) -> np.ndarray:
    """Means over tasks of resampled seeds and items, both drawn with replacement: [draws].

    One draw of seeds serves all tasks. Its spread is that of `seeds_and_items` times (S - 1) / S and (n - 1) / n in
    the two parts: a second route to the same number. Tasks are arrays [seeds, items].
    """
    rng = np.random.default_rng(seed)
    seeds = len(tasks[0])
    means = np.zeros(draws)
    for i in range(draws):
        chosen = rng.integers(seeds, size=seeds)
        means[i] = np.mean([t[chosen].mean(axis=0)[rng.integers(t.shape[1], size=t.shape[1])].mean() for t in tasks])
    return means


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
    assert math.isclose(drawn, seeds_and_items([Effects.of(task).parts for task in tasks]).stderr, rel_tol=0.1)


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize(("by_seed", "by_item", "rest"), [(0.02, 0.3, 0.3), (0.0, 0.3, 0.3), (0.05, 0.1, 0.1)])
def test_intervals_cover_in_simulation(seeds: int, by_seed: float, by_item: float, rest: float) -> None:
    rng, hits = np.random.default_rng(seeds), 0
    for _ in range(1000):
        found = seeds_and_items([Effects.of(runs(rng, seeds, 100, by_seed, by_item, rest)).parts])
        hits += found.low <= 0 <= found.high
    assert 0.925 <= hits / 1000 <= 0.995  # with two seeds it is on the careful side


def test_the_p_value_is_that_of_the_interval() -> None:
    a, b = (np.clip(runs(np.random.default_rng(i), 4, 60, 0.03, 0.2, 0.2) + 0.5, 0, 1) for i in (0, 1))
    change = (Effects.of(a) - Effects.of(b)).parts
    p = seeds_and_items_differences([[change]])[0].p
    found = seeds_and_items_differences([[change]], 1 - p)[0]
    assert math.isclose(min(abs(found.low), abs(found.high)), 0, abs_tol=1e-6)


def parts(seeds: int) -> st.SearchStrategy[Parts]:
    """Of a difference on one task, none of it impossible."""
    small = st.floats(0, 0.01) | st.just(0.0)
    means = st.lists(st.floats(-1, 1) | st.just(0.0), min_size=seeds, max_size=seeds)
    return st.builds(Parts, means.map(np.array), small, small, st.integers(2, 2000))


several = st.tuples(st.integers(2, 12), st.integers(1, 5)).flatmap(
    lambda shape: st.lists(st.lists(parts(shape[0]), min_size=shape[1], max_size=shape[1]), min_size=1, max_size=9)
)


@given(several)
def test_many_at_once_are_to_the_last_digit_what_each_is_alone(many: list[list[Parts]]) -> None:
    assert seeds_and_items_differences(many) == [seeds_and_items_differences([one])[0] for one in many]


@given(several)
def test_a_differences_interval_is_that_of_an_estimate_within_what_is_possible(
    many: list[list[Parts]],
) -> None:
    for tasks, found in zip(many, seeds_and_items_differences(many), strict=True):
        free = seeds_and_items(tasks)
        expected = (free.mean, max(free.low, -1), min(free.high, 1))
        assert (found.mean, found.low, found.high) == pytest.approx(expected, abs=1e-12)


@given(several)
def test_the_p_value_is_where_a_library_finds_it(many: list[list[Parts]]) -> None:
    """Student's distribution by scipy.stats, the crossing by Brent's method."""
    for tasks, found in zip(many, seeds_and_items_differences(many), strict=True):
        by_seed = np.mean([task.seeds for task in tasks], axis=0)
        a = by_seed.var(ddof=1) / len(by_seed)
        b = max(sum(task.items - task.interaction for task in tasks) / len(tasks) ** 2, 0)
        freedoms = len(by_seed) - 1, min(task.count for task in tasks) - 1

        def excess(log_p: float, a: float = a, b: float = b, freedoms: tuple[int, int] = freedoms) -> float:
            t1, t2 = (stats.t.isf(math.exp(log_p) / 2, freedom) for freedom in freedoms)
            return float(t1**2 * a + t2**2 * b - found.mean**2)  # noqa: B023

        if found.mean == 0 or math.sqrt(a + b) < 1e-9:
            continue  # no size or no spread
        if excess(math.log(1e-12)) <= 0:
            assert found.p == 1e-12
        else:
            root = optimize.brentq(excess, math.log(1e-12), 0)
            assert isinstance(root, float) and math.isclose(found.p, math.exp(root), rel_tol=1e-6)


def test_a_difference_without_spread_is_surely_none_or_surely_one() -> None:
    same = Parts(np.array([0.25, 0.25]), 0.0, 0.0, 5)
    none = Parts(np.array([0.0, 0.0]), 0.0, 0.0, 5)
    assert [d.p for d in seeds_and_items_differences([[same], [none]])] == [0.0, 1.0]
    assert seeds_and_items_differences([]) == []
    with pytest.raises(ValueError, match="same seeds"):
        seeds_and_items_differences([[same], [same, same]])
    with pytest.raises(ValueError, match="needs a task"):
        seeds_and_items_differences([[]])


def test_seeds_that_agree_by_chance_leave_the_error_of_the_items_that_differ() -> None:
    """In either seed another of eight items is gained: the seeds' means agree, and the items have no part."""
    scores = np.zeros((2, 8))
    scores[0, 0] = scores[1, 1] = 1.0
    (change,) = seeds_and_items_differences([[Effects.of(scores).parts]])
    assert change.low < 0 < change.high and change.p > 0.05
    assert math.isclose(change.half, stats.t.isf(0.025, 7) * math.sqrt(Effects.of(scores).parts.interaction))


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
    (found,) = seeds_and_items_differences([[(Effects.of(np.clip(b + 0.02, 0, 1)) - Effects.of(b)).parts]])
    assert found.p < 1e-3 and 0 < found.low < found.mean <= 0.02 + 1e-9
    (same,) = seeds_and_items_differences([[(Effects.of(b) - Effects.of(b)).parts]])
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
        beats = [j for j in range(len(points)) if inside[j] and costs[j] <= costs[i] and values[j] >= values[i]]
        assert kept or any(points[j] != points[i] for j in beats)


def test_pooled_over_groups_of_seeds_by_another_route() -> None:
    """Two students, each with its own three seeds, on the same items: the mean squares of the nested design."""
    rng = np.random.default_rng(8)
    ease = rng.normal(0, 0.1, 50)
    students = [runs(rng, 3, 50, 0.05, 0, 0.2) + ease + shift for shift in (0.0, 0.3)]
    pooled = Parts.pooled([Effects.of(student) for student in students])
    found = seeds_and_items([pooled])
    whole = np.stack(students)
    seed_means = whole.mean(axis=2)
    a = np.mean([np.var(means, ddof=1) for means in seed_means]) / 6
    b = np.var(whole.mean(axis=(0, 1)), ddof=1) / 50
    rest = whole - seed_means[:, :, None] - whole.mean(axis=1, keepdims=True) + whole.mean(axis=(1, 2), keepdims=True)
    c = (rest**2).sum() / (2 * 2 * 49) / (6 * 50)
    assert found.mean == pytest.approx(whole.mean())
    half = math.sqrt(stats.t.isf(0.025, 4) ** 2 * a + stats.t.isf(0.025, 49) ** 2 * max(b - c, 0))
    assert found.half == pytest.approx(half)
    with pytest.raises(ValueError, match="equally many seeds"):
        Parts.pooled([Effects.of(students[0]), Effects.of(students[1][:2])])
    with pytest.raises(ValueError, match="the same seeds"):
        seeds_and_items([pooled, Effects.of(np.concatenate(students)).parts])


def test_one_group_is_what_it_was() -> None:
    effects = Effects.of(runs(np.random.default_rng(9), 4, 30, 0.1, 0.1, 0.1))
    one, two = seeds_and_items([effects.parts]), seeds_and_items([Parts.pooled([effects, effects])])
    assert one.mean == pytest.approx(two.mean) and two.half < one.half


def test_pooled_intervals_cover_in_simulation() -> None:
    """Two students of three seeds each, whose spreads are not the same."""
    rng, hits = np.random.default_rng(11), 0
    for _ in range(1000):
        ease = rng.normal(0, 0.1, 80)
        students = [runs(rng, 3, 80, by_seed, 0.05, 0.2) + ease for by_seed in (0.02, 0.04)]
        found = seeds_and_items([Parts.pooled([Effects.of(student) for student in students])])
        hits += found.low <= 0 <= found.high
    assert 0.93 <= hits / 1000 <= 0.985
