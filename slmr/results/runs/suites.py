"""Suites are named lists of tasks. A board shows one suite: its means and ranks are over these tasks.

Shipped are `lab` and `paper`. Others are a few lines of `suites.yaml` in the folder of the results, or in that above a
run, each `name: [task, task]`. A task that no suite lists is in the one that its `task.yaml` declares, else it is a
suite of itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import RootModel

from slmr.config import SUITES
from slmr.errors import RequestError
from slmr.io import read_settings
from slmr.parsing import parse
from slmr.results.runs.method_results import MethodResult
from slmr.results.runs.schema import SummaryRow, grouped

SUITES_FILE = "suites.yaml"
_EDITIONS = {
    "lab": "lab edition: procedural tasks, tiny students",
    "paper": "paper edition: public benchmarks, pretrained students",
}


@dataclass(frozen=True, slots=True)
class Suite:
    """The tasks that a board's means and ranks are over, in the order of its columns."""

    name: str
    tasks: tuple[str, ...]

    @property
    def label(self) -> str:
        """`lab edition`, or `suite NAME` if it is not shipped."""
        return f"{self.name} edition" if self.name in SUITES else f"suite {self.name}"

    @property
    def description(self) -> str:
        """The label with a description of the content."""
        return _EDITIONS.get(self.name) or f"suite {self.name}, own edition: {', '.join(self.tasks)}"

    def among(self, tasks: Collection[str]) -> list[str]:
        """The suite's tasks that are among `tasks`."""
        return [task for task in self.tasks if task in tasks]

    def results(self, results: Iterable[MethodResult]) -> list[MethodResult]:
        """The results with a task of the suite, reduced to its tasks and those that may be shown beside them.

        That is the tasks of the same edition, and users' own: lab and paper are never on one board.
        """
        relevant = [result for result in results if self.among(result.tasks)]
        rows = [row for result in relevant for row in result.rows()]
        editions = {row.edition for row in rows if row.task in self.tasks} | {"own"}
        beside = {row.task for row in rows if row.edition in editions}
        return [result.of_tasks([*self.tasks, *beside]) for result in relevant]


class _Listed(RootModel[dict[str, list[str]]]):
    """The content of `suites.yaml`."""


def listed_suites(folder: Path) -> dict[str, tuple[str, ...]]:
    """Name → tasks, from `suites.yaml` in a folder of results or, for a run, in the folder above.

    Raises:
        RequestError: it cannot be read, or what it lists is no suite.
    """
    folder = folder.resolve()
    file = next((f for f in (folder / SUITES_FILE, folder.parent / SUITES_FILE) if f.is_file()), None)
    if file is None:
        return {}
    suites = parse(_Listed, read_settings(file, "suites"), file, kind="suite").root
    for name, tasks in suites.items():
        if name in SUITES:
            raise RequestError(f"{file}: the suite {name} is shipped: give yours another name")
        if not tasks or len(set(tasks)) < len(tasks):
            raise RequestError(f"{file}: {name}: a suite lists at least one task, and each once")
        if all(set(tasks) & set(shipped) for shipped in SUITES.values()):
            raise RequestError(f"{file}: {name}: tasks of lab and of paper are never ranked together")
    return {name: tuple(tasks) for name, tasks in suites.items()}


def suites_of(rows: Sequence[SummaryRow], declared: Mapping[str, tuple[str, ...]]) -> list[Suite]:
    """The suites with a task among the rows: shipped ones, declared ones, and those that other rows declare."""
    suites = {**SUITES, **declared}
    members = {task for tasks in suites.values() for task in tasks}
    others = [row for row in rows if row.task not in members]
    for name, suite_rows in grouped(others, lambda row: row.suite if row.suite not in suites else row.task).items():
        suites[name] = tuple(dict.fromkeys(row.task for row in suite_rows))
    tasks_of_rows = {row.task for row in rows}
    return [Suite(name, tasks) for name, tasks in suites.items() if tasks_of_rows & set(tasks)]


def suite_of_mean(
    rows: Sequence[SummaryRow], declared: Mapping[str, tuple[str, ...]]
) -> tuple[Suite | None, list[str]]:
    """The suite for a mean over the rows' tasks; if there are several, None and their names.

    A task that is a suite of itself asks for no mean where there is another suite.
    """
    suites = suites_of(rows, declared)
    several = [suite for suite in suites if suite.tasks != (suite.name,)] or suites
    return (several[0], []) if len(several) == 1 else (None, [suite.name for suite in several])
