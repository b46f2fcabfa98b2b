"""Sound answers: right for the right reason."""

from __future__ import annotations

import pytest

from slmr import lab
from slmr.lab.sound import sound


def item(task: str = "lab_gsm8k", level: int = 5) -> lab.LabItem:
    return next(i for i in lab.stream(lab.generator(task), "train") if i.difficulty == level)


@pytest.mark.parametrize("task", lab.GENERATORS)
def test_every_trace_of_the_teacher_is_sound(task: str) -> None:
    for problem in lab.take(lab.generator(task), "train", 150):
        for share in (0.0, 0.6, 1.0):
            assert sound(problem, problem.raw(share), True), problem.raw(share)


@pytest.mark.parametrize("task", lab.GENERATORS)
def test_what_is_wrong_or_shows_nothing_is_not(task: str) -> None:
    problem = item(task)
    assert not sound(problem, problem.worked(), False)
    assert not sound(problem, problem.solution.closing, True)


def test_a_false_equation_before_a_right_answer_is_not() -> None:
    problem = item()
    first = problem.solution.plain_steps()[0]
    false = first.replace(first.split(" = ")[1], "7.")
    assert not sound(problem, problem.worked().replace(first, false), True)


def test_a_step_that_leaves_the_solution_is_not() -> None:
    problem = item()
    assert not sound(problem, "1 + 1 = 2. " + problem.worked(), True)


def test_a_statement_that_does_not_follow_is_not() -> None:
    problem = next(i for i in lab.stream(lab.generator("lab_logiqa"), "train") if i.gold == "B")
    assert not sound(problem, "wet so foggy. Answer: B", True)
