"""The tokens of an expression, the value of a decimal, and the place in the tokens."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify.algebra.tokens import MAX_DIGITS, Cursor, decimal, tokens
from slmr.verify.algebra.tree import Unreadable


def test_kinds_and_spellings() -> None:
    assert tokens(r"2\frac{a}{b}") == [
        ("number", "2"),
        ("command", r"\frac"),
        ("sign", "{"),
        ("letter", "a"),
        ("sign", "}"),
        ("sign", "{"),
        ("letter", "b"),
        ("sign", "}"),
    ]
    assert tokens("x**2") == [("letter", "x"), ("sign", "^"), ("number", "2")]
    assert tokens("sin x")[0] == ("name", "sin")


def test_what_belongs_to_no_expression_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="cannot read"):
        tokens("2 § 3")


@given(st.decimals(0, 10**6, allow_nan=False, places=4))
def test_a_decimal_is_exact(number: Decimal) -> None:
    assert decimal(f"{number:f}") == Fraction(number)


def test_too_many_digits_are_unreadable() -> None:
    assert decimal("2.") == 2 and decimal("1e3") == 1000
    for text in ("9" * (MAX_DIGITS + 1), "1e999"):
        with pytest.raises(Unreadable):
            decimal(text)


def test_a_cursor_looks_ahead_steps_over_and_ends() -> None:
    cursor = Cursor(tokens("x + 1"))
    assert cursor._is_variable(0) and cursor._peek(1) == ("sign", "+")
    assert cursor._next() == ("letter", "x") and not cursor._take("-") and cursor._take("+")
    with pytest.raises(Unreadable, match="is missing"):
        cursor._expect(")")
    assert not cursor.done and cursor._next() == ("number", "1") and cursor.done
    assert cursor._peek() == ("end", "")
