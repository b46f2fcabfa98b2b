"""Measures what each of the paper's claims adds: main effects and interactions of the factorial's eight recipes.

A main effect is what a factor adds, the mean over the four pairs of recipes that differ in it alone. An interaction of
two is by how much the one's effect is larger where the other is there, of three likewise by how much an interaction of
two is. All are differences paired by seed and item, with the intervals of every other difference here; students that
ran the eight on the same items are pooled, each weighing the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations

import numpy as np

from slmr.curriculum.factors import FACTORIAL, FACTORS
from slmr.lab.skills import EXPOSURES
from slmr.results.analysis.ranking import Ranking
from slmr.results.runs.method_results import MethodResult
from slmr.results.runs.paired_scores import aligned, aligned_marks
from slmr.stats import (
    Difference,
    Effects,
    Parts,
    holm,
    paired_difference_over_tasks,
    seeds_and_items_differences,
)

# Which factors an effect is of: each alone, each two, all three.
ORDERS = tuple(chain.from_iterable(combinations(range(len(FACTORS)), n) for n in range(1, len(FACTORS) + 1)))


@dataclass(frozen=True, slots=True)
class Effect:
    """A main effect or an interaction, as a fraction; `p` is Holm's, over the effects on one outcome."""

    factors: tuple[str, ...]
    difference: Difference
    p: float

    @property
    def name(self) -> str:
        """`bridge`, `bridge × selection`."""
        return " × ".join(self.factors)


@dataclass(frozen=True, slots=True)
class OutcomeEffects:
    """All effects on one outcome, or on the items of one group."""

    outcome: str
    items: int
    effects: list[Effect]

    @property
    def mains(self) -> list[Effect]:
        """The main effects: those of a single factor."""
        return [effect for effect in self.effects if len(effect.factors) == 1]


@dataclass(frozen=True, slots=True)
class Factorial:
    """The effects in one run.

    Attributes:
        students: whose recipes they are of.
        seeds: of each.
        outcomes: the primary one first: strict accuracy in the domain, that of the training pool.
        groups: that outcome by the level or the exposure of the item.
        notes: what makes the recipes unequal, a line each.
    """

    students: list[str]
    seeds: int
    outcomes: list[OutcomeEffects]
    groups: list[OutcomeEffects]
    notes: list[str]


Scores = np.ndarray  # [recipes, seeds, items]


def factorials(rankings: Sequence[Ranking]) -> list[Factorial]:
    """The effects of all students together, and of each alone if there are several; raises as `factorial`."""
    pooled = factorial(rankings)
    if pooled is None:
        return []
    by_student = [factorial([ranking]) for ranking in rankings if len(pooled.students) > 1]
    return [pooled, *filter(None, by_student)]


def factorial(rankings: Sequence[Ranking]) -> Factorial | None:
    """The effects over the students that have all eight recipes, equally many seeds and the same items; else None.

    Of students that do not fit each other those are taken that fit the first.

    Raises:
        RequestError: completions cannot be read.
    """
    candidates = [(cells, ranking.tasks) for ranking in rankings if (cells := _cells(ranking))]
    if not candidates:
        return None
    (reference, *_), tasks = candidates[0]
    students = [cells for cells, their_tasks in candidates if _fit(cells[0], reference, their_tasks)]
    domain = _domain(reference, tasks)
    items = reference.scores[domain].items
    strict = _task_scores(students, domain)
    soundness = [aligned_marks([cell.scores[domain] for cell in cells], "sound", items) for cells in students]
    outcomes = [_outcome(f"{domain}, strict accuracy", [strict])]
    marks = [scores for scores in soundness if scores is not None]
    if len(marks) == len(students):
        outcomes.append(_outcome(f"{domain}, sound", [marks]))
    if len(tasks) > 1:
        scores = [_task_scores(students, task) for task in tasks]
        outcomes.append(_outcome(f"mean of {len(tasks)} tasks, strict accuracy", scores))
    groups = _groups(strict, reference.scores[domain].places)
    names = [cells[0].student for cells in students]
    notes = [note for cells in students for note in _cut_short(cells)]
    return Factorial(names, len(reference.seeds), outcomes, groups, notes)


def _cells(ranking: Ranking) -> list[MethodResult]:
    """The results of the eight recipes in their order; empty if one is missing or cannot be compared item by item."""
    results = {m.name: m.result for m in ranking.complete if m.name in ranking.differences}
    cells = [results[name] for name in FACTORIAL if name in results]
    return cells if len(cells) == len(FACTORIAL) else []


def _fit(a: MethodResult, b: MethodResult, tasks: Sequence[str]) -> bool:
    """Whether two students have equally many seeds, and the same items and versions."""
    return len(a.seeds) == len(b.seeds) and all(
        task in b.scores
        and a.scores[task].item_set == b.scores[task].item_set
        and a.scores[task].versions == b.scores[task].versions
        for task in tasks
    )


def _domain(cell: MethodResult, tasks: Sequence[str]) -> str:
    """The task whose train split is the pool, according to the run's stages; else the first task."""
    for row in cell.table("stages", cell.seeds[0]):
        if row["stage"] == "pool" and (task := json.loads(row["parameters"]).get("task")) in tasks:
            return str(task)
    return tasks[0]


def _task_scores(students: Sequence[Sequence[MethodResult]], task: str) -> list[Scores]:
    items = students[0][0].scores[task].items
    return [aligned([cell.scores[task] for cell in cells], items) for cells in students]


def _outcome(name: str, tasks: Sequence[Sequence[Scores]]) -> OutcomeEffects:
    """The effects on the mean over tasks; `tasks` has the scores of each student per task."""
    differences = [_difference(tasks, factors) for factors in ORDERS]
    adjusted = holm([d.p for d in differences])
    effects = [
        Effect(tuple(FACTORS[i].name for i in factors), difference, p)
        for factors, difference, p in zip(ORDERS, differences, adjusted, strict=True)
    ]
    return OutcomeEffects(name, sum(students[0].shape[2] for students in tasks), effects)


def _groups(strict: Sequence[Scores], places: Mapping[str, list[int]]) -> list[OutcomeEffects]:
    """The effects by item label, from the nearest to the farthest; labels with a single item are left out."""
    return [
        _outcome(label, [[scores[:, :, places[label]] for scores in strict]])
        for label in sorted(places, key=_distance)
        if len(places[label]) > 1
    ]


def _distance(label: str) -> tuple[int, str]:
    return (EXPOSURES.index(label) if label in EXPOSURES else len(EXPOSURES)), label


def _difference(tasks: Sequence[Sequence[Scores]], factors: Sequence[int]) -> Difference:
    """Recipes that lack an even number of these factors minus those that lack an odd number."""
    signs = np.array(
        [
            np.prod([1 if level == FACTORS[i].with_ else -1 for i, level in enumerate(name.split("_")) if i in factors])
            for name in FACTORIAL
        ]
    )
    scale = 2 ** (len(factors) - 1)
    sides = [[(s[signs > 0].mean(axis=0), s[signs < 0].mean(axis=0)) for s in students] for students in tasks]
    if tasks[0][0].shape[1] > 1:
        parts = [Parts.pooled([Effects.of(a) - Effects.of(b) for a, b in students]) for students in sides]
        d = seeds_and_items_differences([parts])[0]
    else:  # over items alone
        pairs = [tuple(np.mean(side, axis=0).T for side in zip(*students, strict=True)) for students in sides]
        d = paired_difference_over_tasks([(a, b) for a, b in pairs])
    return replace(d, mean=scale * d.mean, stderr=scale * d.stderr, low=scale * d.low, high=scale * d.high)


def _cut_short(cells: Sequence[MethodResult]) -> list[str]:
    """A line for each training that the budget ended early, because then the recipes did not spend the same."""
    return [
        f"{cell.student}, {cell.method}, seed {seed}: the budget ended {row['label']} after {step} steps, so the eight"
        " recipes did not train equally; raise the profile's `budget`"
        for cell in cells
        for seed in cell.seeds
        for row in cell.table("stages", seed)
        if (step := json.loads(row["stats"]).get("stopped_by_budget"))
    ]
