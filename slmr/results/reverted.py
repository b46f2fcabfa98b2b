"""Training stages that were undone: `keep: best` may keep the weights from before the first step."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from slmr.results.entries import MethodResult


def reverted_notes(results: Sequence[MethodResult]) -> list[str]:
    """A line for each stage of a method that changed nothing, and in how many of its seeds.

    Raises:
        RequestError: a table is damaged.
    """
    return [
        f"{result.name}: {stage} changed nothing in {count} of {len(result.seeds)} seeds: its best validation was that"
        " before the first step, and those weights were kept"
        for result in results
        for stage, count in _reverted(result).items()
    ]


def _reverted(result: MethodResult) -> Counter[str]:
    """The label of each reverted stage, and in how many seeds it was."""
    validations = (
        (row["label"], json.loads(row["stats"]).get("validation"))
        for seed in result.seeds
        for row in result.table("stages", seed)
    )
    # Of a pool it is the number of problems held out.
    return Counter(label for label, v in validations if isinstance(v, dict) and v.get("kept_step") == 0)
