"""Reading expressions: LaTeX and plain text into trees."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify.algebra.normalform import normal_form
from slmr.verify.algebra.polynomial import canonical, rational
from slmr.verify.algebra.reader import read
from slmr.verify.algebra.tree import Node, Unreadable, number, symbol


def test_a_tree_says_what_the_text_says() -> None:
    assert read("2") == number(2)
    assert read("x") == symbol("x")
    assert read("0.25") == number(Fraction(1, 4))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1+2*3", 7),
        ("(1+2)*3", 9),
        ("2^3", 8),
        ("2^{-1}", Fraction(1, 2)),
        ("-2^2", -4),
        ("7/2", Fraction(7, 2)),
        (r"\frac{3}{4}", Fraction(3, 4)),
        (r"\frac34", Fraction(3, 4)),
        (r"2\frac{1}{2}", Fraction(5, 2)),
        (r"\sqrt{16}", 4),
        (r"\sqrt[3]{27}", 3),
        ("5!", 120),
        (r"\binom{5}{2}", 10),
        ("|-3|", 3),
        (r"\log_{2} 8", 3),
        (r"\lfloor 2.7 \rfloor", 2),
        (r"\sum_{k=1}^{4} k", 10),
        (r"\prod_{k=1}^{4} k", 24),
        ("2(3+4)", 14),
        ("1.5e1", 15),
    ],
)
def test_the_value_of_what_is_read(text: str, value: int | Fraction | None) -> None:
    assert rational(normal_form(read(text))) == value


@pytest.mark.parametrize(("one", "other"), [("2x", "x*2"), (r"\frac{x}{y}", "x/y"), ("xy", "y*x"), ("x x", "x^2")])
def test_products_may_be_written_without_a_sign(one: str, other: str) -> None:
    assert canonical(normal_form(read(one))) == canonical(normal_form(read(other)))


@pytest.mark.parametrize("text", ["", "1+", "(1", "1)", "*", r"\frac{1}", "x^", r"\begin{cases}", "[" * 200])
def test_what_is_no_expression_cannot_be_read(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text)


@given(
    st.integers(-99, 99),
    st.sampled_from("+-*"),
    st.integers(0, 99),
    st.sampled_from("+-*"),
    st.integers(0, 99),
)
def test_arithmetic_is_read_as_python_reads_it(a: int, first: str, b: int, second: str, c: int) -> None:
    text = f"{a}{first}{b}{second}{c}"
    assert rational(normal_form(read(text))) == eval(text)


def test_a_bound_variable_has_no_name_of_its_own() -> None:
    assert read(r"\sum_{k=1}^{n} k") == read(r"\sum_{i=1}^{n} i")
    assert isinstance(read(r"\int_0^1 x dx"), Node)
