"""RFT's filter: which traces are the same reasoning path."""

from __future__ import annotations

from pathlib import Path

from slmr.config import Params
from slmr.curriculum.distinct import distinct_stage, reasoning_path
from slmr.io import read_rows
from tests.curriculum.common import context, folder


def test_a_path_is_its_equations_in_their_order() -> None:
    path = reasoning_path("Ann has 3 + 4 = 7 pens. Half of them is 7-1=6. #### 6")
    assert path == ("3+4=7", "7-1=6")
    assert reasoning_path("7 - 1 = 6. 3 + 4 = 7. #### 6") != path  # the paper keeps another order
    assert reasoning_path("So it is 3+4=7, then 7 - 1 = 6\n#### 6") == path
    assert reasoning_path("All mice play.\nSo none sleeps.\nAnswer: B") == ("Allmiceplay.", "Sononesleeps.")


def test_one_trace_a_problem_and_path_stays(tmp_path: Path) -> None:
    said = [
        ("p", "1 + 1 = 2. #### 2"),
        ("p", "Two: 1+1 = 2. #### 2"),
        ("p", "4 - 2 = 2. #### 2"),
        ("q", "1 + 1 = 2. #### 2"),
    ]
    rows = [
        {"problem_id": name, "prompt": "?", "prefix": "", "completion": text, "source": "own"} for name, text in said
    ]
    raw, own = folder(tmp_path / "a", traces=rows[:1]), folder(tmp_path / "b", traces=rows[1:])
    made = context(tmp_path / "out", traces=[raw, own])
    distinct_stage(made, Params())
    kept = read_rows(made.folder / "traces.parquet")
    assert [(row["problem_id"], row["completion"]) for row in kept] == [said[0], said[2], said[3]]
    assert made.stats == {"traces": 3, "repeats": 1}
