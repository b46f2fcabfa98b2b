"""Two runs on the same items, paired: which is better, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slmr.errors import RequestError, unknown
from slmr.results import Z95, SummaryRow, read_summary
from slmr.stats import (
    Difference,
    holm,
    minimum_detectable_difference,
    paired_difference,
    paired_difference_over_tasks,
)
from slmr.store import read_rows

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True)
class TaskComparison:
    """A minus B on one task, paired by item; `p` is Holm's, over the tasks compared."""

    task: str
    items: int
    a: float
    b: float
    difference: Difference
    p: float
    detectable: float
    only_a: list[str] = field(default_factory=list)
    only_b: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All tasks that both runs have, and their mean where there are several."""

    a: str
    b: str
    tasks: list[TaskComparison]
    mean: Difference | None
    notices: list[str]


def compare(name_a: str, name_b: str, student: str | None = None) -> Comparison:
    """Compares two runs, each named `FOLDER`, or `FOLDER:METHOD` where it holds several methods.

    `student` is needed where a run holds several.

    Raises:
        RequestError: a run cannot be read, the two have no task in common, or they are of different
            items, task versions or checker versions.
    """
    a, b = _load(name_a, student), _load(name_b, student)
    shared = [task for task in a if task in b]
    if not shared:
        raise RequestError(f"no task in common: {name_a} has {', '.join(a)}; {name_b} has {', '.join(b)}")
    notices = [f"only in {name}: {task}" for name, mine, other in ((name_a, a, b), (name_b, b, a))
               for task in mine if task not in other]  # fmt: skip
    scores = {task: _paired(task, a[task], b[task]) for task in shared}
    differences = {task: paired_difference(x, y) for task, (_, x, y) in scores.items()}
    adjusted = holm([d.p for d in differences.values()])
    tasks = [
        _task(task, scores[task], differences[task], p) for task, p in zip(shared, adjusted, strict=True)
    ]
    pairs = [(x, y) for _, x, y in scores.values()]
    mean = paired_difference_over_tasks(pairs) if len(pairs) > 1 else None
    return Comparison(name_a, name_b, tasks, mean, notices)


def compare_all(run: Path, reference: str, student: str) -> list[tuple[str, Difference, float]]:
    """Every other method of a run minus the reference, the mean over tasks, paired by item over all seeds.

    Each with its p-value after Holm's correction over the methods; the best first. Methods that were run on
    other seeds than the reference are left out: their scores would not pair.

    Raises:
        RequestError: as `compare`.
    """
    seeds: dict[str, set[int]] = {}
    for row in read_summary(run / "summary.json").rows:
        if row.student == student:
            seeds.setdefault(row.method, set()).add(row.seed)
    if reference not in seeds:
        raise unknown(f"method of {student} in {run}", reference, seeds)
    names = [name for name in seeds if name != reference and seeds[name] == seeds[reference]]
    found = []
    for name in names:
        both = compare(f"{run}:{name}", f"{run}:{reference}", student)
        found.append(both.mean or both.tasks[0].difference)
    adjusted = holm([difference.p for difference in found])
    return sorted(zip(names, found, adjusted, strict=True), key=lambda row: -row[1].mean)


def differences_table(found: Sequence[tuple[str, Difference, float]], reference: str, student: str) -> Table:
    """One line a method: how far it is from the reference, and whether that is more than chance."""
    from rich.table import Table

    title = f"Difference to {reference} ({student}), mean over tasks in points, paired by item"
    table = Table(title=title, title_justify="left")
    for name in ("method", f"minus {reference}", "95 % interval", "p (Holm)", "detectable"):
        table.add_column(name, justify="left" if name == "method" else "right", no_wrap=True)
    for name, difference, p in found:
        table.add_row(name, *_shown(difference), f"{p:.3f}", f"{100 * detectable(difference):.1f}")
    return table


@dataclass(frozen=True, slots=True)
class _Side:
    """One run's summary rows of a task (one a seed) and their completions."""

    rows: list[SummaryRow]
    samples: list[list[dict[str, Any]]]


def _load(name: str, student: str | None) -> dict[str, _Side]:
    folder, _, method = name.partition(":") if not Path(name).is_dir() else (name, "", "")
    rows = read_summary(Path(folder) / "summary.json").rows
    methods = list(dict.fromkeys(row.method for row in rows))
    if not method and len(methods) > 1:
        raise RequestError(f"{folder} holds several methods: name one, as in {folder}:{methods[-1]}")
    if method and method not in methods:
        raise unknown(f"method in {folder}", method, methods)
    chosen = [row for row in rows if row.method == (method or methods[0])]
    chosen = [row for row in chosen if student in (None, row.student)]
    students = list(dict.fromkeys(row.student for row in chosen))
    if len(students) > 1:
        raise RequestError(f"{name} holds several students ({', '.join(students)}): compare one at a time")
    sides: dict[str, _Side] = {}
    for row in chosen:
        file = row.samples_file(Path(folder))
        if not file.is_file():
            raise RequestError(f"{file} is missing: a paired comparison needs the completions")
        side = sides.setdefault(row.task, _Side([], []))
        side.rows.append(row)
        side.samples.append(read_rows(file))
    return sides


def _paired(task: str, a: _Side, b: _Side) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Item ids and both scores [items, completions over all seeds], in the order of A's items."""
    for what in ("task_version", "checker_version"):
        versions = [{getattr(row, what) for row in side.rows} for side in (a, b)]
        if versions[0] != versions[1]:
            hint = (
                "`slmr rescore` renews the verdicts"
                if what == "checker_version"
                else "evaluate one of them again"
            )
            raise RequestError(f"{task}: {what} differs ({versions[0]} and {versions[1]}); {hint}")
    left, right = _scores(a), _scores(b)
    if left.keys() != right.keys():
        raise RequestError(
            f"{task}: not the same items: {len(left)} and {len(right)}, {len(left.keys() & right.keys())} of them"
            " in both; evaluate both with the same --limit"
        )
    ids = list(left)
    return ids, np.array([left[i] for i in ids]), np.array([right[i] for i in ids])


def _scores(side: _Side) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for samples in side.samples:
        for row in samples:
            found.setdefault(row["item_id"], []).append(float(row["strict"]))
    return found


def _task(
    task: str, scores: tuple[list[str], np.ndarray, np.ndarray], difference: Difference, p: float
) -> TaskComparison:
    ids, a, b = scores
    change = a.mean(axis=1) - b.mean(axis=1)
    return TaskComparison(
        task, len(ids), float(a.mean()), float(b.mean()), difference, p,
        detectable(difference),
        [i for i, c in zip(ids, change, strict=True) if c > 0],
        [i for i, c in zip(ids, change, strict=True) if c < 0],
    )  # fmt: skip


def detectable(found: Difference) -> float:
    """The minimum detectable difference, from the interval: where no item differs, the standard error is 0."""
    return minimum_detectable_difference((found.high - found.low) / (2 * Z95))


def comparison_table(found: Comparison) -> Table:
    """One line a task, and the mean."""
    from rich.table import Table

    table = Table(title="A - B, accuracy in percent, paired by item", title_justify="left",
                  caption=f"A  {found.a}\nB  {found.b}", caption_justify="left")  # fmt: skip
    for name in (
        "task",
        "items",
        "A",
        "B",
        "A - B",
        "95 % interval",
        "p (Holm)",
        "better in A",
        "in B",
        "detectable",
    ):
        table.add_column(name, justify="left" if name == "task" else "right", no_wrap=True)
    for t in found.tasks:
        table.add_row(
            t.task, str(t.items), f"{100 * t.a:.1f}", f"{100 * t.b:.1f}", *_shown(t.difference), f"{t.p:.3f}",
            str(len(t.only_a)), str(len(t.only_b)), f"{100 * t.detectable:.1f}",
        )  # fmt: skip
    if found.mean:
        table.add_row("mean", "", "", "", *_shown(found.mean), f"{found.mean.p:.3f}", "", "",
                      f"{100 * detectable(found.mean):.1f}")  # fmt: skip
    return table


def _shown(d: Difference) -> tuple[str, str]:
    return f"{100 * d.mean:+.1f}", f"{100 * d.low:+.1f} to {100 * d.high:+.1f}"


def verdict(found: Comparison, level: float = 0.05) -> str:
    """In words: what can be said of A against B."""
    overall = found.mean or found.tasks[0].difference
    p = found.mean.p if found.mean else found.tasks[0].p
    if p < level:
        return f"{'A' if overall.mean > 0 else 'B'} is better by {100 * abs(overall.mean):.1f} points (p = {p:.3f})."
    return (
        f"A and B cannot be told apart (difference {100 * overall.mean:+.1f}, p = {p:.2f}); a difference of"
        f" {100 * detectable(overall):.1f} points would have been found four times in five."
    )
