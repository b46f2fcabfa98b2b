"""Scores item by item, and two sides of a comparison on the same items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from slmr.errors import RequestError
from slmr.results import SummaryRow
from slmr.runstats import mcnemar, seeds_and_items, seeds_and_items_difference
from slmr.stats import Difference, Estimate, mean_over_tasks, paired_difference_over_tasks


@dataclass(frozen=True)
class Side:
    """One method's rows of a task, in the order of their seeds, and the files of their completions."""

    rows: list[SummaryRow]
    files: list[Path]

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The items, in the order of the first seed's file."""
        return scores_of(self.files[0])[0]

    @cached_property
    def values(self) -> np.ndarray:
        """1 for right and 0 for wrong: [seeds, items, completions].

        Raises:
            RequestError: a file is missing or damaged, or the seeds do not have the same items.
        """
        found = [scores_of(file) for file in self.files]
        for file, (ids, values) in zip(self.files, found, strict=True):
            if set(ids) != set(self.ids) or values.shape != found[0][1].shape:
                raise RequestError(
                    f"{file}: not the items of {self.files[0]}; evaluate both with the same --limit"
                )
        return np.stack([values[_order(ids, self.ids)] for ids, values in found])


def scores_of(file: Path) -> tuple[tuple[str, ...], np.ndarray]:
    """The items of a file of completions, in its order, and whether each completion is strictly right: [items, k].

    Raises:
        RequestError: it is missing, no such file, or its items have different numbers of completions.
    """
    try:
        stat = file.stat()
    except OSError:
        raise RequestError(f"{file} is missing: a paired comparison needs the completions") from None
    return _scores(file, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=16384)  # a leaderboard asks again at every click; a file of 2,000 completions takes 30 kB
def _scores(file: Path, _mtime: int, _size: int) -> tuple[tuple[str, ...], np.ndarray]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as opened:
            table = opened.read(columns=["item_id", "strict"], use_threads=False).combine_chunks()
        items = table["item_id"].combine_chunks().dictionary_encode()
        codes, strict = items.indices.to_numpy(), table["strict"].to_numpy().astype(float)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise RequestError(f"{file} is no file of completions: {str(error).splitlines()[0]}") from None
    counts = np.bincount(codes, minlength=1)
    if not len(codes) or counts.min() != counts.max():
        raise RequestError(f"{file}: its items have different numbers of completions, or there are none")
    values = strict[np.argsort(codes, kind="stable")].reshape(len(counts), -1)
    values.setflags(write=False)
    return tuple(items.dictionary.to_pylist()), values


def _order(ids: Sequence[str], wanted: Sequence[str]) -> list[int]:
    if ids == wanted:
        return list(range(len(ids)))
    place = {item: i for i, item in enumerate(ids)}
    return [place[item] for item in wanted]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sides on the same items of a task: item ids, and both scores [seeds, items, completions]."""

    ids: Sequence[str]
    a: np.ndarray
    b: np.ndarray
    crossed: bool  # both have the same several seeds, so that they pair by seed, too

    @property
    def seeds(self) -> int:
        return len(self.a) if self.crossed else 1


def paired(task: str, a: Side, b: Side) -> Pair:
    """Both scores in the order of A's items.

    Raises:
        RequestError: the two are of different items, task versions or checker versions; or as `Side.values`.
    """
    for what in ("task_version", "checker_version"):
        versions = [{getattr(row, what) for row in side.rows} for side in (a, b)]
        if versions[0] != versions[1]:
            hint = (
                "`slmr rescore` renews the verdicts"
                if what == "checker_version"
                else "evaluate one of them again"
            )
            raise RequestError(f"{task}: {what} differs ({versions[0]} and {versions[1]}); {hint}")
    left, right = set(a.ids), set(b.ids)
    if left != right:
        raise RequestError(
            f"{task}: not the same items: {len(left)} and {len(right)}, {len(left & right)} of them"
            " in both; evaluate both with the same --limit"
        )
    seeds = [[row.seed for row in side.rows] for side in (a, b)]
    crossed = seeds[0] == seeds[1] and len(seeds[0]) > 1 and len(left) > 1
    return Pair(a.ids, a.values, b.values[:, _order(b.ids, a.ids)], crossed)


def difference(pairs: Sequence[Pair]) -> Difference:
    """a - b, the mean over the tasks: for other seeds and items where there are several seeds, else for other items.

    Two single runs of one completion an item get McNemar's exact p-value.
    """
    if all(pair.crossed for pair in pairs):
        return seeds_and_items_difference([(pair.a.mean(axis=2), pair.b.mean(axis=2)) for pair in pairs])
    pooled = [(_pooled(pair.a), _pooled(pair.b)) for pair in pairs]
    found = paired_difference_over_tasks(pooled)
    if len(pooled) == 1 and pooled[0][0].shape[1] == pooled[0][1].shape[1] == 1:
        change = (pooled[0][0] - pooled[0][1])[:, 0]
        return replace(found, p=mcnemar(int((change > 0).sum()), int((change < 0).sum())))
    return found


def _pooled(scores: np.ndarray) -> np.ndarray:
    """[seeds, items, completions] to [items, all completions]."""
    return scores.transpose(1, 0, 2).reshape(scores.shape[1], -1)


def mean_interval(tasks: Sequence[np.ndarray]) -> Estimate:
    """The mean over tasks; its interval is for other items, and for other seeds where there are several.

    Args:
        tasks: per task [seeds, items, completions] of 0 and 1.
    """
    if min(len(task) for task in tasks) > 1 and min(task.shape[1] for task in tasks) > 1:
        return seeds_and_items([task.mean(axis=2) for task in tasks])
    return mean_over_tasks([task[0] if len(task) == 1 else task.mean(axis=0) for task in tasks])
