"""Statistics of training runs: several seeds of a method on the same items, and comparisons of methods.

Seeds and items are both random draws, and every seed answers the same items. So the two kinds of error are crossed:
averaging over seeds hides that other seeds would have other results, and averaging over items hides that another test
set would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from slmr.stats import Difference, Estimate

_AGREE = 1e-18  # a variance of the seeds' means that only rounding makes


@dataclass(frozen=True, slots=True)
class Effects:
    """Scores [seeds, items] decomposed into the seeds' means, the items' means, and the residual.

    All three are linear in the scores: the decomposition of a difference is the difference of the decompositions, so
    that each of many methods is decomposed once, and not for every pair.
    """

    seeds: np.ndarray
    items: np.ndarray
    rest: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray) -> Effects:
        """Decomposes scores.

        Raises:
            ValueError: they are not [seeds, items], or there is only one seed or item.
        """
        if scores.ndim != 2 or min(scores.shape) < 2:
            raise ValueError("needs arrays [seeds, items] of the same seeds, at least two of both")
        seeds, items = scores.mean(axis=1), scores.mean(axis=0)
        return cls(seeds, items, scores - items - seeds[:, None] + scores.mean())

    def __sub__(self, other: Effects) -> Effects:
        """The decomposition of the scores' difference.

        Raises:
            ValueError: the two do not have the same seeds and items.
        """
        if self.rest.shape != other.rest.shape:
            raise ValueError("paired scores need the same seeds and items")
        return Effects(self.seeds - other.seeds, self.items - other.items, self.rest - other.rest)

    @property
    def parts(self) -> Parts:
        """The parts that a mean over tasks needs."""
        return Parts.pooled([self])


@dataclass(frozen=True, slots=True)
class Parts:
    """A summary of a task's scores, or of their differences, that suffices for a mean over tasks.

    Attributes:
        seeds: the means of the seeds, group by group.
        items: the variance of the mean due to items.
        interaction: the variance of the mean due to the residual.
        count: number of items.
        groups: number of groups with equally many seeds, such as students over which a difference is pooled;
            differences between the groups' means do not count as error.
    """

    seeds: np.ndarray
    items: float
    interaction: float
    count: int
    groups: int = 1

    @classmethod
    def pooled(cls, groups: Sequence[Effects]) -> Parts:
        """The parts of the unweighted mean of several groups of seeds, such as students, on the same items.

        Raises:
            ValueError: they do not have equally many seeds and items.
        """
        if len({group.rest.shape for group in groups}) != 1:
            raise ValueError("pooled groups need equally many seeds and the same items")
        seeds, count = groups[0].rest.shape
        items = np.mean([group.items for group in groups], axis=0)
        rest = sum(float(group.rest.ravel() @ group.rest.ravel()) for group in groups)
        interaction = rest / ((seeds - 1) * (count - 1)) / len(groups) ** 2 / (seeds * count)
        means = np.concatenate([group.seeds for group in groups])
        return cls(means, _variance(items) / count, interaction, count, len(groups))


def seeds_and_items(tasks: Sequence[Parts], level: float = 0.95) -> Estimate:
    """Mean over tasks of the mean over seeds and items, with an interval for new seeds and new items.

    Two-way random effects without replication: A is the variance of the S seeds' means divided by S, B that of the
    items' means divided by their number (summed over tasks), C the interaction, which both contain once. The mean's
    variance is A + B - C. Half the interval is the square root of t(S - 1)² A + t(n - 1)² max(B - C, 0): each part has
    Student's quantile for its degrees of freedom, so that two or three seeds are not trusted like thirty. This is
    conservative if the seeds are few and hardly differ; docs/statistics.md has its coverage.

    Args:
        tasks: per task the parts of its scores, or of their differences, where an item's score is the mean over its
            completions; all tasks have the same seeds, which are one draw over all tasks.
        level: of the interval.

    Raises:
        ValueError: no task, or tasks with different seeds.
    """
    crossed = _crossed_variances([tasks])
    mean, stderr = float(crossed.mean[0]), float(crossed.stderr[0])
    half = float(crossed.half(np.array([1 - level]))[0])
    return Estimate(mean, stderr, mean - half, mean + half)


def seeds_and_items_differences(many: Sequence[Sequence[Parts]], level: float = 0.95) -> list[Difference]:
    """As `seeds_and_items`, with p-values, for differences of scores `a - b`, paired by seed and item.

    It computes many differences at once, with the same results as one by one, because a ranking has hundreds of pairs.

    Args:
        many: per difference, per task the parts of `a - b`.
        level: of the intervals.

    Raises:
        ValueError: as `seeds_and_items`, or the differences have different numbers of tasks or seeds.
    """
    if not many:
        return []
    crossed = _crossed_variances(many)
    half = crossed.half(np.full(len(many), 1 - level))
    low, high = np.maximum(-1.0, crossed.mean - half), np.minimum(1.0, crossed.mean + half)
    columns = [column.tolist() for column in (crossed.mean, crossed.stderr, low, high, crossed.p())]
    return [Difference(*row) for row in zip(*columns, strict=True)]


@dataclass(frozen=True, slots=True)
class _Crossed:
    """Means with their variance components and degrees of freedom: arrays with one number per mean."""

    mean: np.ndarray
    seeds: np.ndarray
    items: np.ndarray
    interaction: np.ndarray
    seeds_freedom: np.ndarray
    items_freedom: np.ndarray

    @property
    def stderr(self) -> np.ndarray:
        return np.sqrt(np.maximum(self.seeds + self.items - self.interaction, np.maximum(self.seeds, self.items)))

    @property
    def items_alone(self) -> np.ndarray:
        """The part of the items without the interaction; the interaction where neither seeds nor items leave a part.

        So few seeds and items agree exactly by chance: a mean whose scores differ is not known without error.
        """
        alone = np.maximum(self.items - self.interaction, 0.0)
        return np.where((self.seeds < _AGREE) & (alone == 0), self.interaction, alone)

    def half(self, alpha: np.ndarray) -> np.ndarray:
        """Half the widths of the intervals with error probabilities `alpha`."""
        from scipy.special import stdtrit  # Student's quantile, without the checks of `stats.t` in every call

        seeds, items = stdtrit(self.seeds_freedom, alpha / 2), stdtrit(self.items_freedom, alpha / 2)
        return np.sqrt(seeds**2 * self.seeds + items**2 * self.items_alone)

    def p(self) -> np.ndarray:
        """The `alpha` whose interval just reaches 0. It lies between the p-values with either degrees of freedom."""
        from scipy.special import stdtr

        least, size = np.full(len(self.mean), 1e-12), np.abs(self.mean)
        spread = np.sqrt(self.seeds + self.items_alone)
        apart = size / np.where(spread > 0, spread, 1.0)
        ends = [2 * stdtr(freedom, -apart) for freedom in (self.seeds_freedom, self.items_freedom)]
        # Widened slightly, so that rounding does not exclude the solution.
        low = np.maximum(np.minimum(*ends) * (1 - 1e-9), least)
        high = np.clip(np.maximum(*ends) * (1 + 1e-9), least, 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):  # zero means and zero spreads are handled below
            # On logarithmic scales the function is nearly linear.
            p = np.exp(_crossing(lambda x: np.log(self.half(np.exp(x)) / size), np.log(low), np.log(high)))
        p = np.where(self.half(least) <= size, least, p)
        return np.where((size == 0) | (spread == 0), (size == 0).astype(float), p)


def _crossing(
    excess: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray, steps: int = 12
) -> np.ndarray:
    """The roots of functions that fall from above 0 at `low` to below 0 at `high`, element by element.

    The Illinois variant of regula falsi, with a fixed number of steps, so that an element's result does not depend on
    the others. A library's solver stops each element when it has converged, and takes several times as long.
    """
    above, below = excess(low), excess(high)
    point, last_side = low, np.zeros(len(low))
    for _ in range(steps):
        gap = above - below
        point = np.clip(low + (high - low) * above / np.where(gap > 0, gap, 1.0), low, high)
        value = excess(point)
        side = np.where(value > 0, 1.0, -1.0)
        # The value at an end that is kept twice is halved, or it would slow down the next step.
        factor = np.where(side == last_side, 0.5, 1.0)
        low, above, below = np.where(side > 0, [point, value, below * factor], [low, above * factor, value])
        high, last_side = np.where(side > 0, high, point), side
    return point


def _crossed_variances(many: Sequence[Sequence[Parts]]) -> _Crossed:
    """The variance components of each mean; raises ValueError if the numbers of tasks or seeds differ."""
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
    """As `values.var(ddof=1)`, but several times as fast for few values."""
    deviations = values - values.mean()
    return float(deviations @ deviations) / (len(values) - 1)


def mcnemar(only_a: int, only_b: int) -> float:
    """Exact two-sided p-value for two single runs on the same items (McNemar 1947).

    Under the null hypothesis an item that only one of them solves is equally likely to be A's or B's: a binomial test.

    Args:
        only_a: items that A solves and B does not.
        only_b: items that B solves and A does not.
    """
    from scipy import stats

    if only_a + only_b == 0:
        return 1.0
    return float(stats.binomtest(only_a, only_a + only_b).pvalue)


def pareto(costs: Sequence[float], values: Sequence[float]) -> list[bool]:
    """Which entries are Pareto-optimal: no other one has at most their cost and at least their value, one strictly."""

    def dominated(i: int) -> bool:
        return any(
            costs[j] <= costs[i] and values[j] >= values[i] and (costs[j] < costs[i] or values[j] > values[i])
            for j in range(len(costs))
        )

    return [not dominated(i) for i in range(len(costs))]
