"""The one number that a text is, in any spelling."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify.numeric.number import contradicts_itself, is_bound, parse, with_plain_fractions
from slmr.verify.reading.quantity import MAX_DIGITS

F = Fraction


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", F(12)),
        ("-3.50", F(-7, 2)),
        ("1,234.5", F(2469, 2)),
        ("2,74", F(137, 50)),
        ("$ 3", F(3)),
        ("5 €", F(5)),
        ("50%", F(50)),
        ("1/2", F(1, 2)),
        ("1 1/2", F(3, 2)),
        ("-1 1/2", F(-3, 2)),
        ("½", F(1, 2)),
        ("2½", F(5, 2)),
        (r"\frac{3}{4}", F(3, 4)),
        (r"2\frac{1}{3}", F(7, 3)),
        ("1e3", F(1000)),
        ("2.5e-1", F(1, 4)),
        ("12 apples", F(12)),
        ("7km", F(7)),
        (r"12 \text{ cm}", F(12)),
        ("**8**", F(8)),
        ("三百零五", F(305)),
        ("二十一", F(21)),
        ("一万", F(10_000)),
        ("1,00,000", F(100_000)),
        ("25 (check: 12+13)", F(25)),
        ("C$13", F(13)),
        (".5", F(1, 2)),
        ("1{,}000", F(1000)),
    ],
)
def test_a_number_in_any_spelling(text: str, value: Fraction) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "x", "3 4", "1/0", r"\frac{1}{0}", "1e999", "12a", "1,23,45", "3 or 4", "9" * (MAX_DIGITS + 1)],
)
def test_what_is_no_one_number(text: str) -> None:
    assert parse(text) is None


@given(st.fractions(max_denominator=1000))
def test_a_fraction_is_read_back(value: Fraction) -> None:
    assert parse(str(value)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_a_decimal_is_read_back_with_and_without_separators(value) -> None:
    assert parse(f"{value:f}") == parse(f"{value:,f}") == F(value)


def test_bounds() -> None:
    assert is_bound("at most 5") and is_bound("x < 5") and not is_bound("5")


def test_sides_of_an_equation() -> None:
    assert contradicts_itself("41 = 42") and not contradicts_itself("40 + 2 = 42")
    assert parse("36 + 36 = 72") == 72 and parse("41 = 42") is None


def test_fractions_that_are_no_factor() -> None:
    assert with_plain_fractions(r"it takes \frac{3}{4}") == "it takes  3/4"
    assert with_plain_fractions(r"18 / \frac{1}{3}") == r"18 / \frac{1}{3}"
