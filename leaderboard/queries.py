"""What the leaderboard shows, as plain functions over result folders. Nothing here draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

from slmr.errors import RequestError
from slmr.report import Key, grouped, mean_interval
from slmr.results import SummaryRow, read_summary
from slmr.stats import shared_ranks


@dataclass(frozen=True)
class Results:
    """All rows below a folder, and what could not be read or is not ranked."""

    rows: list[SummaryRow]
    notices: list[str]


@dataclass(frozen=True)
class Filters:
    """What is shown; an empty tuple shows everything."""

    edition: str
    students: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()


def load_results(folder: Path) -> Results:
    """Every `summary.json` below a folder. A file that cannot be read becomes a notice.

    Where one (method, student, seed, task) occurs twice, the newer file's row counts.
    """
    files = sorted(folder.rglob("summary.json"), key=lambda f: f.stat().st_mtime)
    found: dict[tuple[str, str, int, str, str], SummaryRow] = {}
    notices = []
    for file in files:
        stat = file.stat()
        try:
            rows = _read(file, stat.st_mtime_ns, stat.st_size)
        except RequestError as error:
            notices.append(str(error).splitlines()[0])
            continue
        for row in rows:
            key = (row.method, row.student, row.seed, row.task, row.edition)
            found.pop(key, None)  # so that the newest rows are the last
            found[key] = row
    return _newest_versions(list(found.values()), notices)


@lru_cache(maxsize=256)
def _read(file: Path, _mtime: int, _size: int) -> tuple[SummaryRow, ...]:
    """A summary's rows; time and size are part of the cache's key."""
    return tuple(read_summary(file).rows)


def _newest_versions(rows: list[SummaryRow], notices: list[str]) -> Results:
    """Rows of other task or checker versions are never ranked together: the last version read counts."""
    newest = {row.task: (row.task_version, row.checker_version) for row in rows}
    kept = [row for row in rows if (row.task_version, row.checker_version) == newest[row.task]]
    dropped = {row.task for row in rows} if len(kept) < len(rows) else set()
    for task in sorted(dropped):
        count = sum(row.task == task for row in rows) - sum(row.task == task for row in kept)
        if count:
            notices.append(f"{task}: {count} rows of an older task or checker version are left out")
    return Results(kept, notices)


def select(rows: Sequence[SummaryRow], filters: Filters) -> list[SummaryRow]:
    """The rows that the filters let through; the base row always passes the method filter."""
    return [
        row
        for row in rows
        if row.edition == filters.edition
        and (not filters.students or row.student in filters.students)
        and (not filters.kinds or row.method_kind in filters.kinds or row.method_kind == "base")
        and (not filters.tasks or row.task in filters.tasks)
    ]


def board(rows: Sequence[SummaryRow]) -> pd.DataFrame:
    """One line for each (method, student): means over seeds and tasks, in percent; missing stays blank.

    The interval of the mean covers the sampling of items; seeds are averaged before tasks. Ranks are
    shared where a z-test on the means cannot separate two lines (Holm-corrected; unpaired, so cautious).
    """
    lines = [_line(method, student, group) for (method, student), group in _by_method(rows).items()]
    table = pd.DataFrame(lines)
    if table.empty:
        return table
    base = {str(line["student"]): line["mean"] for line in lines if line["method"] == "base"}
    gain = table["mean"] - pd.Series([base.get(student) for student in table["student"]], dtype=float)
    table.insert(5, "gain", gain.where(table["method"] != "base"))
    table.insert(0, "rank", _ranks(table))
    return table.sort_values(["rank", "mean"], ascending=[True, False], ignore_index=True)


def _by_method(rows: Sequence[SummaryRow]) -> dict[tuple[str, str], dict[Key, list[SummaryRow]]]:
    methods: dict[tuple[str, str], dict[Key, list[SummaryRow]]] = {}
    for key, group in grouped(rows).items():
        methods.setdefault(key[:2], {})[key] = group
    return methods


def _line(method: str, student: str, seeds: dict[Key, list[SummaryRow]]) -> dict[str, object]:
    runs = list(seeds.values())
    means, halves = zip(*(mean_interval(run) for run in runs), strict=True)
    every = [row for run in runs for row in run]
    first = [run[0] for run in runs]
    mean = 100 * _mean(means)
    # Seeds share their items, so averaging them does not shrink the item sampling error.
    half = 100 * _mean(halves)
    line: dict[str, object] = {
        "method": method, "kind": every[0].method_kind, "student": student, "mean": mean, "interval": half,
        "seeds": len(runs), "tasks": len({row.task for row in every}),
    }  # fmt: skip
    for task in dict.fromkeys(row.task for row in every):
        of_task = [row for row in every if row.task == task]
        line[task] = 100 * _mean([row.accuracy for row in of_task])
        line[f"{task} ±"] = 100 * _mean([(row.ci95[1] - row.ci95[0]) / 2 for row in of_task])
    return line | {
        "format loss": 100 * _mean([row.accuracy_lenient - row.accuracy for row in every]),
        "cut off": 100 * _mean([row.truncated_rate for row in every]),
        "no answer": 100 * _mean([row.no_answer_rate for row in every]),
        "trained tokens": _mean([row.train_tokens for row in first]),
        "sampled tokens": _mean([row.rollout_tokens for row in first]),
        "teacher tokens": _mean([row.teacher_tokens for row in first]),
        "FLOPs": _mean([row.flops for row in first]),
        "seconds": _mean([row.wall_s for row in first]),
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _ranks(table: pd.DataFrame) -> list[int | None]:
    """Shared ranks within each student; a line that lacks a task has none."""
    ranks: dict[int, int | None] = {}
    for _, lines in table.groupby("student"):
        complete = lines[lines["tasks"] == lines["tasks"].max()]
        means = complete["mean"].tolist()
        errors = [half / 1.959963984540054 for half in complete["interval"]]
        pvalues = [[_p(a - b, math.hypot(s, t)) for b, t in zip(means, errors, strict=True)]
                   for a, s in zip(means, errors, strict=True)]  # fmt: skip
        ranks |= dict(zip(complete.index, shared_ranks(means, pvalues), strict=True))
    return [ranks.get(index) for index in table.index]


def _p(difference: float, stderr: float) -> float:
    """Two-sided p-value of a normal difference."""
    if stderr == 0:
        return 1.0 if difference == 0 else 0.0
    return math.erfc(abs(difference) / stderr / math.sqrt(2))


def task_columns(table: pd.DataFrame) -> list[str]:
    """The tasks of a board, in its order."""
    return [name.removesuffix(" ±") for name in table.columns if name.endswith(" ±")]
