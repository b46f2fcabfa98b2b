"""Pairs the scores of methods item by item; defines the interval of a mean over tasks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from slmr.errors import RequestError
from slmr.results.runs.samples import read_labels, read_marks, read_verdicts
from slmr.results.runs.schema import SummaryRow, grouped
from slmr.stats import (
    Difference,
    Effects,
    Estimate,
    Moments,
    Parts,
    bounds_of_moments,
    mcnemar,
    mean_over_tasks,
    paired_difference_over_tasks,
    seeds_and_items,
    seeds_and_items_differences,
)


@dataclass(frozen=True, eq=False)
class Scores:
    """One method's rows of a task, in the order of their seeds, and the files of their completions.

    Attributes:
        pairs: with which others it was paired: a ranking over other tasks needs the same ones again.
    """

    rows: list[SummaryRow]
    files: list[Path]
    pairs: dict[Scores, PairedScores] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def items(self) -> tuple[str, ...]:
        """The items' ids, in the order of the first seed's file."""
        return read_verdicts(self.files[0]).items

    @cached_property
    def item_set(self) -> frozenset[str]:
        """The items' ids as a set."""
        return frozenset(self.items)

    @cached_property
    def values(self) -> np.ndarray:
        """Scores [seeds, items, completions]: 1 for right and 0 for wrong.

        Raises:
            RequestError: a file is missing or damaged, or the seeds do not have the same items.
        """
        by_seed = [read_verdicts(file) for file in self.files]
        for file, verdicts in zip(self.files, by_seed, strict=True):
            same_items = verdicts.items == self.items or set(verdicts.items) == self.item_set
            if not same_items or verdicts.strict.shape != by_seed[0].strict.shape:
                raise RequestError(f"{file}: not the items of {self.files[0]}; evaluate both with the same --limit")
        return np.stack([verdicts.strict[_order(verdicts.items, self.items)] for verdicts in by_seed])

    def marks(self, column: str) -> np.ndarray | None:
        """As `values`, for another column of truth values; None if a seed's file lacks it.

        Raises:
            RequestError: as `values`.
        """
        by_seed = []
        for file in self.files:
            items, marks = read_verdicts(file).items, read_marks(file, column)
            if marks is None:
                return None
            by_seed.append(marks[_order(items, self.items)])
        return np.stack(by_seed)

    @cached_property
    def labels(self) -> dict[str, str]:
        """Item → its label, as of `read_labels`, in the first seed's file."""
        return read_labels(self.files[0])

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Label → the positions of its items among all."""
        labelled = [i for i, item in enumerate(self.items) if item in self.labels]
        return grouped(labelled, lambda i: self.labels[self.items[i]])

    @cached_property
    def versions(self) -> dict[str, set[str]]:
        """The versions that two results must share to be compared; the task's version depends on the checker's."""
        return {name: {getattr(row, name) for row in self.rows} for name in ("checker_version", "task_version")}

    @cached_property
    def seeds(self) -> list[int]:
        """The seed of each row."""
        return [row.seed for row in self.rows]

    @cached_property
    def effects(self) -> Effects:
        """The effects of the items' mean scores; raises as `values`, and if there is only one seed or item."""
        return Effects.of(self.values.mean(axis=2))

    @cached_property
    def parts(self) -> Parts:
        """The parts of the effects; raises as `effects`."""
        return self.effects.parts

    @cached_property
    def fault(self) -> str | None:
        """Why it cannot be compared item by item, in one line; None if it can."""
        for name, versions in self.versions.items():
            if len(versions) > 1:
                several = " and ".join(sorted(versions))
                return f"its seeds have several versions of the {name.removesuffix('_version')}: {several}"
        try:
            for row, file, values in zip(self.rows, self.files, self.values, strict=True):
                right = float(values.mean())
                if not math.isclose(right, row.accuracy, abs_tol=1e-6):
                    return f"{file} does not fit the summary: {right:.3f} of it is right, not {row.accuracy:.3f}"
        except RequestError as error:
            return str(error)
        return None

    @cached_property
    def interval(self) -> Estimate:
        """The task's accuracy with its interval."""
        return mean_interval([self])


def _order(items: tuple[str, ...], target: tuple[str, ...]) -> slice | list[int]:
    """The index that sorts scores of `items` into the order of `target`, which has the same items."""
    if items == target:
        return slice(None)
    row_of = {item: i for i, item in enumerate(items)}
    return [row_of[item] for item in target]


def aligned(methods: Sequence[Scores], items: tuple[str, ...] = ()) -> np.ndarray:
    """Scores of several methods on one task, [methods, seeds, items]: the means over an item's completions.

    In the order of `items`, or of the first one's; raises as `Scores.values`.
    """
    items = items or methods[0].items
    return np.stack([scores.values.mean(axis=2)[:, _order(scores.items, items)] for scores in methods])


def aligned_marks(methods: Sequence[Scores], column: str, items: tuple[str, ...]) -> np.ndarray | None:
    """As `aligned`, for another column of truth values such as `sound`; None if a file lacks it."""
    by_method = []
    for scores in methods:
        marks = scores.marks(column)
        if marks is None:
            return None
        by_method.append(marks.mean(axis=2)[:, _order(scores.items, items)])
    return np.stack(by_method)


@dataclass(frozen=True, slots=True)
class PairedScores:
    """Scores of two methods on the same items of a task: item ids, and both [seeds, items, completions].

    Attributes:
        change: of a - b, where both have the same several seeds and so pair by seed, too.
    """

    items: tuple[str, ...]
    a: np.ndarray
    b: np.ndarray
    change: Parts | None

    @property
    def seeds(self) -> int:
        """The number of training seeds behind a difference."""
        return len(self.a) if self.change else 1

    def of_items(self, rows: Sequence[int]) -> PairedScores:
        """The pair on some of the items, given by their positions."""
        a, b = self.a[:, rows], self.b[:, rows]
        change = None
        if self.change and len(rows) > 1:
            change = Effects.of(a.mean(axis=2) - b.mean(axis=2)).parts
        return PairedScores(tuple(self.items[i] for i in rows), a, b, change)


def pair_scores(task: str, a: Scores, b: Scores) -> PairedScores:
    """Both scores in the order of A's items.

    Raises:
        RequestError: the two are of different items, task versions or checker versions; or as `Scores.values`.
    """
    if b not in a.pairs:
        a.pairs[b] = _pair(task, a, b)
    return a.pairs[b]


def _pair(task: str, a: Scores, b: Scores) -> PairedScores:
    for name, version in a.versions.items():
        if version != b.versions[name]:
            hint = (
                "`slmr rescore` renews the verdicts"
                if name == "checker_version"
                else "if `slmr rescore` of both leaves that so, evaluate one of them again"
            )
            pair = " and ".join(", ".join(sorted(versions)) for versions in (version, b.versions[name]))
            raise RequestError(f"{task}: {name} differs ({pair}); {hint}")
    if a.items != b.items and a.item_set != b.item_set:
        raise RequestError(
            f"{task}: not the same items: {len(a.item_set)} and {len(b.item_set)}, {len(a.item_set & b.item_set)} of"
            " them in both; evaluate both with the same --limit"
        )
    same_order = a.items == b.items
    values = b.values if same_order else b.values[:, _order(b.items, a.items)]
    change = None
    if a.seeds == b.seeds and len(a.seeds) > 1 and len(a.items) > 1:
        effects = b.effects if same_order else Effects.of(values.mean(axis=2))
        change = (a.effects - effects).parts
    return PairedScores(a.items, a.values, values, change)


def difference(tasks: Sequence[PairedScores], level: float = 0.95) -> Difference:
    """The mean over tasks of a - b, with an interval for other items, and for other seeds if there are several.

    Two single runs of one completion an item get McNemar's exact p-value. `level` is the interval's.
    """
    return differences([tasks], level)[0]


def differences(many: Sequence[Sequence[PairedScores]], level: float = 0.95) -> list[Difference]:
    """Several differences at once; the numbers are those of `difference`."""
    by_place: dict[int, Difference] = {}
    by_seeds: dict[tuple[int, ...], dict[int, list[Parts]]] = {}
    for i, tasks in enumerate(many):
        changes = [pair.change for pair in tasks if pair.change]
        if len(changes) == len(tasks):
            by_seeds.setdefault(tuple(pair.seeds for pair in tasks), {})[i] = changes
        else:
            by_place[i] = _over_items(tasks, level)
    for group in by_seeds.values():
        by_place |= dict(zip(group, seeds_and_items_differences(list(group.values()), level), strict=True))
    return [by_place[i] for i in range(len(many))]


def _over_items(tasks: Sequence[PairedScores], level: float) -> Difference:
    """The difference with an interval for other items only."""
    pooled = [(_pooled(pair.a), _pooled(pair.b)) for pair in tasks]
    change = paired_difference_over_tasks(pooled, level)
    a, b = pooled[0]
    if len(pooled) == 1 and a.shape[1] == b.shape[1] == 1:
        return replace(change, p=mcnemar(int((a > b).sum()), int((a < b).sum())))
    return change


def _pooled(values: np.ndarray) -> np.ndarray:
    """[seeds, items, completions] to [items, all completions]."""
    return values.transpose(1, 0, 2).reshape(values.shape[1], -1)


def mean_interval(tasks: Sequence[Scores]) -> Estimate:
    """Mean accuracy over tasks, with an interval for other items, and for other seeds if there are several.

    This is the interval of a mean over tasks on every surface.

    Raises:
        RequestError: as `Scores.values`.
    """
    if min(len(task.rows) for task in tasks) > 1 and min(len(task.items) for task in tasks) > 1:
        return seeds_and_items([task.parts for task in tasks]).within(0.0, 1.0)
    values = [task.values for task in tasks]
    return mean_over_tasks([task[0] if len(task) == 1 else task.mean(axis=0) for task in values])


def mean_interval_of_rows(tasks: Sequence[Sequence[SummaryRow]]) -> Estimate:
    """As `mean_interval`, from summary rows; equal to it for one seed and one completion per item.

    Seeds share their items, so averaging them narrows nothing here. What an item's several completions say is not in
    a row: the interval takes items to reach from 0 to 1.

    Args:
        tasks: per task its rows, one a seed.
    """
    moments = []
    for rows in tasks:
        n = min(row.n_items for row in rows)
        variance = math.fsum(row.stderr**2 for row in rows) / len(rows) * (n - 1)
        moments.append(Moments(n, math.fsum(row.accuracy for row in rows) / len(rows), variance, 0.0, 1.0))
    low, high = bounds_of_moments(moments)
    mean = math.fsum(float(task.mean) for task in moments) / len(moments)
    stderr = math.sqrt(math.fsum(float(t.variance) / max(t.n - 1, 1) for t in moments)) / len(moments)
    return Estimate(mean, stderr, float(low), float(high))
