"""The teacher's traces as a stage: what does not verify is left out."""

from __future__ import annotations

from pathlib import Path

from slmr.curriculum.traces import TeacherParams, teacher_stage
from slmr.io import read_rows
from tests.curriculum.common import MARKED, context, folder


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
