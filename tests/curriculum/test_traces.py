"""The teacher's traces as a stage: what does not verify is left out."""

from __future__ import annotations

from pathlib import Path

from slmr.curriculum.traces import TeacherParams, teacher_stage
from slmr.io import read_rows
from tests.curriculum.common import context, folder

# Made for this test, marked as GSM8K marks its own.
SOLUTION = (
    "Ann has 3+4=<<3+4=7>>7 pens.\nTwice that is <<7*2=14>>14 pens.\nSo 14-1=<<14-1=13>>13 are left.\n#### 13"
)


MARKED = {
    "id": "g/train/0",
    "task": "g",
    "problem": "Pens?",
    "gold": "13",
    "kind": "numeric",
    "solution": SOLUTION,
}


def test_the_stage_leaves_out_what_does_not_verify(tmp_path: Path) -> None:
    pool = [
        MARKED | {"prompt": "?", "difficulty": None},
        MARKED | {"id": "g/1", "gold": "99", "prompt": "?", "difficulty": None},
    ]
    made = context(tmp_path / "out", problems=folder(tmp_path / "pool", problems=pool), partition=[])
    teacher_stage(made, TeacherParams(teacher="dataset"))
    (kept,) = read_rows(made.folder / "traces.parquet")  # the other solution closes with 13, not with 99
    assert kept["problem_id"] == "g/train/0" and made.stats["left_out"] == 1
    assert made.cost.teacher_tokens > 0 and "teacher_asked" not in made.stats
