"""Statistics of training runs: several seeds of a method on the same items, and methods beside each other.

A seed's model is a draw of its own, and so is an item; every seed answers the same items. So the two kinds of
error are crossed, and neither is a part of the other: averaging the seeds hides that another five would have come
out differently, averaging the items that another test set would have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from slmr.stats import Difference, Estimate


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
        return Parts.pooled([self])


@dataclass(frozen=True, slots=True)
class Parts:
    """Scores of a task, or their differences, as a mean over tasks needs them: small, so that they can be kept.

    Attributes:
        seeds: the means of the seeds, group by group.
        items: the variance of the mean by its items.
        interaction: the variance of the mean by what is left without both.
        count: of items.
        groups: of as many seeds each, whose own means are no error: the students that a difference is pooled over.
    """

    seeds: np.ndarray
    items: float
    interaction: float
    count: int
    groups: int = 1

    @classmethod
    def pooled(cls, groups: Sequence[Effects]) -> Parts:
        """Of the mean of several groups of seeds, as of students, on the same items; each group weighs the same.

        Raises:
            ValueError: they are not of as many seeds and items.
        """
        if len({group.rest.shape for group in groups}) != 1:
            raise ValueError("groups are pooled over as many seeds and the same items")
        seeds, count = groups[0].rest.shape
        items = np.mean([group.items for group in groups], axis=0)
        rest = sum(float(group.rest.ravel() @ group.rest.ravel()) for group in groups)
        interaction = rest / ((seeds - 1) * (count - 1)) / len(groups) ** 2 / (seeds * count)
        means = np.concatenate([group.seeds for group in groups])
        return cls(means, _variance(items) / count, interaction, count, len(groups))


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
    crossed = _crossed([tasks])
    mean, stderr = float(crossed.mean[0]), float(crossed.stderr[0])
    half = float(crossed.half(np.array([1 - level]))[0])
    return Estimate(mean, stderr, mean - half, mean + half)


def seeds_and_items_differences(many: Sequence[Sequence[Parts]], level: float = 0.95) -> list[Difference]:
    """The same with a p-value, for differences of scores: per task `a - b`, paired by seed and item.

    Several at once, with the same figures as one by one: a ranking has hundreds of pairs.

    Args:
        many: per difference, per task the parts of `a - b`.
        level: of the intervals.

    Raises:
        ValueError: as `seeds_and_items`, or not all are over as many tasks and seeds.
    """
    if not many:
        return []
    crossed = _crossed(many)
    half = crossed.half(np.full(len(many), 1 - level))
    low, high = np.maximum(-1.0, crossed.mean - half), np.minimum(1.0, crossed.mean + half)
    columns = [column.tolist() for column in (crossed.mean, crossed.stderr, low, high, crossed.p())]
    return [Difference(*row) for row in zip(*columns, strict=True)]


@dataclass(frozen=True, slots=True)
class _Crossed:
    """Means with their parts of variance, and what each was estimated from: arrays with one number a mean."""

    mean: np.ndarray
    seeds: np.ndarray
    items: np.ndarray
    interaction: np.ndarray
    seeds_freedom: np.ndarray
    items_freedom: np.ndarray

    @property
    def stderr(self) -> np.ndarray:
        return np.sqrt(
            np.maximum(self.seeds + self.items - self.interaction, np.maximum(self.seeds, self.items))
        )

    def half(self, alpha: np.ndarray) -> np.ndarray:
        """Half the intervals that miss with probabilities `alpha`."""
        from scipy.special import stdtrit  # Student's quantile, without what `stats.t` checks at every call

        seeds, items = stdtrit(self.seeds_freedom, alpha / 2), stdtrit(self.items_freedom, alpha / 2)
        return np.sqrt(seeds**2 * self.seeds + items**2 * np.maximum(self.items - self.interaction, 0.0))

    def p(self) -> np.ndarray:
        """The `alpha` whose interval just reaches 0: between those of either number of degrees of freedom for all."""
        from scipy.special import stdtr

        least, size = np.full(len(self.mean), 1e-12), np.abs(self.mean)
        spread = np.sqrt(self.seeds + np.maximum(self.items - self.interaction, 0.0))
        apart = size / np.where(spread > 0, spread, 1.0)
        ends = [2 * stdtr(freedom, -apart) for freedom in (self.seeds_freedom, self.items_freedom)]
        # Rounding shall not leave it out.
        low = np.maximum(np.minimum(*ends) * (1 - 1e-9), least)
        high = np.clip(np.maximum(*ends) * (1 + 1e-9), least, 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):  # what has no size or no spread is told below
            # Of logarithms, both ends of a tail are nearly on a line.
            p = np.exp(_crossing(lambda x: np.log(self.half(np.exp(x)) / size), np.log(low), np.log(high)))
        p = np.where(self.half(least) <= size, least, p)
        return np.where((size == 0) | (spread == 0), (size == 0).astype(float), p)


def _crossing(
    excess: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray, steps: int = 12
) -> np.ndarray:
    """Where functions that fall from above 0 at `low` to below it at `high` are 0, one for each place of the arrays.

    Regula falsi as of Illinois, always as many steps, so that a place's answer does not depend on its neighbours; a
    library's solver leaves each when it has converged, and takes several times as long for it.
    """
    above, below = excess(low), excess(high)
    point, before = low, np.zeros(len(low))
    for _ in range(steps):
        gap = above - below
        point = np.clip(low + (high - low) * above / np.where(gap > 0, gap, 1.0), low, high)
        here = excess(point)
        side = np.where(here > 0, 1.0, -1.0)
        again = np.where(side == before, 0.5, 1.0)  # an end that stays twice would hold the next step back
        low, above, below = np.where(side > 0, [point, here, below * again], [low, above * again, here])
        high, before = np.where(side > 0, high, point), side
    return point


def _crossed(many: Sequence[Sequence[Parts]]) -> _Crossed:
    """Raises ValueError where the means are not all of as many tasks and seeds."""
    shapes = {tuple((len(task.seeds), task.groups) for task in tasks) for tasks in many}
    if len(shapes) > 1 or len(set(shapes.pop())) != 1:
        raise ValueError("needs a task, and all tasks with the same seeds")
    by_seed = np.array([[t.seeds for t in tasks] for tasks in many]).mean(axis=1)
    count, seeds = len(many[0]), by_seed.shape[1]
    items, interaction = (
        np.array([[getattr(t, part) for t in tasks] for tasks in many]).sum(axis=1) / count**2
        for part in ("items", "interaction")
    )
    mean = by_seed.mean(axis=1)
    in_groups = by_seed.reshape(len(many), many[0][0].groups, -1)
    freedom = seeds - in_groups.shape[1]
    variance = ((in_groups - in_groups.mean(axis=2, keepdims=True)) ** 2).sum(axis=(1, 2)) / freedom
    least = np.array([min(t.count for t in tasks) for tasks in many])
    return _Crossed(mean, variance / seeds, items, interaction, np.full(len(many), freedom), least - 1)


def _variance(values: np.ndarray) -> float:
    """As `values.var(ddof=1)`, several times as fast for so few."""
    deviations = values - values.mean()
    return float(deviations @ deviations) / (len(values) - 1)


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
