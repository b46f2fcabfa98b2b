"""Estimators against hand-worked values and independent routes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from slmr.stats import (
    holm,
    mean_over_tasks,
    mean_with_interval,
    minimum_detectable_difference,
    paired_difference,
    paired_difference_over_tasks,
    shared_ranks,
)


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


def test_wilson_interval_by_its_formula() -> None:
    estimate = mean_with_interval(column(*[1] * 30, *[0] * 70))
    z, n, p = 1.959963984540054, 100, 0.3
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    assert estimate.mean == pytest.approx(0.3)
    assert (estimate.low, estimate.high) == (pytest.approx(centre - half), pytest.approx(centre + half))
    assert estimate.stderr == pytest.approx(math.sqrt(0.3 * 0.7 / 99))


def test_errors_are_clustered_by_item() -> None:
    once = column(1, 0, 1, 0, 1, 1)
    repeated = np.repeat(once, 50, axis=1)
    assert mean_with_interval(repeated).stderr == pytest.approx(mean_with_interval(once).stderr)


def test_paired_difference_is_the_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random((40, 3)), rng.random((40, 3))
    found = paired_difference(a, b)
    expected = scipy_stats.ttest_rel(a.mean(axis=1), b.mean(axis=1))
    assert found.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert (found.low, found.high) == (pytest.approx(interval.low), pytest.approx(interval.high))


def test_other_items_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="same items: 3 and 2"):
        paired_difference(column(1, 0, 1), column(1, 0))


def test_wilson_agrees_with_statistics_by_another_route() -> None:
    ours = mean_with_interval(column(*[1] * 7, *[0] * 3), level=0.9)
    # Wilson's bounds are the p at which the score test rejects: |0.7 - p| = z sqrt(p (1 - p) / n).
    z = scipy_stats.norm.ppf(0.95)
    for bound in (ours.low, ours.high):
        assert abs(0.7 - bound) == pytest.approx(z * math.sqrt(bound * (1 - bound) / 10))


def test_several_completions_use_t_on_item_means() -> None:
    scores = np.array([[1, 0], [1, 1], [0, 0], [0, 1], [1, 1]], dtype=float)
    ours, means = mean_with_interval(scores), scores.mean(axis=1)
    low, high = scipy_stats.t.interval(0.95, 4, loc=means.mean(), scale=scipy_stats.sem(means))
    assert (ours.low, ours.high) == (pytest.approx(max(0, low)), pytest.approx(min(1, high)))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_interval_of_repeated_verdicts_is_that_of_the_items(value: float) -> None:
    # Four equal completions an item say no more than one: 20 of 20 right is not certainty.
    once, four = (mean_with_interval(np.full((20, k), value)) for k in (1, 4))
    assert four == once
    assert four.high - four.low == pytest.approx(1.96**2 / (20 + 1.96**2), abs=1e-4)


def test_one_half_right_item_tells_nothing() -> None:
    estimate = mean_with_interval(np.array([[1.0, 0.0]]))
    assert (estimate.mean, estimate.low, estimate.high) == (0.5, 0.0, 1.0)


def test_the_interval_over_tasks_is_the_normal_one() -> None:
    tasks = [column(*[1, 0, 0, 1, 1] * 8), column(*[0, 0, 1] * 10)]
    ours = mean_over_tasks(tasks)
    low, high = scipy_stats.norm.interval(0.95, loc=ours.mean, scale=ours.stderr)
    assert (ours.low, ours.high) == (pytest.approx(low), pytest.approx(high))


def test_paired_differences_over_tasks_by_hand() -> None:
    pairs = [(column(1, 1, 0, 1), column(0, 1, 0, 0)), (column(1, 0), column(0, 1))]
    ours = paired_difference_over_tasks(pairs)
    assert ours.mean == pytest.approx((0.5 + 0) / 2)
    variances = (1 / 3) / 4, 2 / 2
    assert ours.stderr == pytest.approx(math.sqrt(sum(variances)) / 2)
    assert ours.p == pytest.approx(2 * scipy_stats.norm.sf(ours.mean / ours.stderr))


@pytest.mark.parametrize("items", [1, 2, 5])
def test_a_change_without_spread_is_tested_by_flipping_signs(items: int) -> None:
    won, lost = np.ones((items, 1)), np.zeros((items, 1))
    found = paired_difference(won, lost)
    if items > 1:
        flips = scipy_stats.permutation_test(
            (won[:, 0], lost[:, 0]), lambda a, b: (a - b).mean(), permutation_type="samples"
        )
        assert found.p == pytest.approx(flips.pvalue)
    else:
        assert (found.p, found.low, found.high) == (1.0, -1.0, 1.0)


def test_rounding_is_no_difference() -> None:
    thirds = np.tile([0.1, 0.2, 0.3], (50, 1))
    assert paired_difference(thirds, thirds[:, ::-1]).p == 1.0


@pytest.mark.parametrize("scores", [np.ones(3), np.ones((0, 1)), np.array([[1.0], [math.nan]])])
def test_what_is_no_score_is_refused(scores: np.ndarray) -> None:
    with pytest.raises(ValueError, match="scores must be"):
        mean_with_interval(scores)


def test_no_task_is_refused() -> None:
    with pytest.raises(ValueError, match="no tasks"):
        mean_over_tasks([])
    with pytest.raises(ValueError, match="no tasks"):
        paired_difference_over_tasks([])


@given(st.integers(2, 40), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_swapping_the_sides_mirrors_the_difference(items: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.integers(0, 2, (items, k)).astype(float) for _ in range(2))
    there, back = paired_difference(a, b), paired_difference(b, a)
    assert (there.mean, there.low, there.p) == (
        pytest.approx(-back.mean), pytest.approx(-back.high), pytest.approx(back.p)
    )  # fmt: skip
    assert 0 <= there.p <= 1


def test_tasks_weigh_the_same_and_variances_add() -> None:
    a, b = column(*[1, 0] * 50), column(*[1, 1, 1, 0] * 100)
    whole = mean_over_tasks([a, b])
    assert whole.mean == pytest.approx((0.5 + 0.75) / 2)
    parts = [mean_with_interval(x).stderr for x in (a, b)]
    assert whole.stderr == pytest.approx(math.hypot(*parts) / 2)
    assert paired_difference_over_tasks([(a, a), (b, b)]).p == 1.0


def test_minimum_detectable_difference_of_the_textbook() -> None:
    assert minimum_detectable_difference(1.0) == pytest.approx(1.96 + 0.8416, abs=1e-3)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_never_lowers_and_keeps_the_order(pvalues: list[float]) -> None:
    adjusted = holm(pvalues)
    assert all(0 <= p <= q <= 1 for p, q in zip(pvalues, adjusted, strict=True))
    pairs = sorted(zip(pvalues, adjusted, strict=True))
    assert all(x[1] <= y[1] for x, y in zip(pairs, pairs[1:], strict=False))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_the_definition(pvalues: list[float]) -> None:
    # Holm (1979): the i-th smallest of m gets the largest (m - j) p_j of those up to it, at most 1.
    order = np.argsort(pvalues, kind="stable")
    m = len(pvalues)
    expected = np.minimum(np.maximum.accumulate((m - np.arange(m)) * np.array(pvalues)[order]), 1)
    assert np.array(holm(pvalues))[order] == pytest.approx(expected)


def test_a_test_finds_the_detectable_difference_with_its_power() -> None:
    difference = minimum_detectable_difference(2.0, power=0.9, level=0.99)
    cut = scipy_stats.norm.ppf(0.995) * 2.0
    assert scipy_stats.norm.sf(cut, loc=difference, scale=2.0) == pytest.approx(0.9)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_ranks_without_significance_are_all_one(means: list[float]) -> None:
    size = len(means)
    assert shared_ranks(means, np.ones((size, size)).tolist()) == [1] * size
    clear = shared_ranks(means, np.zeros((size, size)).tolist())
    assert clear == [1 + sum(other > mean for other in means) for mean in means]


def test_what_cannot_be_separated_shares_a_rank() -> None:
    p = [[1.0, 0.5, 0.001], [0.5, 1.0, 0.001], [0.001, 0.001, 1.0]]
    assert shared_ranks([0.6, 0.58, 0.4], p) == [1, 1, 3]


@given(st.integers(1, 60), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_the_interval_holds_the_mean(items: int, k: int, seed: int) -> None:
    scores = np.random.default_rng(seed).integers(0, 2, (items, k)).astype(float)
    estimate = mean_with_interval(scores)
    assert 0 <= estimate.low <= estimate.mean + 1e-12 and estimate.mean - 1e-12 <= estimate.high <= 1
