"""Whether two single expressions have one value; None where nothing here tells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify.algebra.polynomial import atom, number
from slmr.verify.algebra.values import normal, same_sums, same_value, tree


@pytest.mark.parametrize(
    ("mine", "theirs", "same"),
    [
        ("0.5", "1/2", True),
        ("2x+x", "3x", True),
        ("x", "y", False),
        ("3", "4", False),
        (r"\sin x", r"\cos x", False),
        (r"\sin^2 x+\cos^2 x", "1", None),
        ("1+", "1", None),
        (r"\int_0^1 x dx", r"\frac{1}{2}", False),  # left standing, it is no final answer
    ],
)
def test_worked_out_by_hand(mine: str, theirs: str, same: bool | None) -> None:
    assert same_value(mine, theirs) is same


@given(st.integers(-50, 50), st.integers(-50, 50))
def test_whole_numbers_are_equal_where_they_are(a: int, b: int) -> None:
    assert same_value(f"x+{a}" if a >= 0 else f"x{a}", f"({b})+x") is (a == b)


def test_what_cannot_be_read_has_neither_tree_nor_form() -> None:
    assert tree("(1") is None and normal("(1") is None
    assert tree("1/0") is not None and normal("1/0") is None


def test_sums_that_might_be_two_forms_of_one_value_are_not_decided() -> None:
    assert same_sums(number(1), number(1)) is True
    assert same_sums(number(1), atom("x")) is False
    assert same_sums(number(1), atom("sin(x)")) is None


def test_sums_over_a_sequence_are_the_same_only_as_they_are_written() -> None:
    catalan = r"\sum_{k=0}^{n-1}F_kF_{n-k-1}"
    assert same_value(catalan, r"\sum_{k=0}^{n-1}F_{n-k-1}F_k") is True
    assert same_value(r"\sum_{k=0}^{n-2}F_kF_{n-k-2}", catalan) is False


@pytest.mark.parametrize("text", [r"\frac{0}{0}", r"\frac{5}{1-1}", "1e999", "0^{-1}"])
def test_what_has_no_value_is_no_number(text: str) -> None:
    assert same_value(text, "42") is False
