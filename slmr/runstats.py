"""Statistics of training runs: several seeds of a method on the same items, and methods beside each other.

A seed's model is a draw of its own, and so is an item; every seed answers the same items. So the two kinds of
error are crossed, and neither is a part of the other: averaging the seeds hides that another five would have come
out differently, averaging the items that another test set would have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slmr.stats import Difference, Estimate

if TYPE_CHECKING:
    import numpy as np


def seeds_and_items(tasks: Sequence[np.ndarray], level: float = 0.95) -> Estimate:
    """Mean over tasks of the mean over seeds and items, with an interval for other seeds and other items.

    Two-way random effects without replication: A is the variance of the S seeds' means over S, B that of the
    items' means over their number (summed over tasks), C the interaction, which both contain once. The mean's
    variance is A + B - C. Of the interval, half² = t(S - 1)² A + t(n - 1)² max(B - C, 0): each part with
    Student's quantile for what it was estimated from, so that two or three seeds are not trusted like thirty.
    Where the seeds hardly differ and are few that is on the careful side; docs/statistics.md has its coverage.

    Args:
        tasks: per task the scores or differences of scores [seeds, items], the mean of an item's completions
            each; all tasks have the same seeds, which are one draw over all tasks.
        level: of the interval.

    Raises:
        ValueError: no task, one seed or item, or tasks with different seeds.
    """
    found = _crossed(tasks)
    half = found.half(1 - level)
    return Estimate(found.mean, found.stderr, found.mean - half, found.mean + half)


def seeds_and_items_difference(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]], level: float = 0.95
) -> Difference:
    """Mean of a - b over tasks, seeds and items, paired by both; see `seeds_and_items`.

    Args:
        pairs: per task two arrays [seeds, items] of the same seeds and items.
        level: of the interval.

    Raises:
        ValueError: the two sides differ in shape; and as `seeds_and_items`.
    """
    if any(a.shape != b.shape for a, b in pairs):
        raise ValueError("paired scores need the same seeds and items")
    found = _crossed([a - b for a, b in pairs])
    half = found.half(1 - level)
    low, high = max(-1.0, found.mean - half), min(1.0, found.mean + half)
    return Difference(found.mean, found.stderr, low, high, found.p())


@dataclass(frozen=True, slots=True)
class _Crossed:
    """A mean with its parts of variance, and what each was estimated from."""

    mean: float
    seeds: float
    items: float
    interaction: float
    seeds_freedom: int
    items_freedom: int

    @property
    def stderr(self) -> float:
        return math.sqrt(max(self.seeds + self.items - self.interaction, self.seeds, self.items))

    def half(self, alpha: float) -> float:
        """Half the interval that misses with probability `alpha`."""
        from scipy.special import stdtrit  # Student's quantile, without what `stats.t` checks at every call

        seeds, items = (
            -float(stdtrit(freedom, alpha / 2)) for freedom in (self.seeds_freedom, self.items_freedom)
        )
        return math.sqrt(seeds**2 * self.seeds + items**2 * max(self.items - self.interaction, 0.0))

    def p(self) -> float:
        """The `alpha` whose interval just reaches 0."""
        from scipy import optimize

        if self.mean == 0 or not self.stderr:
            return float(self.mean == 0)
        least, size = 1e-12, abs(self.mean)
        if self.half(least) <= size:
            return least
        return float(optimize.brentq(lambda alpha: self.half(alpha) - size, least, 1.0))  # type: ignore[arg-type]


def _crossed(tasks: Sequence[np.ndarray]) -> _Crossed:
    import numpy as np

    if not tasks or len({len(t) for t in tasks}) > 1 or any(t.ndim != 2 or min(t.shape) < 2 for t in tasks):
        raise ValueError("needs arrays [seeds, items] of the same seeds, at least two of both")
    seeds, count = len(tasks[0]), len(tasks)
    by_seed = np.mean([t.mean(axis=1) for t in tasks], axis=0)
    items = sum(float(t.mean(axis=0).var(ddof=1)) / t.shape[1] for t in tasks) / count**2
    return _Crossed(
        float(by_seed.mean()), float(by_seed.var(ddof=1)) / seeds, items,
        sum(map(_interaction, tasks)) / count**2, seeds - 1, min(t.shape[1] for t in tasks) - 1,
    )  # fmt: skip


def _interaction(scores: np.ndarray) -> float:
    """What is left of [seeds, items] without the means of both, as a variance of the mean of all."""
    seeds, items = scores.shape
    rest = scores - scores.mean(axis=0) - scores.mean(axis=1)[:, None] + scores.mean()
    return float((rest**2).sum()) / ((seeds - 1) * (items - 1)) / (seeds * items)


def hierarchical_bootstrap(tasks: Sequence[np.ndarray], draws: int, seed: int = 0) -> np.ndarray:
    """Means over tasks of resampled seeds and items, both drawn with replacement: [draws].

    One draw of seeds serves all tasks. Its spread is that of `seeds_and_items` times (S - 1) / S and (n - 1) / n in
    the two parts, so that with few seeds its quantiles are too narrow: it is here to look at the shape, and as a
    second route to the same number; intervals are those of `seeds_and_items`.

    Args:
        tasks: as of `seeds_and_items`.
        draws: how many.
        seed: of the draws.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    seeds = len(tasks[0])
    found = np.zeros(draws)
    for i in range(draws):
        chosen = rng.integers(seeds, size=seeds)
        found[i] = np.mean(
            [t[chosen].mean(axis=0)[rng.integers(t.shape[1], size=t.shape[1])].mean() for t in tasks]
        )
    return found


def mcnemar(only_a: int, only_b: int) -> float:
    """Exact two-sided p-value that two single runs solve different shares of the same items (McNemar 1947).

    Given that so many items are solved by one of the two alone, each is as likely A's as B's: a binomial test.

    Args:
        only_a: items that A solves and B does not.
        only_b: items that B solves and A does not.
    """
    from scipy import stats

    if only_a + only_b == 0:
        return 1.0
    return float(stats.binomtest(only_a, only_a + only_b).pvalue)


def pareto(costs: Sequence[float], values: Sequence[float]) -> list[bool]:
    """Which entries no other one beats: at most their cost and at least their value, one of the two strictly."""

    def beaten(i: int) -> bool:
        return any(
            costs[j] <= costs[i] and values[j] >= values[i] and (costs[j] < costs[i] or values[j] > values[i])
            for j in range(len(costs))
        )

    return [not beaten(i) for i in range(len(costs))]
