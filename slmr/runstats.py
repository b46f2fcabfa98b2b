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


@dataclass(frozen=True, slots=True)
class Effects:
    """Scores [seeds, items] as their seeds' means, their items' means, and what is left without both.

    All three are linear in the scores: those of a difference are the differences, so that of many methods each is
    taken apart once, and not with every other one.
    """

    seeds: np.ndarray
    items: np.ndarray
    rest: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray) -> Effects:
        """Takes them apart.

        Raises:
            ValueError: they are not [seeds, items], or there is one seed or item.
        """
        if scores.ndim != 2 or min(scores.shape) < 2:
            raise ValueError("needs arrays [seeds, items] of the same seeds, at least two of both")
        seeds, items = scores.mean(axis=1), scores.mean(axis=0)
        return cls(seeds, items, scores - items - seeds[:, None] + scores.mean())

    def __sub__(self, other: Effects) -> Effects:
        """Of the difference of the scores.

        Raises:
            ValueError: the two are not of the same seeds and items.
        """
        if self.rest.shape != other.rest.shape:
            raise ValueError("paired scores need the same seeds and items")
        return Effects(self.seeds - other.seeds, self.items - other.items, self.rest - other.rest)

    @property
    def parts(self) -> Parts:
        """What a mean over tasks needs of them."""
        seeds, items = self.rest.shape
        left = float(self.rest.ravel() @ self.rest.ravel()) / ((seeds - 1) * (items - 1)) / (seeds * items)
        return Parts(self.seeds, _variance(self.items) / items, left, items)


@dataclass(frozen=True, slots=True)
class Parts:
    """Scores of a task, or their differences, as a mean over tasks needs them: small, so that they can be kept.

    Attributes:
        seeds: the means of the seeds.
        items: the variance of the mean by its items.
        interaction: the variance of the mean by what is left without both.
        count: of items.
    """

    seeds: np.ndarray
    items: float
    interaction: float
    count: int


def seeds_and_items(tasks: Sequence[Parts], level: float = 0.95) -> Estimate:
    """Mean over tasks of the mean over seeds and items, with an interval for other seeds and other items.

    Two-way random effects without replication: A is the variance of the S seeds' means over S, B that of the
    items' means over their number (summed over tasks), C the interaction, which both contain once. The mean's
    variance is A + B - C. Of the interval, half² = t(S - 1)² A + t(n - 1)² max(B - C, 0): each part with
    Student's quantile for what it was estimated from, so that two or three seeds are not trusted like thirty.
    Where the seeds hardly differ and are few that is on the careful side; docs/statistics.md has its coverage.

    Args:
        tasks: per task the parts of its scores, or of their differences, an item's score being the mean of its
            completions; all tasks have the same seeds, which are one draw over all tasks.
        level: of the interval.

    Raises:
        ValueError: no task, or tasks with different seeds.
    """
    found = _crossed(tasks)
    half = found.half(1 - level)
    return Estimate(found.mean, found.stderr, found.mean - half, found.mean + half)


def seeds_and_items_difference(changes: Sequence[Parts], level: float = 0.95) -> Difference:
    """The same with a p-value, for differences of scores: per task `a - b`, paired by seed and item.

    Raises:
        ValueError: as `seeds_and_items`.
    """
    found = _crossed(changes)
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

        seeds, items = stdtrit(self.seeds_freedom, alpha / 2), stdtrit(self.items_freedom, alpha / 2)
        return math.sqrt(seeds**2 * self.seeds + items**2 * max(self.items - self.interaction, 0.0))

    def p(self) -> float:
        """The `alpha` whose interval just reaches 0: between those of either number of degrees of freedom for all."""
        from scipy import optimize
        from scipy.special import stdtr

        if self.mean == 0 or not self.stderr:
            return float(self.mean == 0)
        least, size = 1e-12, abs(self.mean)
        if self.half(least) <= size:
            return least
        spread = math.sqrt(self.seeds + max(self.items - self.interaction, 0.0))
        freedoms = sorted((self.seeds_freedom, self.items_freedom), reverse=True)
        low, high = (2 * float(stdtr(freedom, -size / spread)) for freedom in freedoms)
        # Rounding shall not leave it out.
        low, high = max(low * (1 - 1e-9), least), min(high * (1 + 1e-9), 1.0)
        return float(optimize.brentq(lambda alpha: self.half(alpha) - size, low, high))  # type: ignore[arg-type]


def _crossed(tasks: Sequence[Parts]) -> _Crossed:
    import numpy as np

    if not tasks or len({len(t.seeds) for t in tasks}) > 1:
        raise ValueError("needs a task, and all tasks with the same seeds")
    seeds, count = len(tasks[0].seeds), len(tasks)
    by_seed = np.mean([t.seeds for t in tasks], axis=0)
    return _Crossed(
        float(by_seed.mean()), _variance(by_seed) / seeds, sum(t.items for t in tasks) / count**2,
        sum(t.interaction for t in tasks) / count**2, seeds - 1, min(t.count for t in tasks) - 1,
    )  # fmt: skip


def _variance(values: np.ndarray) -> float:
    """As `values.var(ddof=1)`, several times as fast for so few."""
    rest = values - values.mean()
    return float(rest @ rest) / (len(values) - 1)


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
