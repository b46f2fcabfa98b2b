"""Finds training stages that did little: undone by `keep: best`, without a changed weight, or with few steps."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from slmr.results.runs.method_results import MethodResult

FEW_STEPS = 5  # fewer say nothing of a method
_UNDONE = "changed nothing in {seeds}: the best validation was before the first step, and those weights were kept"
_UNCHANGED = "changed no weight in {seeds}: its data gave no gradient"
_SHORT = "made fewer than {few} steps in {seeds}: too few to judge the method; use more problems"


def reverted_notes(results: Sequence[MethodResult]) -> list[str]:
    """A line for each stage that changed nothing or hardly trained, with the number of such seeds.

    Raises:
        RequestError: a table is damaged.
    """
    return [
        f"{result.name}: {label} {fault.format(few=FEW_STEPS, seeds=f'{count} of {len(result.seeds)} seeds')}"
        for result in results
        for (label, fault), count in Counter(_faults(result)).items()
    ]


def _faults(result: MethodResult) -> Iterator[tuple[str, str]]:
    """The label of each such stage and its fault, once per seed."""
    for seed in result.seeds:
        for row in result.table("stages", seed):
            if fault := _fault(json.loads(row["stats"])):
                yield row["label"], fault


def _fault(stats: dict[str, Any]) -> str | None:
    validation = stats.get("validation")
    if isinstance(validation, dict) and validation.get("kept_step") == 0:  # of a pool it is a number of problems
        return _UNDONE
    if stats.get("unchanged"):
        return _UNCHANGED
    return _SHORT if stats.get("unchanged") is not None and stats.get("steps", FEW_STEPS) < FEW_STEPS else None
