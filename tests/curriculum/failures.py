"""Failures whose first wrong step is known, because they were made."""

from __future__ import annotations

from typing import Any

from slmr.curriculum.teachers.oracle import OracleTeacher

TEACHER = OracleTeacher(0.0, 0.0)


def corrupted(problem: dict[str, Any], at: int, off: int = 1) -> str:
    """The worked solution with one wrong sum, and the steps after it as if it were right. The truth is `at`."""
    (steps,) = TEACHER.worked_steps([problem])
    assert steps
    said = steps[:at]
    left, _, right = steps[at].rstrip(".").rpartition("=")
    wrong = int(right) + off
    said.append(f"{left}= {wrong}.")
    for step in steps[at + 1 :]:
        body, _, value = step.rstrip(".").rpartition("=")
        said.append(f"{body}= {value.strip()}.".replace(f"{right.strip()} ", f"{wrong} ", 1))
    return " ".join([*said, "#### 999"])
