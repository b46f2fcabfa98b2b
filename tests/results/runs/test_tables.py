"""Tables of a run that somebody else wrote: what is used of them is checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slmr.errors import RequestError
from slmr.io import write_rows
from slmr.results.runs.tables import read_run_table

CAPABILITY = {"task": "t", "item_id": "i", "difficulty": 1, "k": 8, "correct": 3, "correct_first": 2}
COURSE = {"stage": "sft", "step": 1, "tokens": 5, "loss": 0.5, "reward": None}
MOVE = {"round": 1, "to": "primed", "before": "hard", "after": "mixed", "n": 3}
STAGE = {
    "label": "s",
    "stage": "sft",
    "key": "k",
    "inputs": ["a"],
    "parameters": "{}",
    "stats": "{}",
    "seed": 0,
    "train_tokens": 1,
    "rollout_tokens": 0,
    "teacher_tokens": 0,
    "flops": 1.0,
    "wall_s": 1.0,
}


@pytest.mark.parametrize(
    "what, row", [("capability", CAPABILITY), ("course", COURSE), ("moves", MOVE), ("stages", STAGE)]
)
def test_a_sound_table_is_read_as_it_is(tmp_path: Path, what: str, row: dict[str, Any]) -> None:
    write_rows(tmp_path / "t.parquet", [row, row])
    assert read_run_table(tmp_path / "t.parquet", what) == [row, row]


@pytest.mark.parametrize(
    "what, row",
    [
        ("capability", {**CAPABILITY, "k": 1}),
        ("capability", {**CAPABILITY, "correct": 9}),
        ("capability", {**CAPABILITY, "correct_first": 5, "correct": 6}),
        ("capability", {**CAPABILITY, "correct": "many"}),
        ("course", {**COURSE, "loss": "low"}),
        ("course", {"stage": "sft"}),
        ("moves", {**MOVE, "after": "lost"}),
        ("moves", {**MOVE, "round": 0}),
        ("stages", {**STAGE, "stats": "{"}),
        ("stages", {**STAGE, "wall_s": float("nan")}),
        ("bridged", {"label": "b"}),
        ("critiques", {"label": "c"}),
    ],
)
def test_what_is_no_such_table_is_said_in_a_line(tmp_path: Path, what: str, row: dict[str, Any]) -> None:
    write_rows(tmp_path / "t.parquet", [row])
    with pytest.raises(RequestError, match=f"t.parquet is not a table of {what}: row 0") as caught:
        read_run_table(tmp_path / "t.parquet", what)
    assert "\n" not in str(caught.value)
