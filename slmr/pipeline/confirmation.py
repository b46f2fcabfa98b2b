"""The check at the end of a bench or an evaluation: lm-eval grades the stored completions of all its methods.

`lm_eval.json` in the run's folder says what it has confirmed, so that it is not asked again: file of completions → task
→ how many, by which version of lm-eval, and a digest of all that the check depends on.
"""

from __future__ import annotations

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
from slmr.results.schema import read_summary
from slmr.tasks.registry import load_task

CONFIRMED = "lm_eval.json"
_SHOWN = 20  # differences
_SAID_S = 30.0  # between two lines of progress

Say = Callable[[str], None]
Confirmed = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class _Table:
    """Completions of a run that lm-eval grades, and where they are in its folder."""

    run: Path
    scored: Scored

    @property
    def place(self) -> str:
        return self.scored.files[0].relative_to(self.run).as_posix()

    @cached_property
    def confirmed(self) -> dict[str, Any]:
        """What is written of it once lm-eval agrees."""
        scored, version = self.scored, str(installed_version("lm_eval"))
        contents = [sha256_of(file) for file in scored.files]
        task = f"{scored.task.version}-{scored.task.digest}"
        depends = digest([contents, scored.accuracy, task, version])
        return {"completions": scored.completions, "lm_eval": version, "digest": depends}


def confirm(plan: Plan, say: Say) -> None:
    """Has lm-eval grade what it has not confirmed yet of a finished plan, and says how far it agrees.

    Raises:
        WorkError: it comes to other prompts, verdicts or means, which the message names, or it failed. The results are
            written before, and stay.
    """
    path = plan.folder / CONFIRMED
    confirmed = _confirmed(path, say)
    tables = [_Table(plan.folder, scored) for scored in _all_scored(plan)]
    pending = [t for t in tables if confirmed.get(t.place, {}).get(t.scored.task.name) != t.confirmed]
    before = sum(t.scored.completions for t in tables) - sum(t.scored.completions for t in pending)
    if not pending:
        say(f"lm-eval agrees on {before:,} of {before:,} completions, as it did before")
        return
    agreed, differences = 0, list[str]()
    for table, agreement in zip(pending, _told([table.scored for table in pending], say), strict=True):
        agreed += agreement.agreed
        differences += [f"{table.place}: {line}" for line in agreement.differences]
        if not agreement.differences:
            confirmed.setdefault(table.place, {})[table.scored.task.name] = table.confirmed
            with disk_faults(path):
                write_json(path, confirmed)
    total = sum(table.scored.completions for table in pending)
    line = f"lm-eval agrees on {agreed:,} of {total:,} completions"
    if differences:
        raise WorkError(_disagreement(line, differences))
    say(f"{line}: prompt, verdict and mean" + (f"; on {before:,} others it did before" if before else ""))


def _confirmed(path: Path, say: Say) -> Confirmed:
    """What was confirmed before; nothing where the file cannot be read: then all of it is asked again."""
    if not path.is_file():
        return {}
    try:
        return TypeAdapter(Confirmed).validate_json(path.read_bytes())
    except (OSError, ValidationError):
        say(f"{path} is damaged: lm-eval checks all completions again")
        return {}


def _told(pending: Sequence[Scored], say: Say) -> Iterator[Agreement]:
    """What lm-eval comes to, with a line of progress now and then."""
    total, done, said_at = sum(scored.completions for scored in pending), 0, time.monotonic()
    say(f"lm-eval checks {total:,} completions, in a process of its own")
    for scored, agreement in zip(pending, agreements(pending), strict=True):
        yield agreement
        done += scored.completions
        if time.monotonic() - said_at > _SAID_S:
            said_at = time.monotonic()
            say(f"lm-eval has checked {done:,} of {total:,} completions")


def _disagreement(line: str, differences: Sequence[str]) -> str:
    more = len(differences) - _SHOWN
    shown = [*map(visible, differences[:_SHOWN]), *([f"and {more:,} more"] if more > 0 else [])]
    head = f"{line}. All results are kept; do not trust them before you know why it differs here:"
    return "\n  ".join([head, *shown])


def _all_scored(plan: Plan) -> Iterator[Scored]:
    """The completions of every evaluation of the plan, with the means that its summary and artefacts report."""
    rows = {row.identity: row for row in read_summary(plan.folder / "summary.json").rows}
    for entry in plan.entries:
        who = (entry.recipe.name, entry.student, entry.seed)
        made = entry.evaluation.output(plan.store) / SAMPLES
        for task in plan.tasks:
            row = rows[*who, task.name]
            files = (row.samples_file(plan.folder), made)
            yield Scored(task, row.accuracy, files, row.n_items * row.k)
    for node in {e.capability.key: e.capability for e in plan.entries if e.capability}.values():
        folder = node.output(plan.store)
        for name, metrics in read_json(folder / METRICS).items():
            task = load_task(name, plan.request.tasks_paths)
            yield Scored(task, metrics["accuracy"], (folder / SAMPLES,), metrics["n_items"] * metrics["k"])
