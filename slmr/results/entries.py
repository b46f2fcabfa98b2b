"""What stands on a board: a method of a student over its seeds, or a model as it is; wherever its runs are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from slmr.config import MethodKind
from slmr.results.paired_scores import Side
from slmr.results.schema import SummaryRow, read_summary, read_table, run_file

UNTRAINED = ("base", "model")
Located = tuple[SummaryRow, Path]  # a row, and the run's folder that it is in


@dataclass(frozen=True)
class Entry:
    """The rows of one method and student, by seed and in the order of the tasks, each with its run's folder."""

    located: tuple[Located, ...]

    @property
    def first(self) -> SummaryRow:
        return self.located[0][0]

    @property
    def method(self) -> str:
        return self.first.method

    @property
    def student(self) -> str:
        return self.first.student

    @property
    def kind(self) -> MethodKind:
        return self.first.method_kind

    @property
    def trained(self) -> bool:
        """Whether another seed would have given another model."""
        return self.kind not in UNTRAINED

    @property
    def name(self) -> str:
        """What it is listed as: the method, or the model that is only evaluated."""
        return self.student if self.kind == "model" else self.method

    @cached_property
    def seeds(self) -> list[int]:
        return sorted({row.seed for row, _ in self.located})

    @cached_property
    def tasks(self) -> list[str]:
        return list(dict.fromkeys(row.task for row, _ in self.located))

    def rows(self, task: str | None = None) -> list[SummaryRow]:
        """All rows, or those of a task, by seed."""
        return self._by_task.get(task, [])

    @cached_property
    def _by_task(self) -> dict[str | None, list[SummaryRow]]:
        found: dict[str | None, list[SummaryRow]] = {None: [row for row, _ in self.located]}
        for row in found[None]:
            found.setdefault(row.task, []).append(row)
        return found

    @cached_property
    def sides(self) -> dict[str, Side]:
        """Task → its scores; raises as `Side.values` does, when they are asked for."""
        return _sides((row, row.samples_file(folder)) for row, folder in self.located)

    @property
    def fault(self) -> str | None:
        """Why it cannot be compared item by item, in a line; None if it can."""
        return next((side.fault for side in self.sides.values() if side.fault), None)

    def of_seeds(self, seeds: Sequence[int]) -> Entry:
        """The same with these seeds alone; itself, with what it has read, where it has no others."""
        if list(seeds) == self.seeds:
            return self
        return Entry(tuple(place for place in self.located if place[0].seed in seeds))

    def as_seeds(self, own: Sequence[int], names: Sequence[int]) -> Entry:
        """What it has of its own seeds, one after the other, under other seeds' names, to be paired with those."""
        places = [
            (row.model_copy(update={"seed": name}), row, folder)
            for name, seed in zip(names, own, strict=True)
            for row, folder in self.located
            if row.seed == seed
        ]
        found = Entry(tuple((renamed, folder) for renamed, _, folder in places))
        vars(found)["sides"] = _sides((renamed, row.samples_file(folder)) for renamed, row, folder in places)
        return found

    def of_tasks(self, tasks: Sequence[str]) -> Entry:
        """The same with these tasks alone, and with what it has read of them; all where none is named."""
        if not tasks:
            return self
        found = Entry(tuple(place for place in self.located if place[0].task in tasks))
        vars(found)["sides"] = {task: side for task, side in self.sides.items() if task in tasks}
        return found

    def whole(self, tasks: Sequence[str]) -> Entry | None:
        """The same with the seeds that have all of these tasks; None where none has."""
        has = {(row.seed, row.task) for row, _ in self.located}
        seeds = [seed for seed in self.seeds if all((seed, task) in has for task in tasks)]
        return self.of_seeds(seeds) if seeds else None

    def file(self, what: str, seed: int) -> Path:
        """Where its run keeps a table of one seed, such as `course`; it need not be there."""
        folder = next(folder for row, folder in self.located if row.seed == seed)
        return run_file(folder, what, self.method, self.student, seed)

    def table(self, what: str, seed: int) -> list[dict[str, Any]]:
        """The rows of such a table; none where there is no file.

        Raises:
            RequestError: the file is damaged.
        """
        file = self.file(what, seed)
        return read_table(file) if file.is_file() else []


def _sides(placed: Iterable[tuple[SummaryRow, Path]]) -> dict[str, Side]:
    """Task → its rows with the files of their completions."""
    found: dict[str, Side] = {}
    for row, file in placed:
        side = found.setdefault(row.task, Side([], []))
        side.rows.append(row)
        side.files.append(file)
    return found


def entries(located: Sequence[Located]) -> list[Entry]:
    """One for each method and student, in the order of first appearance."""
    groups: dict[tuple[str, str], list[Located]] = {}
    for place in located:
        groups.setdefault((place[0].method, place[0].student), []).append(place)
    return [Entry(tuple(sorted(group, key=lambda place: place[0].seed))) for group in groups.values()]


def run_entries(run: Path, student: str | None = None, edition: str | None = None) -> list[Entry]:
    """Those of one run, of a student and an edition where they are named; raises as `read_summary`."""
    rows = read_summary(run / "summary.json").rows
    chosen = [row for row in rows if student in (None, row.student) and edition in (None, row.edition)]
    return entries([(row, run) for row in chosen])
