"""Two runs on the same items, paired: which is better, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from slmr.errors import RequestError, unknown
from slmr.results.entries import Entry, run_entries
from slmr.results.paired_scores import Pair, difference, paired
from slmr.results.schema import Z95
from slmr.stats import Difference, holm, minimum_detectable_difference

if TYPE_CHECKING:
    from rich.table import Table

ONE_SEED = "One training seed: intervals and p-values are over other items, not over another training run."


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
    """All tasks that both runs have, and their mean where there are several, of one edition.

    `seeds`: how many training seeds the interval is over; with one it knows nothing of another training run.
    `trained`: whether one of the two was trained, so that another seed would have given another one.
    """

    a: str
    b: str
    tasks: list[TaskComparison]
    mean: Difference | None
    notices: list[str]
    seeds: int = 1
    trained: bool = False

    @property
    def overall(self) -> Difference:
        """The mean over tasks, or that of the first task where there is none."""
        return self.mean or self.tasks[0].difference


def compare(name_a: str, name_b: str) -> Comparison:
    """Compares two runs, each named as `find_entry` says.

    Raises:
        RequestError: a run cannot be read, the two have no task in common, or they are of different
            items, task versions or checker versions.
    """
    return compare_entries(name_a, find_entry(name_a), name_b, find_entry(name_b))


def compare_entries(name_a: str, a: Entry, name_b: str, b: Entry) -> Comparison:
    """As `compare`, of what is found already."""
    a, b, notices = _same_seeds(name_a, a, name_b, b)
    shared = [task for task in a.tasks if task in b.tasks]
    if not shared:
        raise RequestError(
            f"no task in common: {name_a} has {', '.join(a.tasks)}; {name_b} has {', '.join(b.tasks)}"
        )
    notices += [f"only in {name}: {task}" for name, mine, other in ((name_a, a, b), (name_b, b, a))
                for task in mine.tasks if task not in other.tasks]  # fmt: skip
    pairs = {task: paired(task, a.sides[task], b.sides[task]) for task in shared}
    differences = {task: difference([pair]) for task, pair in pairs.items()}
    adjusted = holm([d.p for d in differences.values()])
    tasks = [_task(task, pairs[task], differences[task], p) for task, p in zip(shared, adjusted, strict=True)]
    editions = {row.edition for row in a.rows() if row.task in shared}
    if len(editions) > 1:
        notices.append(f"no mean: the tasks are of the {' and the '.join(sorted(editions))} edition")
    mean = difference(list(pairs.values())) if len(pairs) > 1 and len(editions) == 1 else None
    seeds = min(pair.seeds for pair in pairs.values())
    return Comparison(name_a, name_b, tasks, mean, notices, seeds, a.trained or b.trained)


def _same_seeds(name_a: str, a: Entry, name_b: str, b: Entry) -> tuple[Entry, Entry, list[str]]:
    """Both with the same seeds, so that they pair by seed as well as by item, and what was left out for it.

    Seeds change nothing in what is not trained: it pairs with each. Two methods without a seed in common pair in order,
    as one seed of a method has nothing to do with the same seed of another one where they share no stage.
    """
    if a.seeds == b.seeds:
        return a, b, []
    if not a.trained or not b.trained:
        seeds = a.seeds if a.trained else b.seeds if b.trained else [0]
        return (
            a if a.trained else a.as_seeds(a.seeds[:1] * len(seeds), seeds),
            b if b.trained else b.as_seeds(b.seeds[:1] * len(seeds), seeds),
            [],
        )
    said = f"{name_a} has seeds {numbers(a.seeds)}, {name_b} {numbers(b.seeds)}"
    if common := [seed for seed in a.seeds if seed in b.seeds]:
        return a.of_seeds(common), b.of_seeds(common), [f"compared with those seeds that both have: {said}"]
    n = min(len(a.seeds), len(b.seeds))
    found = a.of_seeds(a.seeds[:n]), b.as_seeds(b.seeds[:n], a.seeds[:n])
    return *found, [f"no seed in common, so they are paired in order: {said}"]


def numbers(seeds: Sequence[int]) -> str:
    """`0, 1, 2`."""
    return ", ".join(map(str, seeds))


@dataclass(frozen=True, slots=True)
class Against:
    """A method minus the reference, mean over tasks, paired by seed and item; `p` is Holm's, over the methods."""

    method: str
    seeds: int
    difference: Difference
    p: float


def compare_all(found: Sequence[Entry], reference: str) -> list[Against]:
    """Every other entry of a student against the reference, the best first.

    One that has fewer seeds is compared with the reference's same seeds; one with a seed that the reference lacks is
    left out, as its scores would not pair.

    Raises:
        RequestError: as `compare`, or there is no such method.
    """
    other = next((entry for entry in found if entry.method == reference), None)
    if other is None:
        raise unknown("method", reference, [entry.method for entry in found])
    pairs = [
        compare_entries(entry.method, entry, reference, other.of_seeds(entry.seeds))
        for entry in found
        if entry is not other and set(entry.seeds) <= set(other.seeds)
    ]
    differences = [pair.overall for pair in pairs]
    adjusted = holm([difference.p for difference in differences])
    against = [Against(c.a, c.seeds, d, p) for c, d, p in zip(pairs, differences, adjusted, strict=True)]
    return sorted(against, key=lambda one: -one.difference.mean)


def differences_table(found: Sequence[Against], reference: str, student: str) -> Table:
    """One line a method: how far it is from the reference, and whether that is more than chance."""
    from rich.table import Table

    title = f"Difference to {reference} ({student}), mean over tasks in points, paired by item"
    table = Table(title=title, title_justify="left")
    for name in ("method", "seeds", f"minus {reference}", "95 % interval", "p (Holm)", "detectable"):
        table.add_column(name, justify="left" if name == "method" else "right", no_wrap=True)
    for one in found:
        d = one.difference
        table.add_row(
            one.method, str(one.seeds), *shown_difference(d), p_value(one.p), f"{100 * detectable(d):.1f}"
        )
    return table


def find_entry(name: str) -> Entry:
    """The entry that `FOLDER`, `FOLDER:METHOD` or `FOLDER:METHOD:STUDENT` names, where it holds several.

    Raises:
        RequestError: there is no such folder, method or student, or the name fits several.
    """
    folder, method, student, *_ = [*([name] if Path(name).is_dir() else name.split(":", 2)), "", ""]
    found = run_entries(Path(folder))
    methods = list(dict.fromkeys(entry.method for entry in found))
    if not method and len(methods) > 1:
        raise RequestError(f"{folder} holds several methods: name one, as in {folder}:{methods[-1]}")
    if method and method not in methods:
        raise unknown(f"method in {folder}", method, methods)
    method = method or methods[0]
    of_method = [entry for entry in found if entry.method == method]
    students = [entry.student for entry in of_method]
    if student and student not in students:
        raise unknown(f"student of {method} in {folder}", student, students)
    if not student and len(students) > 1:
        raise RequestError(
            f"{name} holds several students: name one, as in {folder}:{method}:{students[-1]} (known: "
            f"{', '.join(students)})"
        )
    return next(entry for entry in of_method if student in ("", entry.student))


def _task(task: str, pair: Pair, found: Difference, p: float) -> TaskComparison:
    a, b = pair.a.mean(axis=(0, 2)), pair.b.mean(axis=(0, 2))
    return TaskComparison(
        task, len(pair.ids), float(a.mean()), float(b.mean()), found, p, detectable(found),
        [i for i, x, y in zip(pair.ids, a, b, strict=True) if x > y],
        [i for i, x, y in zip(pair.ids, a, b, strict=True) if x < y],
    )  # fmt: skip


def p_value(p: float) -> str:
    """`0.031`, `<0.001`."""
    return "<0.001" if p < 0.0005 else f"{p:.3f}"


def _equals(p: float) -> str:
    return p_value(p).replace("<", "< ") if p < 0.0005 else f"= {p:.3f}"


def detectable(found: Difference) -> float:
    """The minimum detectable difference, from the interval: where no item differs, the standard error is 0."""
    return minimum_detectable_difference(found.half / Z95)


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
            t.task, str(t.items), f"{100 * t.a:.1f}", f"{100 * t.b:.1f}", *shown_difference(t.difference), p_value(t.p),
            str(len(t.only_a)), str(len(t.only_b)), f"{100 * t.detectable:.1f}",
        )  # fmt: skip
    if found.mean:
        table.add_row("mean", "", "", "", *shown_difference(found.mean), p_value(found.mean.p), "", "",
                      f"{100 * detectable(found.mean):.1f}")  # fmt: skip
    return table


def shown_difference(d: Difference) -> tuple[str, str]:
    """In points: the difference, and its interval."""
    return f"{100 * d.mean:+.1f}", f"{100 * d.low:+.1f} to {100 * d.high:+.1f}"


def verdict(found: Comparison, level: float = 0.05, a: str = "A", b: str = "B") -> str:
    """In words: what can be said of A against B, by these names, and of what it holds."""
    if found.mean is None and len(found.tasks) > 1:
        return f"Of {a} against {b} there is something to be said task by task alone."
    overall = found.overall
    p = found.mean.p if found.mean else found.tasks[0].p
    reach = f" Over {found.seeds} seeds." if found.seeds > 1 else f" {ONE_SEED}" if found.trained else ""
    if p < level:
        better, by = a if overall.mean > 0 else b, 100 * abs(overall.mean)
        return f"{better} is better by {by:.1f} points (p {_equals(p)}).{reach}"
    return (
        f"{a} and {b} cannot be told apart (difference {100 * overall.mean:+.1f}, p = {p:.2f}); a difference of"
        f" {100 * detectable(overall):.1f} points would have been found four times in five.{reach}"
    )
