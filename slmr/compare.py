"""Two runs on the same items, paired: which is better, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slmr.errors import RequestError, unknown
from slmr.results import Z95, SummaryRow, read_summary
from slmr.runstats import mcnemar, seeds_and_items_difference
from slmr.stats import Difference, holm, minimum_detectable_difference, paired_difference_over_tasks
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
    """All tasks that both runs have, and their mean where there are several.

    `seeds`: how many training seeds the interval is over; with one it knows nothing of another training run.
    """

    a: str
    b: str
    tasks: list[TaskComparison]
    mean: Difference | None
    notices: list[str]
    seeds: int = 1


def compare(name_a: str, name_b: str, student: str | None = None) -> Comparison:
    """Compares two runs, each named `FOLDER`, or `FOLDER:METHOD` where it holds several methods.

    `student` is needed where a run holds several.

    Raises:
        RequestError: a run cannot be read, the two have no task in common, or they are of different
            items, task versions or checker versions.
    """
    return _compared(name_a, load_sides(name_a, student), name_b, load_sides(name_b, student))


def _compared(name_a: str, a: dict[str, Side], name_b: str, b: dict[str, Side]) -> Comparison:
    shared = [task for task in a if task in b]
    if not shared:
        raise RequestError(f"no task in common: {name_a} has {', '.join(a)}; {name_b} has {', '.join(b)}")
    notices = [f"only in {name}: {task}" for name, mine, other in ((name_a, a, b), (name_b, b, a))
               for task in mine if task not in other]  # fmt: skip
    pairs = {task: paired(task, a[task], b[task]) for task in shared}
    differences = {task: difference([pair]) for task, pair in pairs.items()}
    adjusted = holm([d.p for d in differences.values()])
    tasks = [_task(task, pairs[task], differences[task], p) for task, p in zip(shared, adjusted, strict=True)]
    mean = difference(list(pairs.values())) if len(pairs) > 1 else None
    seeds = min(pair.seeds for pair in pairs.values())
    return Comparison(name_a, name_b, tasks, mean, notices, seeds)


def compare_all(run: Path, reference: str, student: str) -> list[tuple[str, Difference, float]]:
    """Every other method of a run minus the reference, the mean over tasks, paired by seed and item.

    Each with its p-value after Holm's correction over the methods; the best first. Methods that were run on
    other seeds than the reference are left out: their scores would not pair.

    Raises:
        RequestError: as `compare`.
    """
    seeds = seeds_of(run, student)
    if reference not in seeds:
        raise unknown(f"method of {student} in {run}", reference, seeds)
    names = [name for name in seeds if name != reference and seeds[name] == seeds[reference]]
    other = f"{run}:{reference}"
    sides = load_sides(other, student)
    found = []
    for name in names:
        own = f"{run}:{name}"
        both = _compared(own, load_sides(own, student), other, sides)
        found.append(both.mean or both.tasks[0].difference)
    adjusted = holm([difference.p for difference in found])
    return sorted(zip(names, found, adjusted, strict=True), key=lambda row: -row[1].mean)


def seeds_of(run: Path, student: str) -> dict[str, list[int]]:
    """Method → its seeds, in order of first appearance; raises as `read_summary` does."""
    seeds: dict[str, list[int]] = {}
    for row in read_summary(run / "summary.json").rows:
        if row.student == student and row.seed not in seeds.setdefault(row.method, []):
            seeds[row.method].append(row.seed)
    return {name: sorted(numbers) for name, numbers in seeds.items()}


def differences_table(found: Sequence[tuple[str, Difference, float]], reference: str, student: str) -> Table:
    """One line a method: how far it is from the reference, and whether that is more than chance."""
    from rich.table import Table

    title = f"Difference to {reference} ({student}), mean over tasks in points, paired by item"
    table = Table(title=title, title_justify="left")
    for name in ("method", f"minus {reference}", "95 % interval", "p (Holm)", "detectable"):
        table.add_column(name, justify="left" if name == "method" else "right", no_wrap=True)
    for name, difference, p in found:
        table.add_row(name, *shown_difference(difference), p_value(p), f"{100 * detectable(difference):.1f}")
    return table


@dataclass(frozen=True)
class Side:
    """One run's summary rows of a task, in the order of their seeds, and their completions."""

    rows: list[SummaryRow]
    samples: list[list[dict[str, Any]]]

    @cached_property
    def scores(self) -> dict[str, list[list[float]]]:
        """Item → per seed its completions, 1 for right and 0 for wrong; a side is compared many times."""
        found: dict[str, list[list[float]]] = {}
        for place, samples in enumerate(self.samples):
            for row in samples:
                by_seed = found.setdefault(row["item_id"], [[] for _ in self.samples])
                by_seed[place].append(float(row["strict"]))
        return found

    @cached_property
    def values(self) -> np.ndarray:
        """The scores in the items' own order: [seeds, items, completions]."""
        return np.array(list(self.scores.values())).transpose(1, 0, 2)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs on the same items of a task: item ids, and both scores [seeds, items, completions]."""

    ids: list[str]
    a: np.ndarray
    b: np.ndarray
    crossed: bool  # both have the same several seeds, so that they pair by seed, too

    @property
    def seeds(self) -> int:
        return len(self.a) if self.crossed else 1


def difference(pairs: Sequence[Pair]) -> Difference:
    """a - b, the mean over the tasks: for other seeds and items where there are several seeds, else for other items.

    Two single runs of one completion an item get McNemar's exact p-value.
    """
    if all(pair.crossed for pair in pairs):
        return seeds_and_items_difference([(pair.a.mean(axis=2), pair.b.mean(axis=2)) for pair in pairs])
    pooled = [(_pooled(pair.a), _pooled(pair.b)) for pair in pairs]
    found = paired_difference_over_tasks(pooled)
    if len(pooled) == 1 and pooled[0][0].shape[1] == pooled[0][1].shape[1] == 1:
        change = (pooled[0][0] - pooled[0][1])[:, 0]
        return replace(found, p=mcnemar(int((change > 0).sum()), int((change < 0).sum())))
    return found


def _pooled(scores: np.ndarray) -> np.ndarray:
    """[seeds, items, completions] to [items, all completions]."""
    return scores.transpose(1, 0, 2).reshape(scores.shape[1], -1)


def load_sides(name: str, student: str | None) -> dict[str, Side]:
    folder, _, method = name.partition(":") if not Path(name).is_dir() else (name, "", "")
    rows = read_summary(Path(folder) / "summary.json").rows
    methods = list(dict.fromkeys(row.method for row in rows))
    if not method and len(methods) > 1:
        raise RequestError(f"{folder} holds several methods: name one, as in {folder}:{methods[-1]}")
    if method and method not in methods:
        raise unknown(f"method in {folder}", method, methods)
    chosen = [row for row in rows if row.method == (method or methods[0])]
    chosen = sorted((row for row in chosen if student in (None, row.student)), key=lambda row: row.seed)
    students = list(dict.fromkeys(row.student for row in chosen))
    if len(students) > 1:
        raise RequestError(f"{name} holds several students ({', '.join(students)}): compare one at a time")
    sides: dict[str, Side] = {}
    for row in chosen:
        file = row.samples_file(Path(folder))
        if not file.is_file():
            raise RequestError(f"{file} is missing: a paired comparison needs the completions")
        side = sides.setdefault(row.task, Side([], []))
        side.rows.append(row)
        side.samples.append(read_rows(file, ["item_id", "strict"]))
    return sides


def paired(task: str, a: Side, b: Side) -> Pair:
    """Both scores in the order of A's items; refuses what does not pair."""
    for what in ("task_version", "checker_version"):
        versions = [{getattr(row, what) for row in side.rows} for side in (a, b)]
        if versions[0] != versions[1]:
            hint = (
                "`slmr rescore` renews the verdicts"
                if what == "checker_version"
                else "evaluate one of them again"
            )
            raise RequestError(f"{task}: {what} differs ({versions[0]} and {versions[1]}); {hint}")
    left, right = a.scores, b.scores
    if left.keys() != right.keys():
        raise RequestError(
            f"{task}: not the same items: {len(left)} and {len(right)}, {len(left.keys() & right.keys())} of them"
            " in both; evaluate both with the same --limit"
        )
    ids = list(left)
    seeds = [[row.seed for row in side.rows] for side in (a, b)]
    crossed = seeds[0] == seeds[1] and len(seeds[0]) > 1 and len(ids) > 1
    place = {item: i for i, item in enumerate(right)}
    return Pair(ids, a.values, b.values[:, [place[i] for i in ids]], crossed)


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


def verdict(found: Comparison, level: float = 0.05) -> str:
    """In words: what can be said of A against B, and of what it holds."""
    overall = found.mean or found.tasks[0].difference
    p = found.mean.p if found.mean else found.tasks[0].p
    reach = f" Over {found.seeds} seeds." if found.seeds > 1 else ""
    if p < level:
        better, by = "A" if overall.mean > 0 else "B", 100 * abs(overall.mean)
        return f"{better} is better by {by:.1f} points (p {_equals(p)}).{reach}"
    return (
        f"A and B cannot be told apart (difference {100 * overall.mean:+.1f}, p = {p:.2f}); a difference of"
        f" {100 * detectable(overall):.1f} points would have been found four times in five.{reach}"
    )
