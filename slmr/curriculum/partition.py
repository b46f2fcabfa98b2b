"""Difficulty groups of the problems for this student (hard, medium, simple), and their changes between rounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from pydantic import Field

from slmr.config import Params
from slmr.curriculum.schema import (
    DRIFT,
    GROUPS,
    Group,
    Move,
    Problem,
    Rate,
    counted,
    ids_in_groups,
    problems_by_id,
    rollouts_by_problem,
    tally,
)
from slmr.errors import RequestError
from slmr.stage import StageContext, stage

GROUP_ORDER: tuple[Group, ...] = ("hard", "medium", "simple")


class GroupBounds(Params):
    """The paper's bounds of the correctness rate: hard below 0.25, simple from 0.75, medium in between."""

    medium_from: float = Field(default=0.25, ge=0, le=1)
    simple_from: float = Field(default=0.75, ge=0, le=1)


class PartitionParams(GroupBounds):
    """`shuffle`: assign the groups at random, keeping their sizes: the control of the partition (ours)."""

    shuffle: bool = False


@stage("partition", PartitionParams, {"probe": "one", "before": "optional"}, random=True, version=2)
def partition_stage(context: StageContext, params: PartitionParams) -> None:
    """Writes each problem's rate, 95 % interval and group; with an earlier partition also the changes of group."""
    rows = [
        partition_row(problem_id, *tally(rollouts), params)
        for problem_id, rollouts in rollouts_by_problem(context.input("probe")).items()
    ]
    if params.shuffle:
        groups: list[Group] = [row["group"] for row in rows]
        Random(context.seed).shuffle(groups)
        for row, group in zip(rows, groups, strict=True):
            row["group"] = group
    GROUPS.write(context.folder, rows)
    histogram = Counter((row["k"], row["correct"]) for row in rows)
    context.stats |= {
        "groups": counted(row["group"] for row in rows),
        "without_verdict": sum(row["k"] == 0 for row in rows),
        "histogram": {f"{right}/{k}": histogram[k, right] for k, right in sorted(histogram)},
    }
    if context.inputs.get("before"):
        moves = drift(context.input("before"), rows)
        DRIFT.write(context.folder, moves)
        context.stats |= drift_counts(moves)


def chosen_problems(context: StageContext, groups: Sequence[Group]) -> dict[str, Problem]:
    """The problems in these groups of the stage's partition; the whole pool if no group is named.

    Raises:
        RequestError: groups are named, but the stage has no partition.
    """
    problems = problems_by_id(context.input("problems"))
    if not groups:
        return problems
    if not context.inputs.get("partition"):
        raise RequestError("groups are named, but the stage has no partition: give it one in the recipe")
    return {name: problems[name] for name in ids_in_groups(context.input("partition"), groups)}


def partition_row(problem_id: str, correct: int, k: int, bounds: GroupBounds) -> Rate:
    """A problem's row: `correct` of the `k` completions with a verdict are right.

    Without a verdict it is hard, and its interval is (0, 1).
    """
    rho = correct / k if k else 0.0
    low, high = rate_interval(correct, k)
    return {
        "problem_id": problem_id,
        "correct": correct,
        "k": k,
        "rho": rho,
        "low": low,
        "high": high,
        "group": group_of(rho, bounds),
    }


def group_of(rho: float, bounds: GroupBounds) -> Group:
    """The difficulty group of a correctness rate."""
    if rho >= bounds.simple_from:
        return "simple"
    return "medium" if rho >= bounds.medium_from else "hard"


@lru_cache(maxsize=4096)  # a pool has few different counts
def rate_interval(correct: int, k: int) -> tuple[float, float]:
    """Wilson's 95 % interval (1927) of a rate, given `correct` of `k` draws; (0, 1) for k = 0."""
    from slmr.stats import bounded_mean  # it needs numpy, which a light install lacks

    if k == 0:
        return 0.0, 1.0
    rate = bounded_mean([1.0] * correct + [0.0] * (k - correct))
    return rate.low, rate.high


def drift(before: Path, rows: Sequence[Rate]) -> list[Move]:
    """The group before and now of every problem that is also in the partition in `before`."""
    earlier: dict[str, Group] = {row["problem_id"]: row["group"] for row in GROUPS.read(before)}
    return [
        Move(problem_id=row["problem_id"], before=earlier[row["problem_id"]], after=row["group"])
        for row in rows
        if row["problem_id"] in earlier
    ]


def drift_counts(moves: Sequence[Move]) -> dict[str, Any]:
    """The number of problems per change of group, and how many rose towards simple, fell towards hard, or stayed."""
    pairs = Counter((GROUP_ORDER.index(m["before"]), GROUP_ORDER.index(m["after"])) for m in moves)
    return {
        "drift": {f"{GROUP_ORDER[b]} -> {GROUP_ORDER[a]}": pairs[b, a] for b, a in sorted(pairs)},
        "rose": sum(n for (b, a), n in pairs.items() if a > b),
        "fell": sum(n for (b, a), n in pairs.items() if a < b),
        "stayed": sum(n for (b, a), n in pairs.items() if a == b),
    }
