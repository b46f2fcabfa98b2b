"""lab_math: what each level asks, and LaTeX of numbers."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.lab.algebra import draw_math, latex
from slmr.verify import verify
from tests.lab import reader


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"), (-3, "-3"), (Fraction(4, 2), "2"), (Fraction(2, 5), r"\frac{2}{5}"),
        (Fraction(-2, 5), r"-\frac{2}{5}"), (0, "0"),
    ],
)  # fmt: skip
def test_a_number_as_latex(value: Fraction | int, text: str) -> None:
    assert latex(value) == text


@given(st.fractions(max_denominator=99))
def test_latex_reads_back(value: Fraction) -> None:
    assert reader.evaluate(latex(value).replace("-\\frac", "0-\\frac")) == value
    assert verify(rf"\boxed{{{latex(value)}}}", latex(value), "math").strict


@pytest.mark.parametrize(
    ("level", "begins"), [(1, "Solve"), (2, "Solve"), (3, "Compute"), (4, "Compute"), (5, "Solve")]
)
def test_each_level_asks_its_own_kind(level: int, begins: str) -> None:
    for seed in range(50):
        draft = draw_math(Random(seed), level)
        assert draft.problem.startswith(begins) and draft.problem.endswith(".")
        assert draft.solution.closing == rf"\boxed{{{draft.gold}}}"
        assert reader.answer("lab_math", draft.problem) == reader.evaluate(draft.gold)


def test_sums_in_another_order_are_one_problem() -> None:
    keys = {draw_math(Random(seed), 4).key for seed in range(300)}
    halves = [key.removeprefix("sum of ").split(" and ") for key in keys]
    assert all(pair == sorted(pair) for pair in halves)
