"""Selects the results that the leaderboard shows from folders of runs. Nothing here draws."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from threading import RLock

from slmr.errors import RequestError
from slmr.results.analysis.ranking import Ranking, suite_rankings
from slmr.results.runs.files import ARTEFACTS, EXAMPLES, ITEMS, SAMPLES, SUMMARY, TABLES
from slmr.results.runs.method_results import MethodResult, RunRow, method_results
from slmr.results.runs.notes import folded_note, note_of
from slmr.results.runs.schema import SummaryRow, grouped, read_summary
from slmr.results.runs.suites import Suite, listed_suites, suites_of

Version = tuple[str, str, str, str]  # edition, task, task version, checker version
Setting = tuple[int, int, str]  # items, completions of each, profile
_INNER = {ARTEFACTS, SAMPLES, ITEMS, *TABLES, *EXAMPLES}  # folders of a run that hold no summary
_ARCHIVE = "archive"  # results that do not stand; seen only where they are asked for
_SKIPPED = {*_INNER, _ARCHIVE}


@dataclass(frozen=True, eq=False)
class Results:
    """The rows below a folder with their runs' folders, and notices of rows that are not shown.

    Attributes:
        older: rows of other versions of a task or its checker than the newest.
        notes: a run's folder → what somebody wrote for its readers, as `folded_note` returns it.
    """

    folder: Path
    rows: tuple[RunRow, ...]
    notices: tuple[str, ...]
    older: dict[Version, tuple[RunRow, ...]] = field(default_factory=dict)
    notes: dict[Path, tuple[str, str]] = field(default_factory=dict)
    suites: tuple[Suite, ...] = ()

    def suite(self, name: str) -> Suite:
        """The suite of that name, or an empty one."""
        return next((suite for suite in self.suites if suite.name == name), Suite(name, ()))


@dataclass(frozen=True)
class Filters:
    """The filters of a view; an empty tuple shows everything.

    Attributes:
        suite: the name of the one that a board is of.
        versions: labels of older versions (`version_label`), shown in place of their tasks' newest ones.
    """

    suite: str
    students: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    versions: tuple[str, ...] = ()


LOCK = RLock()  # two sessions that ask for the same ranking at once shall not both make it


def load_results(folder: Path) -> Results:
    """Reads every `summary.json` in or below a folder except in `archive`. An unreadable file becomes a notice.

    Of several versions of a task or its checker the newest counts; of several measurements of one
    (method, student, seed, task) the one with most items, and of those the newest.
    """
    with LOCK:
        folder = folder.resolve()
        return _load(folder, tuple(_summaries(str(folder))), _declared_suites(folder))


Stamp = tuple[str, int, int]  # a summary's path, its time in nanoseconds and its bytes


def _summaries(folder: str) -> Iterator[Stamp]:
    """The summaries below a folder; paths are texts, because every click lists them again and `Path` is slow."""
    for path, subfolders, files in os.walk(folder):
        subfolders[:] = sorted(name for name in subfolders if name not in _SKIPPED and not name.startswith("."))
        if SUMMARY in (*files, *subfolders):
            file = os.path.join(path, SUMMARY)
            try:
                stat = os.stat(file)
                yield file, stat.st_mtime_ns, stat.st_size
            except OSError:
                yield file, 0, 0  # reading it says what is wrong


@dataclass(frozen=True, slots=True)
class _Measured:
    """A row, and when its summary was written."""

    run_row: RunRow
    written_ns: int

    @property
    def row(self) -> SummaryRow:
        return self.run_row.row

    @property
    def version(self) -> Version:
        """The version that rows must share to be ranked together."""
        return self.row.edition, self.row.task, self.row.task_version, self.row.checker_version

    @property
    def setting(self) -> Setting:
        return self.row.n_items, self.row.k, self.row.profile

    @property
    def board(self) -> object:
        """What rows share whose methods are compared: a model that `slmr eval` measured is none of its methods."""
        return self.row.student, self.row.method_kind == "model", self.version


DeclaredSuites = tuple[tuple[str, tuple[str, ...]], ...] | str  # or what is wrong with their file


def _declared_suites(folder: Path) -> DeclaredSuites:
    try:
        return tuple(listed_suites(folder).items())
    except RequestError as error:
        return str(error)


@lru_cache(maxsize=4)
def _load(folder: Path, stamps: tuple[Stamp, ...], suites: DeclaredSuites) -> Results:
    """As `load_results`; times and sizes are part of the cache's key."""
    notices: list[str] = [f"Not readable: {suites}"] if isinstance(suites, str) else []
    measured: list[_Measured] = []
    for name, written_ns, size in stamps:
        file = Path(name)
        try:
            rows = _read(file, written_ns, size)
        except RequestError as error:
            notices.append(f"Not readable: {error}")
            continue
        measured += [_Measured(RunRow(row, file.parent), written_ns) for row in rows]
    usual = _usual_settings(measured)
    measured = _same_setting(_one_each(measured, usual, notices), usual, notices)
    newest = _newest(measured)
    older = {
        old: tuple(m.run_row for m in rows)
        for old, rows in grouped(measured, lambda m: m.version).items()
        if newest[old[:2]] != old
    }
    notices += [
        f"Another version: {len(rows)} rows of {old[1]}: {_difference(old, newest[old[:2]])}; choose it under Older"
        " versions to see them"
        for old, rows in sorted(older.items(), key=lambda item: item[0])
    ]
    notes = [(run, note_of(run)) for run in dict.fromkeys(m.run_row.run for m in measured)]
    return Results(
        folder,
        tuple(m.run_row for m in measured if m.version not in older),
        tuple(notices),
        older,
        {run: folded_note(note) for run, note in notes if note},
        tuple(suites_of([m.row for m in measured], {} if isinstance(suites, str) else dict(suites))),
    )


@lru_cache(maxsize=4096)
def _read(file: Path, _written_ns: int, _size: int) -> tuple[SummaryRow, ...]:
    return tuple(read_summary(file).rows)


def version_label(version: Version) -> str:
    """`svamp: task 1-ab, checker numeric-2`."""
    return f"{version[1]}: task {version[2]}, checker {version[3]}"


def _difference(old: Version, newest: Version) -> str:
    """How a version differs from the newest, in words: its label has digests, which tell a reader nothing."""
    (was, old_checker), (now, checker) = ((v[2].rsplit("-", 1)[0], v[3]) for v in (old, newest))
    parts = [f"task version {was} (shown: {now})"] if was != now else []
    parts += [f"checker {old_checker} (shown: {checker})"] if old_checker != checker else []
    return ", ".join(parts) or "other task files or data under the same version number"


def _newest(measured: Sequence[_Measured]) -> dict[tuple[str, str], Version]:
    """Each task's newest version: by number first, because times change with a copy or a git checkout."""
    counts = Counter(m.version for m in measured)

    def newness(m: _Measured) -> tuple[object, ...]:
        return *map(_numbers, m.version[2:]), m.written_ns, counts[m.version]

    return {m.version[:2]: m.version for m in sorted(measured, key=newness)}


def _numbers(label: str) -> tuple[int, ...]:
    """The numbers of a version, without its digest: `numeric-10` → (10,), `1.2-64f0` → (1, 2)."""
    parts = [part for part in label.split("-") if re.fullmatch(r"\d+(\.\d+)*", part)]
    return tuple(int(number) for number in parts[0].split(".")) if parts else ()


def _usual_settings(measured: Sequence[_Measured]) -> dict[object, Setting]:
    """Student and version of a task → the setting of most methods; of equally frequent ones the largest."""
    methods = {(m.board, m.setting, m.row.method) for m in measured}
    counts = Counter((board, setting) for board, setting, _ in methods)
    # Of a board's settings the last one stays.
    return dict(sorted(counts, key=lambda choice: (counts[choice], choice[1])))


def _one_each(measured: Sequence[_Measured], usual: Mapping[object, Setting], notices: list[str]) -> list[_Measured]:
    """One measurement of each (method, student, seed, task, version): as most methods, else largest, then newest."""
    worst_first = sorted(measured, key=lambda m: (m.setting == usual[m.board], m.row.n_items * m.row.k, m.written_ns))
    best = {(m.row.identity, m.version): m for m in worst_first}
    if len(best) < len(measured):
        notices.append(
            f"Measured more than once: {len(measured) - len(best)} rows are hidden, because another row of the same"
            " method, student, seed and task was measured like most methods, on more items, or later"
        )
    ids = {id(m) for m in best.values()}
    return [m for m in measured if id(m) in ids]


def _same_setting(
    measured: Sequence[_Measured], usual: Mapping[object, Setting], notices: list[str]
) -> list[_Measured]:
    """The rows in the usual setting; rows of different profiles are never pooled or ranked together."""
    comparable = [m for m in measured if m.setting == usual[m.board]]
    if count := len(measured) - len(comparable):
        notices.append(
            f"Another setting: {count} rows with another profile, number of items or number of completions than most"
            " methods here; open their run alone to see them"
        )
    return comparable


# ------------------------------------------------------------------------------------ selection


def filtered_rows(results: Results, filters: Filters) -> list[RunRow]:
    """The rows that pass the filters; kinds do not count, because ranks are among all methods."""
    versions = [version for version in results.older if version_label(version) in filters.versions]
    tasks = {version[:2] for version in versions}  # of which an older version is shown
    rows = [r for r in results.rows if (r.row.edition, r.row.task) not in tasks]
    rows += [r for version in versions for r in results.older[version]]
    columns = {"student": filters.students, "task": filters.tasks, "seed": filters.seeds}
    return [r for r in rows if all(not values or getattr(r.row, name) in values for name, values in columns.items())]


def notes_on(results: Results, filters: Filters) -> list[tuple[str, str]]:
    """The notes of the runs whose rows are shown: the part that is shown, behind the run's name, and the folded one."""
    tasks = results.suite(filters.suite).tasks
    runs = dict.fromkeys(r.run for r in filtered_rows(results, filters) if r.row.task in tasks)
    notes = [(run.name, *results.notes[run]) for run in runs if run in results.notes]
    return [(f"{name}: {start}", rest) for name, start, rest in notes]


def rankings(results: Results, filters: Filters) -> list[Ranking]:
    """A ranking for each student's methods, and at the end one for models that are only evaluated.

    Kinds make no difference to it: ranks and gains are those among all methods, whichever are shown.
    """
    with LOCK:
        return _rankings(results, replace(filters, kinds=()))


@lru_cache(maxsize=16)
def _method_results(results: Results, filters: Filters) -> list[MethodResult]:
    """The results before tasks are selected, so that scores are read only once."""
    return method_results(filtered_rows(results, filters))


@lru_cache(maxsize=64)
def _rankings(results: Results, filters: Filters) -> list[Ranking]:
    of_all_tasks = _method_results(results, replace(filters, suite="", tasks=()))
    return suite_rankings([r.of_tasks(filters.tasks) for r in of_all_tasks], results.suite(filters.suite))


@lru_cache(maxsize=64)
def values(results: Results, suite: str, column: str) -> list[str]:
    """The values of a column within a suite's tasks, in order of first appearance; seeds by number."""
    tasks = results.suite(suite).tasks
    distinct = dict.fromkeys(getattr(row, column) for row, _ in results.rows if row.task in tasks)
    return list(map(str, sorted(distinct) if column == "seed" else distinct))


def older_versions(results: Results, suite: str) -> list[str]:
    """Labels of the versions of a suite's tasks that can be chosen in place of the newest."""
    return [version_label(old) for old in sorted(results.older) if old[1] in results.suite(suite).tasks]
