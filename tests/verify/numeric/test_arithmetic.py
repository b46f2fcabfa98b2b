"""Arithmetic that is written out, and brackets that show how a number comes about."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify.numeric.arithmetic import evaluate_arithmetic, without_derivation


@given(st.integers(2, 999), st.integers(2, 999))
def test_brackets_that_come_to_the_number_are_dropped(a: int, b: int) -> None:
    for working in (
        f"{a} * {b}",
        f"that is, {a} × {b}",
        f"{a} bags of {b} apples each",
        f"the product of {a} and {b}",
    ):
        assert without_derivation(f" apples ({working})", Fraction(a * b)) == " apples"
        assert without_derivation(f" apples ({working})", Fraction(a * b + a + b)) != " apples"


@pytest.mark.parametrize(
    "rest", [" (or 6 and 7)", " (not 6 times 7)", " (6 if 7 come)", " (7)", " (1 hour)", " apples"]
)
def test_other_brackets_stay(rest: str) -> None:
    assert without_derivation(rest, Fraction(42)) == rest


def test_arithmetic() -> None:
    assert evaluate_arithmetic("6 × 7") == 42 and evaluate_arithmetic("$1,000 + 1") == 1001
    assert evaluate_arithmetic("x + 1") is None and evaluate_arithmetic("7") is None
