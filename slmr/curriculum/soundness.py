"""Checks traces for faults beyond a wrong answer. Every SFT target is checked here first. Ours.

A right answer does not make a trace worth learning: many of the student's right completions contain equations such as
"12 / 4 = 7", and the student's likelihood, by which Bridge ranks, favours them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from slmr.curriculum.schema import Problem, verifies
from slmr.curriculum.teachers import Teacher
from slmr.verify.trace_steps import departure, false_equation, split_steps

Fault = Literal["wrong answer", "no step", "false equation", "departure"]
Steps = Sequence[str] | None  # of a problem's only solution; None if other solutions may be right, too


def fault_of(text: str, problem: Problem, known: Steps = None) -> Fault | None:
    """The first fault of a whole trace; None if it is sound.

    `false equation`: a step states one that does not hold. If the solution's steps are `known`, also `departure`: a
    step is none of them (they may be merged), and `no step`: the trace is a bare answer.
    """
    return fault_of_steps(text, known) if verifies(text, problem) else "wrong answer"


def fault_of_steps(text: str, known: Steps = None) -> Fault | None:
    """As `fault_of`, for a trace whose answer has already been verified."""
    steps = split_steps(text)
    if any(false_equation(step) for step in steps):
        return "false equation"
    if known:
        if not steps:
            return "no step"
        if departure(steps, known)[0] < len(steps):
            return "departure"
    return None


def known_steps(teacher: Teacher, problems: Sequence[Problem]) -> list[Steps]:
    """The steps of each problem's solution if it is the only one, so that any other step is wrong; else None."""
    return list(teacher.worked_steps(problems)) if teacher.exact else [None] * len(problems)


def refusals(faults: Iterable[str | None]) -> dict[str, int]:
    """The number of traces with each fault, for a stage's statistics."""
    counts = Counter(faults)
    return {fault: counts[fault] for fault in get_args(Fault)}
