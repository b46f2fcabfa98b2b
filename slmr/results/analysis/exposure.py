"""Strict and sound accuracy by exposure: how far an item is from what the students have seen before their training.

It is over the items of all tasks of a ranking that have one, and tells a method that teaches a new skill from one that
consolidates a half-known one, which a mean does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slmr.lab.skills import EXPOSURES
from slmr.results.analysis.ranking import Ranking
from slmr.results.runs.method_results import MethodResult
from slmr.stats import Estimate, bounded_mean


@dataclass(frozen=True, slots=True)
class ExposureAccuracy:
    """A method's strict accuracy and sound share (None if unknown) on the items of one exposure."""

    exposure: str
    items: int
    strict: Estimate
    sound: float | None


def by_exposure(ranking: Ranking) -> dict[str, list[ExposureAccuracy]]:
    """Method → its accuracies from the nearest to the farthest exposure; empty if no item has one.

    An item counts once, with the mean of its completions over all seeds; the intervals are over items. Methods whose
    completions are missing or damaged, which the ranking names, are left out.
    """
    methods = [method for method in ranking.methods if method.result.fault is None]
    accuracies = {method.name: _accuracies(method.result, ranking.tasks) for method in methods}
    return {name: row for name, row in accuracies.items() if row}


def _accuracies(result: MethodResult, tasks: Sequence[str]) -> list[ExposureAccuracy]:
    all_scores = [result.scores[task] for task in tasks if task in result.scores]
    labels = [scores.labels.get(item) for scores in all_scores for item in scores.items]
    strict = np.concatenate([scores.values.mean(axis=(0, 2)) for scores in all_scores] or [np.empty(0)])
    marks = [scores.marks("sound") for scores in all_scores]
    means = [m.mean(axis=(0, 2)) for m in marks if m is not None]
    sound = np.concatenate(means) if means and len(means) == len(marks) else None
    groups = {exposure: [i for i, label in enumerate(labels) if label == exposure] for exposure in EXPOSURES}
    return [
        ExposureAccuracy(
            exposure,
            len(places),
            bounded_mean(list(strict[places])),
            None if sound is None else float(sound[places].mean()),
        )
        for exposure, places in groups.items()
        if places
    ]
