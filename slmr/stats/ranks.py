"""Ranks of many methods at once, each an interval of ranks.

Two methods are told apart if their means differ by more than one margin, the same for every two: the largest
difference that equal methods would show in 95 % of such tables. This is Tukey's honestly significant difference, with
variances moderated over the methods. Who is above whom by more than the margin gives everybody's ranks (Al Mohamad,
Goeman and van Zwet 2022; Mogstad et al. 2024), and those that nobody is above by more than it are the ones that may be
the best (Hsu 1996). With one margin the ranks never fall on the way down a table sorted by the mean, whatever each
method's own variance is; docs/statistics.md has their coverage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from slmr.stats.items import widened_stderr
from slmr.stats.moderation import moderate

_DRAWS = 20_000  # the margin is known to 0.5 % of itself


class RankInterval(NamedTuple):
    """The best and the worst rank that a method may have."""

    low: int
    high: int

    def __str__(self) -> str:
        return f"{self.low}" if self.low == self.high else f"{self.low}–{self.high}"


def rank_intervals(means: Sequence[float], margin: float) -> list[RankInterval]:
    """1 + how many are ahead by more than the margin, to how many are not behind by more than it."""
    values = np.asarray(means, dtype=float)
    ahead = values[None, :] - values[:, None] > margin  # [i, j]: j is ahead of i
    low, high = 1 + ahead.sum(axis=1), len(values) - ahead.sum(axis=0)
    return [RankInterval(int(a), int(b)) for a, b in zip(low, high, strict=True)]


def margin(tasks: Sequence[np.ndarray], level: float = 0.95) -> float:
    """What the largest difference of two of the means stays below, were all methods equal, with this probability.

    A mean's error has two parts that are drawn together: its items', with the covariance of the methods on the same
    items, and its seeds', whose variances are moderated over the methods. A seed is also a draw of the pool; what that
    does to all methods alike cancels. With one seed there are items alone, and the margin knows nothing of another
    training run.

    Args:
        tasks: per task the scores [methods, seeds, items], an item's being the mean of its completions; all with
            the same methods and seeds.
        level: the probability.

    Raises:
        ValueError: no task, or tasks of different methods or seeds.
    """
    if len({task.shape[:2] for task in tasks}) != 1:
        raise ValueError("ranks need a task, and all tasks with the same methods and seeds")
    rng = np.random.default_rng(0)
    error = _items_error(tasks, rng)
    if tasks[0].shape[1] > 1:
        error += _seeds_error(np.mean([task.mean(axis=2) for task in tasks], axis=0), rng)
    return float(np.quantile(np.ptp(error, axis=1), level))


def _seeds_error(by_seed: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draws [draws, methods] of what other seeds would have changed, of means [methods, seeds]."""
    methods, seeds = by_seed.shape
    own = by_seed - by_seed.mean(axis=1, keepdims=True) - by_seed.mean(axis=0) + by_seed.mean()
    # What is common to all takes the share of one method away from their squares.
    seen = (own**2).sum(axis=1) / (seeds - 1) / seeds * methods / max(methods - 1, 1)
    moderated = moderate(seen, seeds - 1, max(methods - 1, 1) * (seeds - 1))
    # Upward alone: one noisy method among steady ones would seem steady, too, and be told apart in error.
    return _student(rng, np.maximum(moderated.variances, seen), moderated.freedom)


def _student(rng: np.random.Generator, variances: np.ndarray, freedom: float) -> np.ndarray:
    """Draws [draws, variances] of Student's law in several dimensions: one scale for all of a draw."""
    scale = np.sqrt(freedom / rng.chisquare(freedom, (_DRAWS, 1)))
    return scale * rng.normal(size=(_DRAWS, len(variances))) * np.sqrt(variances)


def _items_error(tasks: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Draws [draws, methods] of what other items would have changed."""
    covariance = sum(_items_covariance(task) for task in tasks) / len(tasks) ** 2
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    freedom = max(min(task.shape[2] for task in tasks) - 1, 1)
    return _student(rng, np.ones(len(root)), freedom) @ root.T


def _items_covariance(scores: np.ndarray) -> np.ndarray:
    """Of the methods' means by their items, [methods, methods], without what is an item's with a seed."""
    methods, seeds, count = scores.shape
    items = scores.mean(axis=1)
    around = items - items.mean(axis=1, keepdims=True)
    covariance = around @ around.T / max(count - 1, 1) / count
    if seeds == 1:
        return covariance + np.eye(methods) * _lacking(items, covariance) / 2
    rest = scores - items[:, None] - scores.mean(axis=2, keepdims=True) + items.mean(axis=1)[:, None, None]
    flat = rest.reshape(methods, -1)
    return covariance - flat @ flat.T / ((seeds - 1) * max(count - 1, 1)) / (seeds * count)


def _lacking(items: np.ndarray, covariance: np.ndarray) -> float:
    """What the variance of some difference lacks most of that by itself, where few or no items differ."""
    lacking = 0.0
    for a in range(len(items)):
        for b in range(a):
            alone = widened_stderr(items[a] - items[b]) ** 2
            lacking = max(lacking, alone - covariance[a, a] - covariance[b, b] + 2 * covariance[a, b])
    return lacking
