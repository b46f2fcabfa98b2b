"""Estimators, intervals and paired tests for items with k completions each, every one right or wrong.

Items are a sample from a population, so every error is clustered by item. All intervals of a mean are
those of `bounded_mean`; docs/statistics.md explains them and shows their coverage.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# With this many equal deviations, the observed spread gets 63 % of the weight: our choice, by simulation.
_FEW = 4.3
_ROUNDING = 1e-9  # means of equal values differ by about 1e-17

Answer = tuple[Hashable | None, bool]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean, its standard error, and the bounds of its interval (95 % by default)."""

    mean: float
    stderr: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2

    def within(self, least: float, most: float) -> Estimate:
        """The estimate with its interval cut to the possible range, which that of two seeds may exceed."""
        return Estimate(self.mean, self.stderr, max(self.low, least), min(self.high, most))


@dataclass(frozen=True, slots=True)
class Difference(Estimate):
    """A paired difference a - b, its standard error and 95 % interval, and the two-sided p-value."""

    p: float


# --- estimators ----------------------------------------------------------------------------------


def avg_at_k(scores: np.ndarray, level: float = 0.95) -> Estimate:
    """Mean over items of the mean over an item's k completions.

    Args:
        scores: [items, k], each in [0, 1]: usually 1 for right and 0 for wrong.
        level: of the interval.

    Raises:
        ValueError: the array is not [items, k], is empty, or holds a value that is not in [0, 1].
    """
    return bounded_mean(_item_means(scores), level)


mean_with_interval = avg_at_k  # older name, kept for its users


def pass_at_k(correct: ArrayLike, samples: int, k: int, level: float = 0.95) -> Estimate:
    """The probability that at least one of k completions is right, estimated from `samples` completions.

    Args:
        correct: [items], the number of right completions of each item.
        samples: the number of completions of every item.
        k: at most `samples`.
        level: of the interval.

    Raises:
        ValueError: there is no item, k is not in 1..samples, or a count is not in 0..samples.
    """
    counts = np.asarray(correct)
    table = pass_scores(samples, k)
    if counts.ndim != 1 or not np.isin(counts, np.arange(samples + 1)).all():
        raise ValueError(f"counts of right completions must be whole numbers [items] in 0..{samples}")
    return bounded_mean(table[counts.astype(int)], level)


def pass_scores(samples: int, k: int) -> np.ndarray:
    """The unbiased estimate of pass@k of an item with c right completions, for c = 0..samples: [samples + 1].

    1 - C(samples - c, k) / C(samples, k), as the product over i = samples - c + 1 .. samples of 1 - k / i
    (Chen et al., 2107.03374, section 2.1), in which nothing overflows.

    Raises:
        ValueError: k is not in 1..samples.
    """
    if not 1 <= k <= samples:
        raise ValueError(f"pass@k needs k in 1..{samples}, the completions per item, not {k}")
    factors = np.maximum(1 - k / np.arange(samples, 0, -1), 0.0)  # below 0 only after a factor of 0
    return np.concatenate([[0.0], 1 - np.cumprod(factors)])


def maj_at_k(answers: Sequence[Sequence[Answer]], level: float = 0.95) -> Estimate:
    """Mean over items of the majority vote over an item's k answers: see `majority_score`.

    Args:
        answers: per item, the k completions as (key of the extracted answer or None, is it right).
        level: of the interval.

    Raises:
        ValueError: there is no item, or the items do not have the same number of completions.
    """
    if len({len(item) for item in answers}) > 1:
        raise ValueError("maj@k needs the same number of completions for every item")
    return bounded_mean([majority_score(item) for item in answers], level)


def majority_score(answers: Sequence[Answer]) -> float:
    """The share of right ones among the tied most frequent answers of one item; 0 if there is no vote.

    This is the expected score when ties are broken at random. A completion without an answer (None) does not
    vote. An answer whose completions have different verdicts (one lacks a box) counts in part.
    """
    votes = Counter(key for key, _ in answers if key is not None)
    if not votes:
        return 0.0
    most = max(votes.values())
    tied = [key for key, count in votes.items() if count == most]
    return sum(right for key, right in answers if key in tied) / (most * len(tied))


# --- the interval of a bounded mean --------------------------------------------------------------


def bounded_mean(items: ArrayLike, level: float = 0.95) -> Estimate:
    """Mean of independent item scores in [0, 1]: `bounded_mean_over_tasks` for one task.

    Args:
        items: [items], one score per item.
        level: of the interval.

    Raises:
        ValueError: there is no item, or a score is not in [0, 1].
    """
    return bounded_mean_over_tasks([items], level)


def bounded_mean_over_tasks(tasks: Sequence[ArrayLike], level: float = 0.95) -> Estimate:
    """Unweighted mean of task means of item scores in [0, 1]; the interval is that of `bounds_of_moments`.

    The standard error is that of the item scores (n - 1 in its denominator), which clusters by item
    (Miller, 2411.00640); tasks are independent samples, so their variances add. It is 0 if no task has
    two items that differ.

    The coverage of 95 % is meant on average over a band of true values: at a single value the coverage of any
    interval of counts jumps with n and the value (Brown, Cai and DasGupta 2001). docs/statistics.md has the
    measured coverage of both.

    Args:
        tasks: per task its item scores, [items].
        level: of the interval.

    Raises:
        ValueError: there is no task, one has no item, or a score is not in [0, 1].
    """
    if not tasks:
        raise ValueError("no tasks to average")
    scores = [np.asarray(items, dtype=float) for items in tasks]
    if any(x.ndim != 1 or x.size == 0 or not ((x >= 0) & (x <= 1)).all() for x in scores):
        raise ValueError("item scores must be [items], not empty, and numbers in [0, 1]")
    moments = [Moments(len(x), x.mean(), x.var(), x.min(), x.max()) for x in scores]
    low, high = bounds_of_moments(moments, level)
    mean = sum(float(m.mean) for m in moments) / len(moments)
    stderr = math.hypot(*(_stderr(x) for x in scores)) / len(scores)
    return Estimate(mean, stderr, float(low), float(high))


class Moments(NamedTuple):
    """The moments of a task's n item scores: numbers, or arrays with one element per evaluation."""

    n: int
    mean: float | np.ndarray
    variance: float | np.ndarray  # with n in its denominator
    least: float | np.ndarray
    most: float | np.ndarray


def bounds_of_moments(tasks: Sequence[Moments], level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's bounds (1927) for the mean of the tasks' means, at their effective number of items.

    For one task: the variance of scores in [0, 1] with mean m is at most that of 0/1 scores, v = m (1 - m). If it
    is the share d of v, n items carry as much information as n / d items with 0/1 scores (Kish's design effect;
    for bounds of proportions from clustered surveys: Korn and Graubard 1998, Franco et al. 2019).
    With the standard error e of m, d = n e² / (v + e²): n e² and v + e² are unbiased for the variance of a
    score and for its maximum. For scores of 0 and 1, d = 1, and the bounds are exactly Wilson's.

    Ours: a sample underestimates d if it lacks the few items that deviate most. The upper bound therefore uses
    d^w, w = 1 - exp(-(x / 4.3)²), with x = n s² / ((most - m)² (1 - m)) for the variance s² of the n scores:
    x counts the deviations in units of the largest one upward, and is larger if less room is left above. So w
    is nearly 1 if eight or more items deviate equally, and 0, as for 0/1 scores, if none deviates. The lower
    bound mirrors this. Both lie in [0, 1] and enclose the mean, and at most one of them equals it.

    For several tasks: e² is the sum of theirs over the squared number T of tasks, n is T² / sum(1 / n_t), the
    effective number of items for 0/1 scores with one rate, and w is the tasks' mean, weighted by 1 / n_t.
    """
    means = [np.asarray(t.mean, dtype=float) for t in tasks]
    m, inverse = np.asarray(sum(means) / len(tasks)), sum(1 / t.n for t in tasks)
    n, v, z2 = len(tasks) ** 2 / inverse, m * (1 - m), _normal(level) ** 2
    e2 = sum(np.asarray(t.variance) / max(t.n - 1, 1) for t in tasks) / len(tasks) ** 2
    varies = e2 > _ROUNDING**2
    d = np.where(varies, np.minimum(n * e2 / np.where(varies, v + e2, 1.0), 1.0), 1.0)

    def upper(m: np.ndarray, rooms: list[np.ndarray], reaches: list[np.ndarray]) -> np.ndarray:
        units = [np.maximum(r * r * q, _ROUNDING**2) for r, q in zip(reaches, rooms, strict=True)]
        w = sum(_trust(t.n * t.variance / u) / t.n for t, u in zip(tasks, units, strict=True)) / inverse
        effective = n / d**w
        half = np.sqrt(z2 * (v + z2 / (4 * effective)) / effective)
        return np.minimum((m + z2 / (2 * effective) + half) / (1 + z2 / effective), 1.0)

    low = 1 - upper(1 - m, means, [x - t.least for x, t in zip(means, tasks, strict=True)])
    high = upper(m, [1 - x for x in means], [t.most - x for x, t in zip(means, tasks, strict=True)])
    return np.minimum(low, m), np.maximum(high, m)


def _trust(seen: Any) -> Any:
    """The weight of an observed spread, given the number of deviations behind it: 0 for none, 1 for many."""
    return 1 - np.exp(-((seen / _FEW) ** 2))


def mean_over_tasks(tasks: Sequence[np.ndarray], level: float = 0.95) -> Estimate:
    """Unweighted mean of the tasks' `avg_at_k`.

    Raises:
        ValueError: there is no task, or its scores are not fit for `avg_at_k`.
    """
    return bounded_mean_over_tasks([_item_means(scores) for scores in tasks], level)


# --- paired differences --------------------------------------------------------------------------


def paired_difference(a: np.ndarray, b: np.ndarray, level: float = 0.95) -> Difference:
    """Mean of a - b over the same items: `paired_difference_over_tasks` for one task.

    Raises:
        ValueError: the two do not have the same items, or are not fit for `avg_at_k`.
    """
    return paired_difference_over_tasks([(a, b)], level)


def paired_difference_over_tasks(pairs: Sequence[tuple[np.ndarray, np.ndarray]], level: float = 0.95) -> Difference:
    """Unweighted mean over tasks of the mean of a - b, clustered by item (Miller, 2411.00640, section 4).

    The interval is the normal one, with variance (s² + δ / n) / n for a task with n items: as if one more
    item had changed, by δ = 1. Agresti and Min (2005) add the same to paired 0/1 scores; it keeps the interval
    from collapsing if few or no items differ, where Student's t has too little coverage. Ours: if many items
    differ slightly, δ is between 1 and the largest squared change M:
    δ = M^(1 - exp(-(x / 4.3)²)), with x the sum of squares in units of M.

    p belongs to the interval, but is at least 2^(1 - j) if j items differ: of the 2^j ways to flip the signs of
    the changes, two are as extreme as all in one direction (Fisher's test). If that bound is above the level,
    the interval is extended to include 0, so that the two agree.

    Args:
        pairs: per task two arrays [items, k] of scores in [0, 1]; k may differ. Item scores, such as pass@k,
            have the shape [items, 1].
        level: of the interval.

    Raises:
        ValueError: there is no task, the two arrays of one do not have the same items, or are not fit for
            `avg_at_k`.
    """
    if not pairs:
        raise ValueError("no tasks to compare")
    changes = [_change(a, b) for a, b in pairs]
    size = len(changes)
    mean = sum(float(change.mean()) for change in changes) / size
    stderr = math.hypot(*(_stderr(change) for change in changes)) / size
    widened = math.hypot(*(widened_stderr(change) for change in changes)) / size
    differing = sum(int((change != 0).sum()) for change in changes)
    least_p = 2.0 ** min(0, 1 - differing)
    half = _normal(level) * widened
    low, high = max(-1.0, mean - half), min(1.0, mean + half)
    if least_p > 1 - level:
        low, high = min(low, 0.0), max(high, 0.0)
    p = math.erfc(abs(mean) / widened / math.sqrt(2))  # two-sided, for a normal distribution
    return Difference(mean, stderr, low, high, max(p, least_p))


def _change(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Item differences [items]; those from rounding are set to 0."""
    if len(a) != len(b):
        raise ValueError(f"paired scores need the same items: {len(a)} and {len(b)} given")
    change = _item_means(a) - _item_means(b)
    return np.where(np.abs(change) < _ROUNDING, 0.0, change)


def widened_stderr(change: np.ndarray) -> float:
    """Standard error of the mean change, as if one more item had changed: see `paired_difference_over_tasks`."""
    n, largest = len(change), float((change**2).max())
    seen = float((change**2).sum()) / largest if largest else 0.0
    unseen = largest ** _trust(seen) if largest else 1.0
    return math.hypot(_stderr(change), math.sqrt(unseen) / n)


# --- power and multiple comparisons --------------------------------------------------------------


def minimum_detectable_difference(stderr: float, power: float = 0.8, level: float = 0.95) -> float:
    """The true difference that a two-sided test detects with the given power.

    (z of the level + z of the power) × the standard error of the difference; Miller, 2411.00640, section 5.
    """
    return (_normal(level) + NormalDist().inv_cdf(power)) * stderr


def score_variance(correct: ArrayLike, samples: int, k: int) -> float:
    """The variance of an item's mean score over k completions, from counts of another number of completions.

    Var(p) + E[p (1 - p)] / k over the items' rates p; both parts are estimated without bias.

    Args:
        correct: [items], the number of right ones among an item's `samples` completions.
        samples: at least 2.
        k: completions per item of the evaluation in question.

    Raises:
        ValueError: there are fewer than two items or completions.
    """
    rates = np.asarray(correct, dtype=float) / samples
    if len(rates) < 2 or samples < 2:
        raise ValueError("the variance within and between items needs at least two items and two completions")
    within = float((rates * (1 - rates)).mean()) * samples / (samples - 1)
    between = float(rates.var(ddof=1)) - within / samples
    return max(between + within / k, 0.0)


def holm(pvalues: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment (1979): adjusted p-values in the order given."""
    p, count = np.asarray(pvalues, dtype=float), len(pvalues)
    order = p.argsort(kind="stable")
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(np.maximum.accumulate((count - np.arange(count)) * p[order]), 1.0)
    return adjusted.tolist()


def _item_means(scores: np.ndarray) -> np.ndarray:
    """Means over completions: [items, k] to [items]."""
    if scores.ndim != 2 or scores.size == 0:
        raise ValueError(f"scores must be [items, k] and not empty, not of shape {scores.shape}")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("scores must be numbers in [0, 1]: leave out items without a score")
    return scores.mean(axis=1)


def _stderr(values: np.ndarray) -> float:
    """Standard error of the mean; 0 for a single value or equal ones."""
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else 0.0


def _normal(level: float) -> float:
    """The normal quantile of a two-sided interval: half its width in standard errors."""
    return NormalDist().inv_cdf(0.5 + level / 2)
