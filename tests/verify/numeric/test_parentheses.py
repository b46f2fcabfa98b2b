"""Brackets behind a number: what restates it, what explains it, and what gives another value."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify import verify
from slmr.verify.numeric.parentheses import blank_parentheses, equivalent_numbers

NUMBERS = st.integers(1, 500)


@given(NUMBERS, st.integers(0, 59))
def test_a_duration_in_two_units_is_one_measure(hours: int, minutes: int) -> None:
    total = 60 * hours + minutes
    assert equivalent_numbers(f"{hours} hours {minutes} minutes ({total} minutes)") == {Fraction(total)}
    assert equivalent_numbers(f"{total} min ({hours} h and {minutes} min)") == {Fraction(total)}
    assert equivalent_numbers(f"{hours} hours {minutes} minutes ({total + 1} minutes)") == set()


@given(NUMBERS)
def test_either_number_of_a_measure_is_the_answer_and_no_other(number: int) -> None:
    text = f"So the way is {number} km ({1000 * number:,} m)."
    assert all(verify(text, str(gold), "numeric").lenient for gold in (number, 1000 * number))
    assert not verify(text, str(number + 1), "numeric").lenient
    wrong = f"So the way is {number} km ({1000 * number + 1:,} m)."
    assert not verify(wrong, str(1000 * number + 1), "numeric").lenient


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("72 eggs (6 dozen)", False),
        ("624 pages in a year (52 × 12)", False),
        ("15 apples (or 12)", True),
        ("15 apples (actually 12 of them)", True),
        ("15 apples (in all)", True),
        ("f(3) (4)", True),
    ],
)
def test_an_explanation_is_blank_and_everything_keeps_its_place(text: str, kept: bool) -> None:
    plain = blank_parentheses(text)
    assert (plain == text) == kept and len(plain) == len(text) and plain.split("(")[0].strip() in text


def test_feet_and_metres_are_no_two_units_of_one_table() -> None:
    assert equivalent_numbers("3 feet (1 m)") == set() and equivalent_numbers("3 feet (36 inches)") == {3, 36}


@given(st.text("0123456789,./ (hmin)", max_size=120))
def test_no_text_is_an_error(text: str) -> None:
    assert verify(f"It takes {text} 3 hours (1/0 h).", "3", "numeric").status in (
        "correct",
        "wrong",
        "no_answer",
    )
    assert len(blank_parentheses(text)) == len(text) and len(equivalent_numbers(text)) <= 2
