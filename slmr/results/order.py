"""The order of a ranking's methods: each with an interval of ranks, all compared at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slmr.results.entries import MethodResult
from slmr.results.paired_scores import aligned
from slmr.stats import RankInterval, margin, rank_intervals


@dataclass(frozen=True, slots=True)
class Order:
    """Ranks of methods by name; two whose means differ by no more than the margin, a fraction, are not told apart."""

    ranks: dict[str, RankInterval]
    margin: float | None

    def apart(self, a: float, b: float) -> bool:
        """Whether two of the means differ by more than the margin."""
        return self.margin is not None and abs(a - b) > self.margin


def order_of(results: Sequence[MethodResult], means: Sequence[float], tasks: Sequence[str]) -> Order:
    """Of results with the same seeds and items, by their means over the tasks.

    Raises:
        RequestError: as `Scores.values`.
    """
    if len(results) < 2:
        return Order({result.name: RankInterval(1, 1) for result in results}, None)
    scores = [aligned([result.scores[task] for result in results]) for task in tasks]
    found = margin(scores)
    ranks = rank_intervals(means, found)
    return Order(dict(zip((result.name for result in results), ranks, strict=True)), found)
