"""Normal forms: what can be computed exactly is, the rest stays as it is."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify.algebra.normalform import normal_form
from slmr.verify.algebra.polynomial import canonical, rational
from slmr.verify.algebra.reader import read
from slmr.verify.algebra.tree import Unreadable


def value(text: str) -> Fraction | None:
    return rational(normal_form(read(text)))


@given(st.integers(0, 30), st.integers(0, 30))
def test_whole_number_functions_are_pythons(a: int, b: int) -> None:
    assert value(f"{a}!") == math.factorial(a)
    if b <= a:
        assert value(rf"\binom{{{a}}}{{{b}}}") == math.comb(a, b)
    assert value(rf"\gcd({a},{b})") == math.gcd(a, b)
    assert value(rf"\max({a},{b})") == max(a, b)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\lceil 2.1 \rceil", 3),
        (r"\lfloor -2.1 \rfloor", -3),
        ("|2-5|", 3),
        (r"\sqrt[3]{-8}", -2),
        (r"\log_3 \frac{1}{9}", -2),
        (r"\sum_{k=0}^{3} 2^k", 15),
        (r"\sum_{k=1}^{2} \frac{1}{k}", Fraction(3, 2)),
        (r"\log_3 10", None),
        ("x", None),
        (r"\sin x", None),
        (r"\sum_{k=1}^{n} k", None),
    ],
)
def test_values_worked_out_by_hand(text: str, expected: int | Fraction | None) -> None:
    assert value(text) == expected


@pytest.mark.parametrize("text", ["1/0", "1/(2-2)", "(-1)!", "2.5!", r"\binom{2}{3}"])
def test_what_has_no_value_cannot_be_held(text: str) -> None:
    with pytest.raises(Unreadable):
        normal_form(read(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [("(x+1)^2", "x^2+2x+1"), ("|2x|", "2|x|"), ("|x-y|", "|y-x|"), (r"\sqrt{8}", r"2\sqrt{2}")],
)
def test_two_forms_of_one_thing_are_one(one: str, other: str) -> None:
    assert canonical(normal_form(read(one))) == canonical(normal_form(read(other)))


def test_a_large_sum_is_not_taken_apart() -> None:
    assert value(r"\sum_{k=1}^{100} k") == 5050
    assert value(r"\sum_{k=1}^{101} k") is None
