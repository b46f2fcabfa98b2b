"""Smaller steps: the same values, one operation at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.curriculum.rewrites import smaller_steps
from slmr.verify.trace_steps import (
    conclusions,
    equations,
    evaluate_expression,
    false_equation,
    split_steps,
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("(12 + 5) * 3 = 51. #### 51", "12 + 5 = 17. 17 * 3 = 51. #### 51"),
        ("3 + 4 = 7. (7 * 2) + 1 = 15.", "3 + 4 = 7. 7 * 2 = 14. 14 + 1 = 15."),
        ("She has 2 * 3 + 4 = 10 apples", "She has 2 * 3 = 6. 6 + 4 = 10 apples"),
        ("x = (30 - 12) / 6 = 3.", "x = 30 - 12 = 18. 18 / 6 = 3."),
        ("12 + 5 = 17.", "12 + 5 = 17."),
        ("(1 + 2) * 3 = 10.", "(1 + 2) * 3 = 10."),  # it does not hold
        ("(1 / 3) * 6 = 2.", "(1 / 3) * 6 = 2."),  # a third is no short decimal
        ("x - 3 * 4 + 2 = -10.", "x - 3 * 4 + 2 = -10."),  # the 3 is subtracted, not negative
        ("-3 * 4 + 2 = -10.", "-3 * 4 = -12. -12 + 2 = -10."),
        ("6x = 90 - 12 = 78.", "6x = 90 - 12 = 78."),
        ("no numbers here", "no numbers here"),
    ],
)
def test_by_hand(before: str, after: str) -> None:
    assert smaller_steps(before) == after


numbers = st.integers(1, 60).map(str)
expressions = st.recursive(
    numbers,
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=5,
)


@given(expressions)
def test_every_equation_holds_has_one_operation_and_ends_in_the_same_value(expression: str) -> None:
    value = evaluate_expression(expression)
    if value is None or value < 0 or not expression.startswith("("):
        return
    text = smaller_steps(f"{expression[1:-1]} = {value}.")
    steps = split_steps(text)
    assert conclusions(steps[-1])[-1] == value
    assert not any(false_equation(step) for step in steps)
    if text != f"{expression[1:-1]} = {value}.":
        assert all(
            sum(sign in left for sign in ("+ ", "- ", "* ")) <= 1 for step in steps for left, _ in equations(step)
        )
        assert smaller_steps(text) == text
