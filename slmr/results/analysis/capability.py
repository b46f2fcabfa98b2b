"""Measures from many completions of some items how often a model solves each: pass@k, and gains by difficulty.

`capability/<method>/<student>/seed-<seed>.parquet`: task, item_id, difficulty, reach, k, correct, correct_first (of the
first half of the k completions), sound (None outside of the lab). An item's group is by the untrained student's first
half, so that "before", which is its second half, is of other draws than those that sorted it: sorted and scored by the
same draws, hard items would seem to gain by chance alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from slmr.curriculum.partition import GROUP_ORDER, Group, GroupBounds, group_of
from slmr.results.runs.method_results import MethodResult
from slmr.results.runs.schema import grouped
from slmr.stats import Estimate, bounded_mean, pass_scores

Row = Mapping[str, Any]
Item = tuple[str, str]  # task, item id


@dataclass(frozen=True, slots=True)
class GroupGain:
    """A method's accuracy on the items of one initial difficulty group, and the untrained student's."""

    group: Group
    items: int
    before: float
    after: Estimate


@dataclass(frozen=True, slots=True)
class Capability:
    """A method's gains by initial difficulty group, and its pass@k (k → estimate), over all its seeds."""

    method: str
    gains: list[GroupGain]
    passed: dict[int, Estimate]


def capability(results: Sequence[MethodResult]) -> list[Capability]:
    """The capability of each result that has the table for all its seeds; empty if base has no table."""
    tables = {
        result.method: [result.table("capability", seed) for seed in result.seeds]
        for result in results
        if all(result.file("capability", seed).is_file() for seed in result.seeds)
    }
    if "base" not in tables:
        return []
    bounds, base = GroupBounds(), tables["base"][0]
    groups: dict[Item, Group] = {_name(row): group_of(row["correct_first"] / (row["k"] // 2), bounds) for row in base}
    before = {_name(row): (row["correct"] - row["correct_first"]) / (row["k"] - row["k"] // 2) for row in base}
    return [
        Capability(method, _gains(rows, groups, before), _passed(rows))
        for method, rows in tables.items()
        if all(set(map(_name, seed)) == set(groups) for seed in rows)
    ]


def _name(row: Row) -> Item:
    return row["task"], row["item_id"]


def _gains(
    seeds: Sequence[Sequence[Row]], groups: Mapping[Item, Group], before: Mapping[Item, float]
) -> list[GroupGain]:
    means = _item_means(seeds, lambda row: row["correct"] / row["k"])
    by_group: dict[Group, list[Item]] = {
        group: [item for item in means if groups[item] == group] for group in GROUP_ORDER
    }
    return [
        GroupGain(
            group,
            len(items),
            sum(before[item] for item in items) / len(items),
            bounded_mean([means[item] for item in items]),
        )
        for group, items in by_group.items()
        if items
    ]


def _passed(seeds: Sequence[Sequence[Row]]) -> dict[int, Estimate]:
    """pass@k for each power of two up to the number of completions, from the items' means over seeds."""
    k = min(row["k"] for rows in seeds for row in rows)
    tables = {2**i: pass_scores(k, 2**i) for i in range(k.bit_length()) if 2**i <= k}
    return {
        size: bounded_mean(list(_item_means(seeds, lambda row, table=table: float(table[row["correct"]])).values()))
        for size, table in tables.items()
    }


def _item_means(seeds: Sequence[Sequence[Row]], score: Callable[[Row], float]) -> dict[Item, float]:
    """Each item's mean over the seeds."""
    by_item = grouped(chain.from_iterable(seeds), _name)
    return {item: sum(map(score, rows)) / len(seeds) for item, rows in by_item.items()}
