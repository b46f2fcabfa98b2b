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


def test_what_cannot_be_separated_shares_a_rank() -> None:
    p = [[1.0, 0.5, 0.001], [0.5, 1.0, 0.001], [0.001, 0.001, 1.0]]
    assert shared_ranks([0.6, 0.58, 0.4], p) == [1, 1, 3]


@given(st.integers(2, 60), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_the_interval_holds_the_mean(items: int, k: int, seed: int) -> None:
    scores = np.random.default_rng(seed).integers(0, 2, (items, k)).astype(float)
    estimate = mean_with_interval(scores)
    assert 0 <= estimate.low <= estimate.mean + 1e-12 and estimate.mean - 1e-12 <= estimate.high <= 1
