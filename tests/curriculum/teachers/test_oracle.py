"""The lab's solver as the teacher."""

from __future__ import annotations

from slmr.curriculum.teachers.oracle import OracleTeacher
from slmr.verify import verify
from slmr.verify.trace_steps import split_steps
from tests.curriculum.common import problems


def test_the_oracle_goes_on_from_every_right_beginning() -> None:
    teacher = OracleTeacher(0.5, 0.5)
    for task in ("lab_gsm8k", "lab_mawps", "lab_svamp", "lab_math", "lab_logiqa"):
        pool = problems(20, task)
        for problem, steps in zip(pool, teacher.worked_steps(pool), strict=True):
            assert steps and teacher.first_wrong([problem], [" ".join(steps)]) == [len(steps)]
            for n in range(len(steps) + 1):
                start = "".join(step + " " for step in steps[:n])
                (rest,) = teacher.continuations([problem], [start])
                assert rest and verify(start + rest, problem["gold"], problem["kind"]).strict


def test_raw_traces_of_the_oracle_have_no_wrong_step() -> None:
    teacher = OracleTeacher(0.6, 0.0)
    pool = problems(60)
    raw = [text or "" for text in teacher.raw_traces(pool)]
    assert teacher.first_wrong(pool, raw) == [len(split_steps(text)) for text in raw]
