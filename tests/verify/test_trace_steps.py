"""Steps and equations of traces: against hand-made cases and Python's own arithmetic."""

from __future__ import annotations

import operator
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify.trace_steps import (
    beginning,
    conclusions,
    departure,
    evaluate_expression,
    false_equation,
    split_steps,
)

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
        ("He pays 12 x $1,100 = $13,000 in all", "12*1100 = 13000", 13200),
        ("3 + 4 = 8 * 2 = 16", "3 + 4 = 8 * 2", 7),
        ("10 / 3 = 3.4", "10 / 3 = 3.4", Fraction(10, 3)),
        ("Since it holds 2 (two) + 1: 7 / 2 = 3", "7 / 2 = 3", Fraction(7, 2)),
        (r"We get \(3 \cdot 4 = 13\)", "3 * 4 = 13", 12),
        ("he spends 5 workdays × 20 miles/day = 110 miles/week biking", "5 * 20 = 110", 100),
        ("60 megabytes / 5 megabytes per second = 10 seconds", "60 / 5 = 10", 12),
    ],
)
def test_a_false_equation_is_found_with_its_true_value(step: str, stated: str, value: Fraction) -> None:
    found = false_equation(step)
    assert found is not None
    assert found[1] == value
    assert stated.split("=")[0].strip() in found[0]


HOLDS = r"""
12 + 5 = 17.
x = 3
the order is A > B
5 / 0 = 3
2x = 10 - 4 = 6
6x - 3 = 9
2^3 = 8
f(1) + f(2) = 993
3 + 4 = 7x
She gives 10 + 5 = 15/person and/or 20
8 cups per day * 7 days/week = 56 cups per week
12 * 3/sqrt(9) = 12
6 * 2 = 12/h
90=30+M.
She earns 12 x $112 = $1,344 a year
200,000+20,000= 220,000 dollars
45 x (1/3) = 15
60 minutes x 5/6 = 50 minutes
he has 20 red - 5 = 15 yellow
50 * 10% = 5
3 + 4 = 7 * 2 = 14
20 / 4 = 10 / 2
10 / 3 = 3.33
(so 3 + 4 = 7)
Since $10 = 2\cdot 5$ and $196=2^2\cdot7^2$
$x^2 - 4 = 12$
\frac{65}{117} \times 18 = \frac{5}{9} \times 18 = 10
17\cdot 44 = 5 \pmod{83}
"""


@pytest.mark.parametrize("step", HOLDS.splitlines())
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


def test_beginnings_are_the_texts_own() -> None:
    text = " 3+4 = 7.\nSo  7 * 2 = 14. #### 14"
    whole = " 3+4 = 7.\nSo  7 * 2 = 14. "
    assert [beginning(text, n) for n in range(4)] == ["", " 3+4 = 7.\n", whole, whole]


pieces = st.lists(
    st.sampled_from(["3 + 4 = 7.", "Then so!", "x", "7", "x = 7.5.", "#### 7", " ", "\n", "\n\n", "  "]),
    max_size=9,
)


@given(pieces, st.integers(0, 9))
def test_a_beginning_and_the_rest_are_the_text_and_hold_their_steps(parts: list[str], n: int) -> None:
    text = " ".join(parts)
    start, steps = beginning(text, n), split_steps(text)
    assert text.startswith(start)
    assert split_steps(start) == steps[:n]
    if 0 < n < len(steps):
        assert split_steps(text[len(start) :]) == steps[n:]


@pytest.mark.parametrize(
    ("attempt", "found"),
    [
        (["3 + 4 = 7.", "7 * 2 = 14."], (2, 2)),
        (["(3 + 4) * 2 = 14."], (1, 2)),  # merged
        (["4 + 3 = 7.", "2 * 7 = 14"], (2, 2)),  # another wording
        (["3 + 4 = 7.", "Then I double it.", "7 * 2 = 14."], (3, 2)),  # prose
        (["3 + 4 = 7.", "So x = 7.", "7 * 2 = 14."], (3, 2)),  # said again
        (["3 + 4 = 7.", "14 / 2 = 7.", "7 * 2 = 14."], (1, 1)),  # computed again
        (["3 + 4 = 7.", "So x = 9."], (1, 1)),
        (["3 + 4 = 7.", "7 + 2 = 9."], (1, 1)),
        (["3 + 4 = 8.", "8 * 2 = 16."], (0, 0)),
        (["7 * 2 = 14.", "3 + 4 = 7."], (1, 2)),  # not in order
        ([], (0, 0)),
    ],
)
def test_an_attempt_leaves_a_solution_by_its_values(attempt: list[str], found: tuple[int, int]) -> None:
    assert departure(attempt, ["3 + 4 = 7.", "7 * 2 = 14."]) == found


def test_statements_are_compared_as_they_stand() -> None:
    assert departure(["A > B", "B > C."], ["A > B.", "B > C.", "A > C."]) == (2, 2)
    assert departure(["A > B", "C > B."], ["A > B.", "B > C."]) == (1, 1)


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=6), st.data())
def test_a_solution_never_leaves_itself_and_a_changed_value_is_where_it_does(
    sums: list[tuple[int, int]], data: st.DataObject
) -> None:
    steps = [f"{a} + {b} = {a + b}." for a, b in sums]
    assert departure(steps, steps) == (len(steps), len(steps))
    at = data.draw(st.integers(0, len(steps) - 1))
    a, b = sums[at]
    changed = [*steps[:at], f"{a} + {b} = {a + b + 1000}.", *steps[at + 1 :]]
    assert departure(changed, steps) == (at, at)


def test_what_steps_conclude() -> None:
    assert conclusions("6x = 90 - 12 = 78.") == [78, 78]
    assert conclusions("In May: $1,200 / 2 = $600, so x = 5.") == [600, 5]
    assert conclusions("the order is A > B") == []
    assert conclusions("200 miles × 25 mph = 400 miles/week of biking.") == [400]
