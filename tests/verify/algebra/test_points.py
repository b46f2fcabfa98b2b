"""Values at points show that two expressions differ, and never that they are equal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify.algebra.points import differ
from slmr.verify.algebra.reader import read


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("x+1", "x+2"),
        (r"\sin x", r"\cos x"),
        (r"\sqrt{2}", "1.414"),
        (r"\pi", r"\frac{22}{7}"),
        ("x^2", "x^3"),
        ("x", "y"),
        (r"\sum_{k=1}^{200} k", "20101"),
        (r"10^{500}", r"10^{501}"),
    ],
)
def test_what_differs_is_told_apart(left: str, right: str) -> None:
    assert differ(read(left), read(right)) and differ(read(right), read(left))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (r"\sin^2 x + \cos^2 x", "1"),
        (r"\sqrt{8}", r"2\sqrt{2}"),
        (r"\sum_{k=1}^{200} k", "20100"),
        ("(x+1)^2", "x^2+2x+1"),
        (r"e^{\ln 3}", "3"),
    ],
)
def test_what_is_equal_is_never_told_apart(left: str, right: str) -> None:
    assert not differ(read(left), read(right))


@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from([r"\sin", r"\ln", r"\sqrt", ""]))
def test_an_expression_does_not_differ_from_itself_rearranged(a: int, b: int, function: str) -> None:
    inner = rf"{function}{{({a}x+{b})}}" if function else f"({a}x+{b})"
    assert not differ(read(f"{inner}+y"), read(f"y+{inner}"))
