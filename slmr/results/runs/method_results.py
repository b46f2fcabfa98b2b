"""The results of one method and student over its seeds, or of one model, from any number of runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from slmr.config import UNTRAINED, MethodKind
from slmr.errors import RequestError, unknown
from slmr.results.runs.files import SUMMARY, RunFiles
from slmr.results.runs.paired_scores import Scores
from slmr.results.runs.schema import SummaryRow, grouped, read_summary
from slmr.results.runs.tables import read_run_table


class RunRow(NamedTuple):
    """A summary row, and the folder of the run that it is in."""

    row: SummaryRow
    run: Path


@dataclass(frozen=True)
class MethodResult:
    """The rows of one method and student, by seed and in the order of the tasks, each with its run's folder.

    Attributes:
        scores: task → its scores; `Scores.values` reads the completions when it is asked for.
    """

    run_rows: tuple[RunRow, ...]
    scores: dict[str, Scores] = field(compare=False, repr=False)

    @classmethod
    def of(cls, run_rows: Iterable[RunRow]) -> MethodResult:
        """The result of these rows, which are sorted by seed."""
        rows = tuple(run_rows)
        return cls(rows, _scores((row, row.samples_file(run)) for row, run in rows))

    @property
    def first(self) -> SummaryRow:
        return self.run_rows[0].row

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
        """Whether it was trained, so that another seed would give another model."""
        return self.kind not in UNTRAINED

    @property
    def name(self) -> str:
        """The listed name: the method, or the model if it is only evaluated."""
        return self.student if self.kind == "model" else self.method

    @cached_property
    def seeds(self) -> list[int]:
        return sorted({row.seed for row, _ in self.run_rows})

    @cached_property
    def tasks(self) -> list[str]:
        return list(self.scores)

    def rows(self, task: str | None = None) -> list[SummaryRow]:
        """All rows, or those of a task, by seed."""
        if task is None:
            return [row for row, _ in self.run_rows]
        return self.scores[task].rows if task in self.scores else []

    def rate(self, name: str, tasks: Sequence[str] = ()) -> float:
        """The mean of a column such as `truncated_rate` over the rows of these tasks, or over all rows."""
        values = [getattr(row, name) for row in self.of_tasks(tasks).rows()]
        return math.fsum(values) / len(values)

    def cost(self, name: str) -> float:
        """The mean over seeds of a cost such as `tokens`, which is equal in all rows of a seed."""
        first_of_seed = {row.seed: row for row in reversed(self.rows())}
        return math.fsum(getattr(first_of_seed[seed], name) for seed in self.seeds) / len(self.seeds)

    @property
    def fault(self) -> str | None:
        """Why it cannot be compared item by item, in one line; None if it can."""
        return next((scores.fault for scores in self.scores.values() if scores.fault), None)

    def of_seeds(self, seeds: Sequence[int]) -> MethodResult:
        """The result with only these seeds; itself, with its loaded scores, if it has no others."""
        if list(seeds) == self.seeds:
            return self
        return MethodResult.of(run_row for run_row in self.run_rows if run_row.row.seed in seeds)

    def as_seeds(self, seeds: Sequence[int], names: Sequence[int]) -> MethodResult:
        """The rows of its `seeds`, in order, renamed to the seeds `names`, to be paired with another result's."""
        renamed = [
            (RunRow(row.model_copy(update={"seed": name}), run), row.samples_file(run))
            for name, seed in zip(names, seeds, strict=True)
            for row, run in self.run_rows
            if row.seed == seed
        ]
        return MethodResult(
            tuple(run_row for run_row, _ in renamed),
            _scores((run_row.row, file) for run_row, file in renamed),
        )

    def of_tasks(self, tasks: Sequence[str]) -> MethodResult:
        """The result with only these tasks, and their loaded scores; itself if no task is given."""
        if not tasks:
            return self
        rows = tuple(run_row for run_row in self.run_rows if run_row.row.task in tasks)
        return MethodResult(rows, {task: scores for task, scores in self.scores.items() if task in tasks})

    def complete(self, tasks: Sequence[str]) -> MethodResult | None:
        """The result with only the seeds that have all of these tasks; None if no seed has them."""
        has = {(row.seed, row.task) for row, _ in self.run_rows}
        seeds = [seed for seed in self.seeds if all((seed, task) in has for task in tasks)]
        return self.of_seeds(seeds) if seeds else None

    def file(self, what: str, seed: int) -> Path:
        """The file of a table such as `course` for one seed; it may not exist."""
        run = next(run for row, run in self.run_rows if row.seed == seed)
        return RunFiles(run, self.method, self.student, seed).table(what)

    def table(self, what: str, seed: int) -> list[dict[str, Any]]:
        """The rows of such a table; empty if there is no file.

        Raises:
            RequestError: the file is damaged, or no such table.
        """
        file = self.file(what, seed)
        return read_run_table(file, what) if file.exists() else []


def _scores(rows: Iterable[tuple[SummaryRow, Path]]) -> dict[str, Scores]:
    """Task → its rows with the files of their completions."""
    return {
        task: Scores([row for row, _ in group], [file for _, file in group])
        for task, group in grouped(rows, lambda row_and_file: row_and_file[0].task).items()
    }


def method_results(run_rows: Iterable[RunRow]) -> list[MethodResult]:
    """One for each method and student, in the order of first appearance."""
    return [
        MethodResult.of(sorted(group, key=lambda r: r.row.seed))
        for group in grouped(run_rows, lambda r: (r.row.method, r.row.student)).values()
    ]


def run_results(run: Path, student: str | None = None) -> list[MethodResult]:
    """The results of a run, or of one student in it; raises as `read_summary`."""
    rows = read_summary(run / SUMMARY).rows
    return method_results(RunRow(row, run) for row in rows if student in (None, row.student))


def find_result(name: str) -> MethodResult:
    """The result named by `FOLDER`, or by `FOLDER:METHOD` or `FOLDER:METHOD:STUDENT` if the folder holds several.

    Raises:
        RequestError: there is no such folder, method or student, or the name fits several.
    """
    folder, method, student, *_ = [*([name] if Path(name).is_dir() else name.split(":", 2)), "", ""]
    results = run_results(Path(folder))
    if not results:
        raise RequestError(f"{folder} holds no results: its summary has no rows")
    method = _choice("method", folder, method, [result.method for result in results])
    by_student = {result.student: result for result in results if result.method == method}
    return by_student[_choice("student", f"{folder}:{method}", student, list(by_student))]


def _choice(what: str, place: str, name: str, names: Sequence[str]) -> str:
    """The requested name if it is known, or the only known one; raises as `find_result`."""
    names = list(dict.fromkeys(names))
    if name and name not in names:
        raise unknown(f"{what} in {place}", name, names)
    if not name and len(names) > 1:
        raise RequestError(
            f"{place} holds several {what}s: name one, as in {place}:{names[-1]} (known: {', '.join(names)})"
        )
    return name or names[0]
