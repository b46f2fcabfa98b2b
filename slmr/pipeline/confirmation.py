"""The check at the end of a bench or an evaluation: lm-eval grades the stored completions of all its methods.

`lm_eval.json` in the run's folder records what has been confirmed, so that it is not checked again: file of completions
→ task → their number, the version of lm-eval, and a digest of everything that the check depends on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from slmr.artifacts import installed_version
from slmr.errors import WorkError, visible
from slmr.evaluate import METRICS, SAMPLES
from slmr.evaluate.agreement import Agreement, Scored, agreements
from slmr.io import digest, disk_faults, read_json, sha256_of, write_json
from slmr.pipeline.plan import Plan
from slmr.results.runs.files import SUMMARY
from slmr.results.runs.schema import read_summary
from slmr.tasks.registry import load_task

CONFIRMED = "lm_eval.json"
_SHOWN = 20  # differences that are listed
_PROGRESS_S = 30.0  # between two lines of progress

Say = Callable[[str], None]
Confirmed = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class _Table:
    """Completions of a run that lm-eval grades, with the run's folder."""

    run: Path
    scored: Scored

    @property
    def file(self) -> str:
        return self.scored.files[0].relative_to(self.run).as_posix()

    @cached_property
    def confirmed(self) -> dict[str, Any]:
        """The record that is written once lm-eval agrees."""
        scored, version = self.scored, str(installed_version("lm_eval"))
        contents = [sha256_of(file) for file in scored.files]
        task = f"{scored.task.version}-{scored.task.digest}"
        key = digest([contents, scored.accuracy, task, version])
        return {"completions": scored.completions, "lm_eval": version, "digest": key}


def confirm(plan: Plan, say: Say) -> None:
    """Lets lm-eval grade the unconfirmed completions of a finished plan, and reports whether it agrees.

    Raises:
        WorkError: lm-eval failed, or has other prompts, verdicts or means, which the message lists. The results, which
            have been written already, are kept.
    """
    path = plan.folder / CONFIRMED
    confirmed = _read_confirmed(path, say)
    tables = [_Table(plan.folder, scored) for scored in _all_scored(plan)]
    pending = [t for t in tables if confirmed.get(t.file, {}).get(t.scored.task.name) != t.confirmed]
    before = sum(t.scored.completions for t in tables) - sum(t.scored.completions for t in pending)
    if not pending:
        say(f"lm-eval agrees on {before:,} of {before:,} completions, as it did before")
        return
    agreed, differing = 0, dict[int, list[str]]()
    for i, agreement in _agreements([table.scored for table in pending], plan.execution.jobs, say):
        table = pending[i]
        agreed += agreement.agreed
        if agreement.differences:
            differing[i] = [f"{table.file}: {line}" for line in agreement.differences]
        else:
            confirmed.setdefault(table.file, {})[table.scored.task.name] = table.confirmed
            with disk_faults(path):
                write_json(path, confirmed)
    total = sum(table.scored.completions for table in pending)
    line = f"lm-eval agrees on {agreed:,} of {total:,} completions"
    if differing:
        raise WorkError(_disagreement(line, [text for i in sorted(differing) for text in differing[i]]))
    say(f"{line}: prompt, verdict and mean" + (f"; on {before:,} others it did before" if before else ""))


def _read_confirmed(path: Path, say: Say) -> Confirmed:
    """The confirmed completions; empty if the file cannot be read, so that all are checked again."""
    if not path.is_file():
        return {}
    try:
        return TypeAdapter(Confirmed).validate_json(path.read_bytes())
    except (OSError, ValidationError):
        say(f"{path} is damaged: lm-eval checks all completions again")
        return {}


def _agreements(pending: Sequence[Scored], jobs: int | None, say: Say) -> Iterator[tuple[int, Agreement]]:
    """lm-eval's agreement with each table, by position, with progress lines; in as many processes as run stages."""
    total, done, reported_at = sum(scored.completions for scored in pending), 0, time.monotonic()
    processes = min(jobs or os.cpu_count() or 1, len({scored.task.name for scored in pending}))
    where = "a process" if processes == 1 else f"{processes} processes"
    say(f"lm-eval checks {total:,} completion{'' if total == 1 else 's'}, in {where} of its own")
    for i, agreement in agreements(pending, processes):
        yield i, agreement
        done += pending[i].completions
        if time.monotonic() - reported_at > _PROGRESS_S:
            reported_at = time.monotonic()
            say(f"lm-eval has checked {done:,} of {total:,} completions")


def _disagreement(line: str, differences: Sequence[str]) -> str:
    more = len(differences) - _SHOWN
    lines = [*map(visible, differences[:_SHOWN]), *([f"and {more:,} more"] if more > 0 else [])]
    head = f"{line}. All results are kept; do not trust them before you know why it differs here:"
    return "\n  ".join([head, *lines])


def _all_scored(plan: Plan) -> Iterator[Scored]:
    """The completions of every evaluation of the plan, with the means that its summary and artefacts report."""
    rows = {row.identity: row for row in read_summary(plan.folder / SUMMARY).rows}
    for method in plan.methods:
        identity = (method.recipe.name, method.student, method.seed)
        original = method.evaluation.output(plan.store) / SAMPLES
        for task in plan.tasks:
            row = rows[*identity, task.name]
            files = (row.samples_file(plan.folder), original)
            yield Scored(task, row.accuracy, files, row.n_items * row.k)
    for node in {m.capability.key: m.capability for m in plan.methods if m.capability}.values():
        folder = node.output(plan.store)
        for name, metrics in read_json(folder / METRICS).items():
            task = load_task(name, plan.execution.tasks_paths)
            yield Scored(task, metrics["accuracy"], (folder / SAMPLES,), metrics["n_items"] * metrics["k"])
