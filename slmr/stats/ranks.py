"""Simultaneous ranks of many methods, each as an interval of ranks.

Two methods are distinguished if their means differ by more than a margin, which is the same for all pairs: in 95 % of
such tables, the largest difference between equal methods would be below it. This is Tukey's honestly significant
difference, with variances moderated over the methods. The pairs that differ by more than the margin determine the
ranks (Al Mohamad, Goeman and van Zwet 2022; Mogstad et al. 2024), and the methods that no other one exceeds by more
than the margin may be the best (Hsu 1996). With a single margin, the ranks in a table sorted by the mean never
decrease, whatever each method's own variance; docs/statistics.md has their coverage. The price is that a single noisy
method would widen the margin of all: `noisy_methods` says which ones to leave out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from slmr.stats.items import widened_stderr
from slmr.stats.moderation import moderate

_DRAWS = 20_000  # determines the margin to 0.5 % of its value


class RankInterval(NamedTuple):
    """The best and the worst rank that a method may have."""

    low: int
    high: int

    def __str__(self) -> str:
        return f"{self.low}" if self.low == self.high else f"{self.low}–{self.high}"


def rank_intervals(means: Sequence[float], margin: float) -> list[RankInterval]:
    """The interval of each method's ranks: 1 + the number of methods ahead of it by more than the margin, up to the
    number of methods that are not behind it by more than the margin.
    """
    values = np.asarray(means, dtype=float)
    ahead = values[None, :] - values[:, None] > margin  # [i, j]: j is ahead of i
    low, high = 1 + ahead.sum(axis=1), len(values) - ahead.sum(axis=0)
    return [RankInterval(int(a), int(b)) for a, b in zip(low, high, strict=True)]


def margin(tasks: Sequence[np.ndarray], level: float = 0.95) -> float:
    """The bound that the largest difference between two means stays below with probability `level` if all are equal.

    A mean's error has two parts, which are drawn together: that of the items, with the covariance of the methods on
    the same items, and that of the seeds, with variances moderated over the methods. A seed also draws the pool; its
    effect on all methods together cancels. With one seed only the items count, and the margin says nothing about
    another training run.

    Args:
        tasks: per task the scores [methods, seeds, items], each the mean over an item's completions; all tasks have
            the same methods and seeds.
        level: the probability.

    Raises:
        ValueError: no task, or tasks with different methods or seeds.
    """
    by_seed = _means_by_seed(tasks)
    rng = np.random.default_rng(0)
    error = _items_error(tasks, rng)
    if by_seed.shape[1] > 1:
        error += seeds_error(by_seed, rng)
    return float(np.quantile(np.ptp(error, axis=1), level))


def noisy_methods(tasks: Sequence[np.ndarray], level: float = 0.95) -> list[int]:
    """The methods, by index, whose means differ far more from seed to seed than those of the others.

    Each one's variance between seeds is compared with the mean of the others' (F test, Bonferroni's correction). Fewer
    than four methods, or a single seed, do not tell what is usual: then no method is noisy.

    Args:
        tasks: as for `margin`.
        level: the probability that no method is called noisy if all have the same variance.

    Raises:
        ValueError: as `margin`.
    """
    from scipy.stats import f

    by_seed = _means_by_seed(tasks)
    methods, seeds = by_seed.shape
    if methods < 4 or seeds < 2:
        return []
    variances = _seed_variances(by_seed)
    others = (variances.sum() - variances) / (methods - 1)
    ratios = np.divide(variances, others, out=np.where(variances > 0, np.inf, 0.0), where=others > 0)
    p = f.sf(ratios, seeds - 1, (seeds - 1) * (methods - 2))
    return [int(i) for i in np.flatnonzero(p < (1 - level) / methods)]


def _means_by_seed(tasks: Sequence[np.ndarray]) -> np.ndarray:
    """Means over tasks and items [methods, seeds]; raises ValueError if tasks differ in methods or seeds."""
    if len({task.shape[:2] for task in tasks}) != 1:
        raise ValueError("ranks need a task, and all tasks with the same methods and seeds")
    return np.mean([task.mean(axis=2) for task in tasks], axis=0)


def _seed_variances(by_seed: np.ndarray) -> np.ndarray:
    """The variance of each method's mean due to seeds, without the seeds' effect on all methods together."""
    methods, seeds = by_seed.shape
    residual = by_seed - by_seed.mean(axis=1, keepdims=True) - by_seed.mean(axis=0) + by_seed.mean()
    # Removing the common effect takes a share of 1 / methods away from the squares.
    return (residual**2).sum(axis=1) / (seeds - 1) / seeds * methods / max(methods - 1, 1)


def seeds_error(by_seed: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draws [draws, methods] of the changes with other seeds, from means [methods, seeds]."""
    methods, seeds = by_seed.shape
    sample = _seed_variances(by_seed)
    moderated = moderate(sample, seeds - 1, max(methods - 1, 1) * (seeds - 1))
    # Only upward: a noisy method among stable ones would otherwise seem stable, and be distinguished in error.
    return _student(rng, np.maximum(moderated.variances, sample), moderated.freedom)


def _student(rng: np.random.Generator, variances: np.ndarray, freedom: float) -> np.ndarray:
    """Draws [draws, variances] from a multivariate Student distribution, with one scale per draw."""
    scale = np.sqrt(freedom / rng.chisquare(freedom, (_DRAWS, 1)))
    return scale * rng.normal(size=(_DRAWS, len(variances))) * np.sqrt(variances)


def _items_error(tasks: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Draws [draws, methods] of the changes with other items."""
    covariance = sum(items_covariance(task) for task in tasks) / len(tasks) ** 2
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    freedom = max(min(task.shape[2] for task in tasks) - 1, 1)
    return _student(rng, np.ones(len(root)), freedom) @ root.T


def items_covariance(scores: np.ndarray) -> np.ndarray:
    """Covariance [methods, methods] of the methods' means due to items, without the interaction with seeds."""
    methods, seeds, count = scores.shape
    items = scores.mean(axis=1)
    around = items - items.mean(axis=1, keepdims=True)
    covariance = around @ around.T / max(count - 1, 1) / count
    if seeds == 1:
        return covariance + np.eye(methods) * _largest_deficit(items, covariance) / 2
    rest = scores - items[:, None] - scores.mean(axis=2, keepdims=True) + items.mean(axis=1)[:, None, None]
    flat = rest.reshape(methods, -1)
    return covariance - flat @ flat.T / ((seeds - 1) * max(count - 1, 1)) / (seeds * count)


def _largest_deficit(items: np.ndarray, covariance: np.ndarray) -> float:
    """The largest amount by which a pair's widened variance exceeds that of the covariance, if few items differ."""
    deficit = 0.0
    for a in range(len(items)):
        for b in range(a):
            widened = widened_stderr(items[a] - items[b]) ** 2
            deficit = max(deficit, widened - covariance[a, a] - covariance[b, b] + 2 * covariance[a, b])
    return deficit
