"""What the leaderboard shows, as plain functions over result folders. Nothing here draws."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from threading import RLock

from slmr.errors import RequestError
from slmr.results.entries import Entry, Located, entries
from slmr.results.ranking import Board, board
from slmr.results.schema import EXAMPLES, TABLES, SummaryRow, read_summary

Version = tuple[str, str, str, str]  # edition, task, task version, checker version
_INNER = {"artefacts", "samples", "items", *TABLES, *EXAMPLES}  # folders of a run that hold no summary


@dataclass(frozen=True, eq=False)
class Results:
    """The rows below a folder with their runs' folders, what is not shown, and why.

    Attributes:
        older: rows of other versions of a task or its checker than the newest.
    """

    folder: Path
    located: tuple[Located, ...]
    notices: tuple[str, ...]
    older: dict[Version, tuple[Located, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Filters:
    """What is shown; an empty tuple shows everything.

    Attributes:
        versions: labels of older versions (`version_label`), shown in place of their tasks' newest ones.
    """

    edition: str
    students: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    versions: tuple[str, ...] = ()


def load_results(folder: Path) -> Results:
    """Every `summary.json` in or below a folder. A file that cannot be read becomes a notice.

    Of several versions of a task or its checker the newest counts; of several measurements of one
    (method, student, seed, task) the one with most items, and of those the newest.
    """
    return _load(folder.resolve(), tuple(_summaries(str(folder))))


Stamp = tuple[str, int, int]  # a summary's path, its time in nanoseconds and its bytes


def _summaries(folder: str) -> Iterator[Stamp]:
    """By text and not by `Path`: every click asks for them again."""
    for place, inner, files in os.walk(folder):
        inner[:] = sorted(name for name in inner if name not in _INNER and not name.startswith("."))
        if "summary.json" in files:
            file = os.path.join(place, "summary.json")
            try:
                stat = os.stat(file)
                yield file, stat.st_mtime_ns, stat.st_size
            except OSError:
                yield file, 0, 0  # reading it says what is wrong


ONE = RLock()  # two sessions that ask for the same board at once shall not both make it


def _load(folder: Path, stamps: tuple[Stamp, ...]) -> Results:
    with ONE:
        return _loaded(folder, stamps)


@lru_cache(maxsize=4)
def _loaded(folder: Path, stamps: tuple[Stamp, ...]) -> Results:
    """As `load_results`; times and sizes are part of the cache's key."""
    notices: list[str] = []
    found: list[tuple[Located, int]] = []
    for name, changed, size in stamps:
        file = Path(name)
        try:
            rows = _read(file, changed, size)
        except (RequestError, OSError) as error:
            notices.append("Not readable: " + _first_of(str(error)))
            continue
        for row in rows:
            if _inside(row.samples_file(file.parent), folder):
                found.append(((row, file.parent), changed))
            else:
                notices.append(
                    f"Left out: {file} has a row whose name points out of the folder: {row.method!r}"
                )
    kept = _one_each(found, notices)
    newest = _newest(kept)
    older: dict[Version, list[Located]] = {}
    for place, _ in kept:
        if newest[version(place[0])[:2]] != version(place[0]):
            older.setdefault(version(place[0]), []).append(place)
    notices += [
        f"Another version: {len(places)} rows of {version_label(old)}; shown is"
        f" {version_label(newest[old[:2]])}, unless you choose the other one"
        for old, places in sorted(older.items())
    ]
    current = tuple(place for place, _ in kept if newest[version(place[0])[:2]] == version(place[0]))
    return Results(folder, current, tuple(notices), {old: tuple(places) for old, places in older.items()})


@lru_cache(maxsize=4096)
def _read(file: Path, _changed: int, _size: int) -> tuple[SummaryRow, ...]:
    return tuple(read_summary(file).rows)


def _first_of(message: str) -> str:
    """A validation error tells each wrong field on lines of its own: the first is enough."""
    return " ".join(" ".join(message.splitlines()[:3]).split())


def _inside(file: Path, folder: Path) -> bool:
    """Whether a path made of a row's names stays in the folder: a summary is somebody else's text."""
    return Path(os.path.normpath(file.absolute())).is_relative_to(os.path.normpath(folder.absolute()))


def version(row: SummaryRow) -> Version:
    """What rows must share to be ranked together."""
    return row.edition, row.task, row.task_version, row.checker_version


def version_label(of: Version) -> str:
    """`svamp: task 1-ab, checker numeric-2`."""
    return f"{of[1]}: task {of[2]}, checker {of[3]}"


def _newest(found: Sequence[tuple[Located, int]]) -> dict[tuple[str, str], Version]:
    """Each task's newest version: by version number first, as times say little after a copy or a git checkout."""
    counts: dict[Version, int] = {}
    for (row, _), _ in found:
        counts[version(row)] = counts.get(version(row), 0) + 1

    def newness(one: tuple[Located, int]) -> tuple[object, ...]:
        of = version(one[0][0])
        return *(_numbers(v) for v in of[2:]), one[1], counts[of]

    return {version(row)[:2]: version(row) for (row, _), _ in sorted(found, key=newness)}


def _numbers(label: str) -> tuple[int, ...]:
    """`numeric-10` -> (10,), `1.2-64f0` -> (1, 2): a digest tells no order."""
    parts = [part for part in label.split("-") if re.fullmatch(r"\d+(\.\d+)*", part)]
    return tuple(int(number) for number in parts[0].split(".")) if parts else ()


def _one_each(found: Sequence[tuple[Located, int]], notices: list[str]) -> list[tuple[Located, int]]:
    """One measurement of each (method, student, seed, task, version): most items, then newest."""
    best: dict[object, tuple[Located, int]] = {}
    for one in sorted(found, key=lambda one: (one[0][0].n_items * one[0][0].k, one[1])):
        best[one[0][0].identity, version(one[0][0])] = one
    if len(best) < len(found):
        notices.append(
            f"Measured more than once: {len(found) - len(best)} rows stand back for others of the same "
            "method, student, seed and task, which have more items or are newer"
        )
    kept = {id(one) for one in best.values()}
    return [one for one in found if id(one) in kept]


# ------------------------------------------------------------------------------------ selection


def chosen(results: Results, filters: Filters) -> list[Located]:
    """The rows of one edition that the filters let through; kinds are for what is shown, as ranks are among all."""
    instead = [
        old for old in results.older if version_label(old) in filters.versions and old[0] == filters.edition
    ]
    replaced = {old[:2] for old in instead}
    located = [place for place in results.located if (place[0].edition, place[0].task) not in replaced]
    for old in instead:
        located += results.older[old]
    return [
        (row, folder)
        for row, folder in located
        if row.edition == filters.edition
        and (not filters.students or row.student in filters.students)
        and (not filters.tasks or row.task in filters.tasks)
        and (not filters.seeds or row.seed in filters.seeds)
    ]


def boards(results: Results, filters: Filters) -> list[Board]:
    """A board for each student's methods, and one, the last, for models that are only evaluated.

    Kinds make no difference to it: ranks and gains are those among all methods, whichever are shown.
    """
    with ONE:
        return _boards(results, replace(filters, kinds=()))


@lru_cache(maxsize=16)
def _entries(results: Results, filters: Filters) -> list[Entry]:
    """What all choices of tasks have in common: scores are read and taken apart once."""
    return entries(chosen(results, filters))


@lru_cache(maxsize=64)
def _boards(results: Results, filters: Filters) -> list[Board]:
    groups: dict[str, list[Entry]] = {}
    for whole in _entries(results, replace(filters, tasks=())):
        entry = whole.of_tasks(filters.tasks)
        if not entry.located:
            continue
        groups.setdefault("" if entry.kind == "model" else entry.student, []).append(entry)
    names = sorted(groups, key=lambda name: (name == "", list(groups).index(name)))
    return [board(groups[name]) for name in names]


def editions(results: Results) -> list[str]:
    """The editions that have rows, lab first."""
    return [e for e in ("lab", "paper") if any(row.edition == e for row, _ in results.located)]


@lru_cache(maxsize=64)
def values(results: Results, edition: str, column: str) -> list[str]:
    """The values of a column within an edition, in order of first appearance; seeds by number."""
    found = dict.fromkeys(getattr(row, column) for row, _ in results.located if row.edition == edition)
    return list(map(str, sorted(found) if column == "seed" else found))


def older_versions(results: Results, edition: str) -> list[str]:
    """Labels of the versions that can be chosen in place of the newest."""
    return [version_label(old) for old in sorted(results.older) if old[0] == edition]
