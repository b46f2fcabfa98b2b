"""Examples of what Bridge made, read from its artefact."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slmr.curriculum.bridge import SCORES
from slmr.curriculum.schema import TRACES
from slmr.io import read_rows

Row = dict[str, Any]


def spread(rows: Sequence[Row], n: int) -> list[Row]:
    """`n` of the rows, evenly over all of them; fewer where there are fewer."""
    count = min(n, len(rows))
    return [rows[i * len(rows) // count] for i in range(count)]


def bridged(folder: Path) -> list[Row]:
    """Of each problem that Bridge worked on: prompt, how many candidates are sound, the raw and the kept one."""
    prompts = {row["problem_id"]: row["prompt"] for row in read_rows(folder / TRACES)}
    found: dict[str, Row] = {}
    for row in read_rows(folder / SCORES):
        problem = found.setdefault(
            row["problem_id"], {"prompt": prompts.get(row["problem_id"], ""), "tried": 0}
        )
        problem["tried"] += row["verified"] and not row.get("fault")  # an artefact of old has no such column
        if row["source"] == "raw":
            problem["raw"] = row
        if row["kept"]:
            problem["kept"] = row
    return list(found.values())
