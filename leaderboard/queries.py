"""What the leaderboard shows, as plain functions over result folders. Nothing here draws."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from slmr.errors import RequestError
from slmr.results import SummaryRow, read_summary

Identity = tuple[str, str, str, int, str]  # edition, method, student, seed, task
_INNER = {
    "artefacts",
    "samples",
    "items",
    "capability",
    "course",
    "moves",
}  # folders of a run that hold no summary


@dataclass(frozen=True)
class Results:
    """The rows below a folder, the file of samples behind each, and what is not shown and why."""

    rows: list[SummaryRow]
    notices: list[str]
    samples: dict[Identity, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Filters:
    """What is shown; an empty tuple shows everything."""

    edition: str
    students: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Found:
    """A row, where it was, and when that file was written."""

    row: SummaryRow
    folder: Path
    changed: int


def identity(row: SummaryRow) -> Identity:
    """What there is at most one row of on a board."""
    return row.edition, row.method, row.student, row.seed, row.task


def load_results(folder: Path) -> Results:
    """Every `summary.json` in or below a folder. A file that cannot be read becomes a notice.

    Of several versions of a task or its checker the newest counts; of several measurements of one
    (method, student, seed, task) the one with most items, and of those the newest.
    """
    found: list[_Found] = []
    notices: list[str] = []
    for file in _summaries(folder):
        try:
            stat = file.stat()
            rows = _read(file, stat.st_mtime_ns, stat.st_size)
        except (RequestError, OSError) as error:
            # A validation error tells each wrong field on lines of its own: the first is enough.
            notices.append("Not readable: " + " ".join(" ".join(str(error).splitlines()[:3]).split()))
            continue
        found += [_Found(row, file.parent, stat.st_mtime_ns) for row in rows]
    kept = _one_each(_newest_versions(found, notices), notices)
    samples = {identity(f.row): f.row.samples_file(f.folder) for f in kept}
    return Results([f.row for f in kept], notices, samples)


def _summaries(folder: Path) -> Iterator[Path]:
    for place, inner, files in os.walk(folder):
        inner[:] = sorted(name for name in inner if name not in _INNER and not name.startswith("."))
        if "summary.json" in files:
            yield Path(place) / "summary.json"


@lru_cache(maxsize=1024)
def _read(file: Path, _mtime: int, _size: int) -> tuple[SummaryRow, ...]:
    """A summary's rows; time and size are part of the cache's key."""
    return tuple(read_summary(file).rows)


def _newest_versions(found: Sequence[_Found], notices: list[str]) -> list[_Found]:
    """The rows of each task's newest version; rows of other versions are never ranked with them."""
    counts = Counter(_version(f.row) for f in found)

    def newness(f: _Found) -> tuple[object, ...]:
        """By version number first: times say little after a copy or a git checkout."""
        version = _version(f.row)
        return *(_numbers(v) for v in version[2:]), f.changed, counts[version]

    newest: dict[tuple[str, str], tuple[str, ...]] = {}
    for f in sorted(found, key=newness):
        newest[f.row.edition, f.row.task] = _version(f.row)
    for version in sorted(set(counts) - set(newest.values())):
        edition, task, *old = version
        shown = newest[edition, task][2:]
        notices.append(
            f"Other version: {counts[version]} rows of {task} ({edition}), task {old[0]}, checker {old[1]}; "
            f"shown are task {shown[0]}, checker {shown[1]}"
        )
    return [f for f in found if newest[f.row.edition, f.row.task] == _version(f.row)]


def _version(row: SummaryRow) -> tuple[str, str, str, str]:
    return row.edition, row.task, row.task_version, row.checker_version


def _numbers(version: str) -> tuple[int, ...]:
    """`numeric-10` -> (10,), `1.2-64f0` -> (1, 2): a digest tells no order."""
    parts = [part for part in version.split("-") if re.fullmatch(r"\d+(\.\d+)*", part)]
    return tuple(int(number) for number in parts[0].split(".")) if parts else ()


def _one_each(found: Sequence[_Found], notices: list[str]) -> list[_Found]:
    """One measurement of each (method, student, seed, task): most items, then newest."""
    best: dict[Identity, _Found] = {}
    for f in sorted(found, key=lambda f: (f.row.n_items * f.row.k, f.changed)):
        best[identity(f.row)] = f
    if len(best) < len(found):
        notices.append(
            f"Measured more than once: {len(found) - len(best)} rows stand back for others of the same "
            "method, student, seed and task, which have more items or are newer"
        )
    kept = {id(f) for f in best.values()}
    return [f for f in found if id(f) in kept]


def select(rows: Sequence[SummaryRow], filters: Filters) -> list[SummaryRow]:
    """The rows of one edition that the student and task filters let through."""
    return [
        row
        for row in rows
        if row.edition == filters.edition
        and (not filters.students or row.student in filters.students)
        and (not filters.tasks or row.task in filters.tasks)
    ]


def editions(rows: Sequence[SummaryRow]) -> list[str]:
    """The editions that have rows, lab first."""
    return [edition for edition in ("lab", "paper") if any(row.edition == edition for row in rows)]


def values(rows: Sequence[SummaryRow], edition: str, column: str) -> list[str]:
    """The values of a column within an edition, in order of first appearance."""
    return list(dict.fromkeys(str(getattr(row, column)) for row in rows if row.edition == edition))


def task_order(rows: Sequence[SummaryRow]) -> list[str]:
    """The tasks of some rows, in order of first appearance."""
    return list(dict.fromkeys(row.task for row in rows))


def samples_of(rows: Sequence[SummaryRow], samples: Mapping[Identity, Path]) -> dict[Identity, Path]:
    """The sample files of some rows that are there."""
    files = {identity(row): samples.get(identity(row)) for row in rows}
    return {key: file for key, file in files.items() if file is not None and file.is_file()}
