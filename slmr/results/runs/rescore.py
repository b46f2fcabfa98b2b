"""Checks a run's completions again with the installed checkers; nothing is generated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slmr.errors import RequestError
from slmr.evaluate.metrics import VERDICT_FIELDS, judged, task_metrics
from slmr.io import locked, read_rows, write_rows
from slmr.results.runs.exported import mark_again
from slmr.results.runs.files import SUMMARY
from slmr.results.runs.schema import SummaryRow, read_results, read_summary, write_summary
from slmr.stats.formats import percent
from slmr.tasks.registry import load_task


@dataclass(frozen=True, slots=True)
class Change:
    """The change of a summary row: its accuracy before and after, and the samples whose verdict differs."""

    method: str
    student: str
    seed: int
    task: str
    before: float
    after: float
    checker_before: str
    checker_after: str
    differing: list[dict[str, Any]]

    def line(self) -> str:
        """The change in one line."""
        head = f"{self.method} on {self.task} (seed {self.seed}): {len(self.differing)} verdicts differ"
        moved = f", accuracy {percent(self.before)} -> {percent(self.after)}"
        renewed = f", checker {self.checker_before} -> {self.checker_after}"
        return head + (moved if self.differing else "") + (renewed if self.checker_before != self.checker_after else "")


def rescore(run: Path, tasks_paths: Sequence[Path] = ()) -> list[Change]:
    """Checks a run's samples again, and writes them and the summary, each file atomically.

    Raises:
        RequestError: the folder is no run, samples or texts are missing, or a task is not known: name its folder.
    """
    read_results(run / SUMMARY)  # no lock is put into a folder that is no run
    with locked(run):
        summary = read_summary(run / SUMMARY)
        rescored = [_rescored(row, run, tasks_paths) for row in summary.rows]
        rows = [row for row, _ in rescored]
        for files in dict.fromkeys(row.files(run) for row in rows):
            mark_again(files)
        write_summary(run / SUMMARY, rows, summary.contamination)
    return [change for _, change in rescored]


def _rescored(row: SummaryRow, run: Path, tasks_paths: Sequence[Path]) -> tuple[SummaryRow, Change]:
    file = row.samples_file(run)
    if not file.is_file():
        raise RequestError(f"{file} is missing: a row without its completions cannot be verified again")
    task, samples = load_task(row.task, tasks_paths), row.samples(run)
    if any(sample.get("completion") is None or sample.get("gold") is None for sample in samples):
        raise RequestError(f"{file} was published without some of its texts: rescore the run itself and publish again")
    new_samples = judged(samples, {task.name: task})
    # The completions were made for the task as it was: only what the checker decides is renewed. The task's version
    # holds the checker's, too: it is renewed where nothing else has changed, or boards would see two tasks.
    old_values = {"data", "edition", "suite", "licence", "redistribute"}
    if not task.is_same_but_for_checker(row.task_version):
        old_values.add("task_version")
    metrics = task_metrics(new_samples, task).summary_fields()
    values = {name: value for name, value in metrics.items() if name not in old_values}
    after = SummaryRow.model_validate(row.model_dump() | values)
    stored = read_rows(file)
    columns = {name for sample in stored for name in sample} | set(VERDICT_FIELDS)
    rows = [{k: v for k, v in new.items() if k in columns} for new in new_samples]
    if rows != stored:  # a published file is packed more tightly than write_rows would
        write_rows(file, rows)
    differing = [
        new
        for old, new in zip(samples, new_samples, strict=True)
        if any(old.get(name) != new[name] for name in ("status", "strict", "lenient"))
    ]
    return after, Change(
        row.method,
        row.student,
        row.seed,
        row.task,
        row.accuracy,
        after.accuracy,
        row.checker_version,
        after.checker_version,
        differing,
    )
