"""Accuracy by reach, the distance of an item from what the students have met before their training.

Of the items of all tasks of a ranking that carry it, strict and sound. It tells a method that teaches a new skill from
one that makes what is half known sure, which a mean does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slmr.lab.skills import REACHES
from slmr.results.analysis.ranking import Ranking
from slmr.results.runs.method_results import MethodResult
from slmr.stats import Estimate, bounded_mean


@dataclass(frozen=True, slots=True)
class ReachAccuracy:
    """A method's strict accuracy and sound share (None if unknown) on the items of one reach."""

    reach: str
    items: int
    strict: Estimate
    sound: float | None


def by_reach(ranking: Ranking) -> dict[str, list[ReachAccuracy]]:
    """Method → its accuracies from the nearest to the farthest reach; empty if no item has a reach.

    An item counts once, with the mean of its completions over all seeds; the intervals are over items. Methods whose
    completions are missing or damaged, which the ranking names, are left out.
    """
    readable = [method for method in ranking.methods if method.result.fault is None]
    found = {method.name: _of(method.result, ranking.tasks) for method in readable}
    return {name: accuracies for name, accuracies in found.items() if accuracies}


def _of(result: MethodResult, tasks: Sequence[str]) -> list[ReachAccuracy]:
    scores = [result.scores[task] for task in tasks if task in result.scores]
    labels = [of_task.labels.get(item) for of_task in scores for item in of_task.items]
    strict = np.concatenate([of_task.values.mean(axis=(0, 2)) for of_task in scores] or [np.empty(0)])
    marks = [of_task.marks("sound") for of_task in scores]
    known = [m.mean(axis=(0, 2)) for m in marks if m is not None]
    sound = np.concatenate(known) if known and len(known) == len(marks) else None
    groups = {reach: [i for i, label in enumerate(labels) if label == reach] for reach in REACHES}
    return [
        ReachAccuracy(
            reach, len(places), bounded_mean(list(strict[places])),
            None if sound is None else float(sound[places].mean()),
        )
        for reach, places in groups.items()
        if places
    ]  # fmt: skip
