"""Two sides of a comparison on the same items."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from slmr.errors import RequestError
from slmr.results.samples import scores_of
from slmr.results.schema import SummaryRow
from slmr.stats import (
    Difference,
    Effects,
    Estimate,
    Parts,
    mcnemar,
    mean_over_tasks,
    paired_difference_over_tasks,
    seeds_and_items,
    seeds_and_items_differences,
)


@dataclass(frozen=True, eq=False)
class Side:
    """One method's rows of a task, in the order of their seeds, and the files of their completions.

    Attributes:
        pairs: with which others it was paired: a board of other tasks needs the same ones again.
    """

    rows: list[SummaryRow]
    files: list[Path]
    pairs: dict[Side, Pair] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The items, in the order of the first seed's file."""
        return scores_of(self.files[0])[0]

    @cached_property
    def items(self) -> frozenset[str]:
        """The same in no order."""
        return frozenset(self.ids)

    @cached_property
    def values(self) -> np.ndarray:
        """1 for right and 0 for wrong: [seeds, items, completions].

        Raises:
            RequestError: a file is missing or damaged, or the seeds do not have the same items.
        """
        found = [scores_of(file) for file in self.files]
        for file, (ids, values) in zip(self.files, found, strict=True):
            other = ids != self.ids and set(ids) != self.items
            if other or values.shape != found[0][1].shape:
                raise RequestError(
                    f"{file}: not the items of {self.files[0]}; evaluate both with the same --limit"
                )
        return np.stack(
            [values if ids == self.ids else values[_order(ids, self.ids)] for ids, values in found]
        )

    @cached_property
    def versions(self) -> dict[str, set[str]]:
        """What two sides must share, beside their items, to be compared."""
        return {
            what: {getattr(row, what) for row in self.rows} for what in ("task_version", "checker_version")
        }

    @cached_property
    def seeds(self) -> list[int]:
        """One for each row."""
        return [row.seed for row in self.rows]

    @cached_property
    def effects(self) -> Effects:
        """Of its scores, an item's being the mean of its completions; raises as `values`, and for one seed or item."""
        return Effects.of(self.values.mean(axis=2))

    @cached_property
    def parts(self) -> Parts:
        """Of its effects; raises as they do."""
        return self.effects.parts

    @cached_property
    def fault(self) -> str | None:
        """Why it cannot be compared item by item, in a line; None if it can."""
        try:
            for row, file, scores in zip(self.rows, self.files, self.values, strict=True):
                right = float(scores.mean())
                if not math.isclose(right, row.accuracy, abs_tol=1e-6):
                    return (
                        f"{file} does not fit the summary: {right:.3f} of it is right, not {row.accuracy:.3f}"
                    )
        except RequestError as error:
            return str(error)
        return None

    @cached_property
    def interval(self) -> Estimate:
        """Of this task's accuracy."""
        return mean_interval([self])


def _order(ids: Sequence[str], wanted: Sequence[str]) -> list[int]:
    if ids == wanted:
        return list(range(len(ids)))
    place = {item: i for i, item in enumerate(ids)}
    return [place[item] for item in wanted]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sides on the same items of a task: item ids, and both scores [seeds, items, completions].

    Attributes:
        change: of a - b, where both have the same several seeds and so pair by seed, too.
    """

    ids: Sequence[str]
    a: np.ndarray
    b: np.ndarray
    change: Parts | None

    @property
    def seeds(self) -> int:
        return len(self.a) if self.change else 1


def paired(task: str, a: Side, b: Side) -> Pair:
    """Both scores in the order of A's items.

    Raises:
        RequestError: the two are of different items, task versions or checker versions; or as `Side.values`.
    """
    if b not in a.pairs:
        a.pairs[b] = _pair(task, a, b)
    return a.pairs[b]


def _pair(task: str, a: Side, b: Side) -> Pair:
    for what, version in a.versions.items():
        if version != b.versions[what]:
            hint = (
                "`slmr rescore` renews the verdicts"
                if what == "checker_version"
                else "evaluate one of them again"
            )
            raise RequestError(f"{task}: {what} differs ({version} and {b.versions[what]}); {hint}")
    values = b.values if a.ids == b.ids else b.values[:, _order(b.ids, _same_items(task, a, b))]
    change = None
    if a.seeds == b.seeds and len(a.seeds) > 1 and len(a.ids) > 1:
        other = b.effects if values is b.values else Effects.of(values.mean(axis=2))
        change = (a.effects - other).parts
    return Pair(a.ids, a.values, values, change)


def _same_items(task: str, a: Side, b: Side) -> tuple[str, ...]:
    """A's items, if B has the same ones."""
    left, right = a.items, b.items
    if left != right:
        raise RequestError(
            f"{task}: not the same items: {len(left)} and {len(right)}, {len(left & right)} of them"
            " in both; evaluate both with the same --limit"
        )
    return a.ids


def difference(pairs: Sequence[Pair]) -> Difference:
    """a - b, the mean over the tasks: for other seeds and items where there are several seeds, else for other items.

    Two single runs of one completion an item get McNemar's exact p-value.
    """
    return differences([pairs])[0]


def differences(many: Sequence[Sequence[Pair]]) -> list[Difference]:
    """Several at once, with the same figures as one by one."""
    found: dict[int, Difference] = {}
    by_seed: dict[tuple[int, ...], dict[int, list[Parts]]] = {}
    for i, pairs in enumerate(many):
        changes = [pair.change for pair in pairs if pair.change]
        if len(changes) == len(pairs):
            by_seed.setdefault(tuple(pair.seeds for pair in pairs), {})[i] = changes
        else:
            found[i] = _over_items(pairs)
    for alike in by_seed.values():
        found |= dict(zip(alike, seeds_and_items_differences(list(alike.values())), strict=True))
    return [found[i] for i in range(len(many))]


def _over_items(pairs: Sequence[Pair]) -> Difference:
    """For other items alone, whichever the seeds."""
    pooled = [(_pooled(pair.a), _pooled(pair.b)) for pair in pairs]
    found = paired_difference_over_tasks(pooled)
    if len(pooled) == 1 and pooled[0][0].shape[1] == pooled[0][1].shape[1] == 1:
        change = (pooled[0][0] - pooled[0][1])[:, 0]
        return replace(found, p=mcnemar(int((change > 0).sum()), int((change < 0).sum())))
    return found


def _pooled(scores: np.ndarray) -> np.ndarray:
    """[seeds, items, completions] to [items, all completions]."""
    return scores.transpose(1, 0, 2).reshape(scores.shape[1], -1)


def mean_interval(tasks: Sequence[Side]) -> Estimate:
    """The mean over tasks; its interval is for other items, and for other seeds where there are several."""
    if min(len(side.rows) for side in tasks) > 1 and min(len(side.ids) for side in tasks) > 1:
        return seeds_and_items([side.parts for side in tasks])
    scores = [side.values for side in tasks]
    return mean_over_tasks([task[0] if len(task) == 1 else task.mean(axis=0) for task in scores])
