"""Estimators, intervals and paired tests. Scores are arrays of shape [items, k], one value a completion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean, its standard error, and the bounds of its 95 % interval."""

    mean: float
    stderr: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """A paired difference a - b, its standard error and 95 % interval, and the two-sided p-value."""

    mean: float
    stderr: float
    low: float
    high: float
    p: float


def mean_with_interval(scores: np.ndarray, level: float = 0.95) -> Estimate:
    """Mean of item means with a standard error clustered by item (Miller, 2411.00640).

    Where every item is wholly right or wrong the interval is Wilson's, so it never closes on a point;
    else Student's t on the item means, cut to [0, 1]. One half-right item tells nothing: all of [0, 1].

    Raises:
        ValueError: the array is not [items, k], is empty, or holds a value that is no number.
    """
    import numpy as np
    from scipy import stats

    items = _item_means(scores)
    mean, n = float(items.mean()), len(items)
    stderr = _stderr(items)
    if set(np.unique(items)) <= {0.0, 1.0}:
        interval = stats.binomtest(int(items.sum()), n).proportion_ci(level, method="wilson")
        return Estimate(mean, stderr, float(interval.low), float(interval.high))
    half = float(stats.t.ppf(0.5 + level / 2, n - 1)) * stderr if n > 1 else 1.0
    return Estimate(mean, stderr, max(0.0, mean - half), min(1.0, mean + half))


def paired_difference(a: np.ndarray, b: np.ndarray, level: float = 0.95) -> Difference:
    """Mean of a - b over the same items, clustered by item (Miller, 2411.00640, section 4).

    Raises:
        ValueError: the two do not have the same items.
    """
    if len(a) != len(b):
        raise ValueError(f"paired scores need the same items: {len(a)} and {len(b)} given")
    change = _item_means(a) - _item_means(b)
    freedom = len(change) - 1
    return _difference(float(change.mean()), _stderr(change), level, len(change), freedom)


def mean_over_tasks(tasks: Sequence[np.ndarray], level: float = 0.95) -> Estimate:
    """Unweighted mean of task means; tasks are independent samples, so their variances add.

    Raises:
        ValueError: there is no task, or its scores are not fit for `mean_with_interval`.
    """
    if not tasks:
        raise ValueError("no tasks to average")
    parts = [mean_with_interval(scores) for scores in tasks]
    mean = sum(p.mean for p in parts) / len(parts)
    stderr = math.sqrt(sum(p.stderr**2 for p in parts)) / len(parts)
    half = _normal(level) * stderr
    return Estimate(mean, stderr, max(0.0, mean - half), min(1.0, mean + half))


def paired_difference_over_tasks(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]], level: float = 0.95
) -> Difference:
    """Unweighted mean of the tasks' paired differences, variances added as in `mean_over_tasks`.

    Raises:
        ValueError: there is no task, or the two sides of one do not have the same items.
    """
    if not pairs:
        raise ValueError("no tasks to compare")
    parts = [paired_difference(a, b) for a, b in pairs]
    stderr = math.sqrt(sum(p.stderr**2 for p in parts)) / len(parts)
    fewest = min(len(a) for a, _ in pairs)
    return _difference(sum(p.mean for p in parts) / len(parts), stderr, level, fewest, None)


def minimum_detectable_difference(stderr: float, power: float = 0.8, level: float = 0.95) -> float:
    """The true difference that a two-sided test finds with the given power.

    (z of the level + z of the power) × the standard error of the difference; Miller, 2411.00640, section 5.
    """
    from scipy import stats

    return (_normal(level) + float(stats.norm.ppf(power))) * stderr


def holm(pvalues: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment (1979): adjusted p-values in the order given."""
    order = sorted(range(len(pvalues)), key=lambda i: pvalues[i])
    adjusted = [0.0] * len(pvalues)
    worst = 0.0
    for place, index in enumerate(order):
        worst = max(worst, min(1.0, (len(pvalues) - place) * pvalues[index]))
        adjusted[index] = worst
    return adjusted


def shared_ranks(
    means: Sequence[float], pvalues: Sequence[Sequence[float]], level: float = 0.05
) -> list[int]:
    """1 + how many are significantly better; what cannot be separated shares a rank.

    `pvalues[i][j]` is the p-value of i against j; all pairs are Holm-corrected together.
    """
    pairs = [(i, j) for i in range(len(means)) for j in range(i + 1, len(means))]
    adjusted = dict(zip(pairs, holm([pvalues[i][j] for i, j in pairs]), strict=True))

    def beats(i: int, j: int) -> bool:
        return means[i] > means[j] and adjusted[min(i, j), max(i, j)] < level

    return [1 + sum(beats(j, i) for j in range(len(means)) if j != i) for i in range(len(means))]


def _item_means(scores: np.ndarray) -> np.ndarray:
    import numpy as np

    if scores.ndim != 2 or scores.size == 0:
        raise ValueError(f"scores must be [items, k] and not empty, not of shape {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be numbers: leave out items without a score")
    return scores.mean(axis=1)


def _stderr(values: np.ndarray) -> float:
    """Of the mean; 0 where one value, or none that differs, tells nothing of the spread."""
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else 0.0


def _difference(mean: float, stderr: float, level: float, items: int, freedom: int | None) -> Difference:
    """A t-test (normal where `freedom` is None); where nothing spreads, Fisher's sign-flip test.

    If all n items changed by the same amount, 2 of the 2^n ways to flip signs are as extreme.
    """
    from scipy import stats

    rounding = 1e-12  # sums of equal values differ by about 1e-17
    if stderr < rounding:
        same = abs(mean) < rounding
        low, high = (mean, mean) if same or items > 1 else (-1.0, 1.0)
        return Difference(mean, 0.0, low, high, 1.0 if same else 2.0 ** (1 - items))
    law = stats.norm if freedom is None else stats.t(freedom)
    half = float(law.ppf(0.5 + level / 2)) * stderr
    return Difference(mean, stderr, mean - half, mean + half, float(2 * law.sf(abs(mean) / stderr)))


def _normal(level: float) -> float:
    from scipy import stats

    return float(stats.norm.ppf(0.5 + level / 2))
