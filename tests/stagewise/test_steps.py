"""Steps and equations of traces: against hand-made cases and Python's own arithmetic."""

from __future__ import annotations

import operator
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.stagewise.steps import common_prefix, evaluate_expression, false_equation, split_steps

_OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


def test_steps_end_before_the_closing_answer() -> None:
    assert split_steps("3 + 4 = 7. 7 * 2 = 14. #### 14") == ["3 + 4 = 7.", "7 * 2 = 14."]
    assert split_steps(r"x = 6 / 2 = 3. \boxed{3}") == ["x = 6 / 2 = 3."]
    assert split_steps("the order is A > B. Answer: C") == ["the order is A > B."]
    assert split_steps("It costs 3.5 in all.\nDone.") == ["It costs 3.5 in all.", "Done."]
    assert split_steps("") == []


@pytest.mark.parametrize(
    ("step", "stated", "value"),
    [
        ("12 + 5 = 18.", "12 + 5 = 18", 17),
        ("After buying we get (2 + 3) * 4 = 21.", "(2 + 3) * 4 = 21", 20),
        ("6x = 90 - 12 = 77.", "90 - 12 = 77", 78),
        (r"\frac{6}{4} = \frac{3}{4}.", "(6/4) = (3/4)", Fraction(3, 2)),
    ],
)
def test_a_false_equation_is_found_with_its_true_value(step: str, stated: str, value: Fraction) -> None:
    found = false_equation(step)
    assert found is not None
    assert found[1] == value
    assert stated.split("=")[0].strip() in found[0]


@pytest.mark.parametrize(
    "step", ["12 + 5 = 17.", "x = 3", "the order is A > B", "5 / 0 = 3", "2x = 10 - 4 = 6", ""]
)
def test_what_holds_or_is_no_arithmetic_is_not_false(step: str) -> None:
    assert false_equation(step) is None


@given(st.integers(0, 999), st.sampled_from("+-*/"), st.integers(1, 999), st.integers(-3, 3))
def test_an_equation_is_false_exactly_if_python_says_so(left: int, sign: str, right: int, error: int) -> None:
    value = _OPERATORS[sign](Fraction(left), Fraction(right))
    stated = value + error
    if stated.denominator != 1:
        return
    found = false_equation(f"{left} {sign} {right} = {stated}.")
    assert (found is not None) == (error != 0)
    if found:
        assert found[1] == value


@pytest.mark.parametrize(
    "text", ["__import__('os')", "9**9**9", "1e9", "(" * 90 + "1" + ")" * 90, "1 +", "a + 1", "1" * 500]
)
def test_only_short_arithmetic_is_evaluated(text: str) -> None:
    assert evaluate_expression(text) is None or text.startswith("(")


def test_common_prefix_ignores_blanks_and_stops() -> None:
    assert common_prefix(["3+4 = 7.", "7 * 2 = 14"], ["3 + 4 = 7", "7 * 2 = 14.", "14 - 1 = 13."]) == 2
    assert common_prefix(["1 + 1 = 3"], ["1 + 1 = 2"]) == 0
