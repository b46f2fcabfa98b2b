"""Equations and inequalities: sides, intervals, normal forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify import verify
from slmr.verify.math.relations import interval, is_about_more, relation, same_zero, value_of


@pytest.mark.parametrize(
    ("equation", "value"),
    [
        ("x = 2", "2"),
        ("5", "5"),
        ("f(x) = x+1", "x+1"),
        ("3 = 2+1", "2+1"),
        ("x+y = 2", "2"),
        ("2 = x", "2"),
        ("5 = 7", None),
        (r"x = \sqrt{2} \approx 1.41", r"\sqrt{2}"),
    ],
)
def test_the_value_that_an_equation_gives(equation: str, value: str | None) -> None:
    assert value_of(equation) == value


def test_a_curve_given_as_gold_is_its_own_value() -> None:
    assert value_of("x^2+y^2=25", is_gold=True) == "x^2+y^2=25" and value_of("x=25", is_gold=True) == "25"


@pytest.mark.parametrize(
    ("mine", "theirs", "same"),
    [
        ("x+y=1", "2x+2y=2", True),
        ("x+y=1", "1=x+y", True),
        ("x+y=1", "x+y=2", False),
        ("x=x", "y=y", True),
        ("x=x", "x=1", False),
        ("x=1=y", "x=1", None),
        ("x=(", "x=1", None),
    ],
)
def test_equations_up_to_a_factor(mine: str, theirs: str, same: bool | None) -> None:
    assert same_zero(mine, theirs) is same


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 < x <= 2", ("(]", ["1", "2"])),
        ("2 >= x > 1", ("(]", ["1", "2"])),
        ("x > 3", ("()", ["3", r"\infty"])),
        ("x <= 3", ("(]", [r"-\infty", "3"])),
        ("3 <= x", ("[)", ["3", r"\infty"])),
        ("[0, 1)", ("[)", ["0", "1"])),
        ("x != 3", None),
        ("x+1 > 3", None),
        ("1 < x > 2", None),
        ("5", None),
    ],
)
def test_the_interval_that_a_text_names(text: str, expected: tuple[str, list[str]] | None) -> None:
    assert interval(text) == expected


@given(st.integers(1, 9), st.integers(-9, 9), st.integers(1, 5))
def test_a_positive_factor_changes_no_inequality_and_turning_it_round_neither(a: int, b: int, k: int) -> None:
    plain = relation(f"{a}x+{b} < 0".replace("+-", "-"))
    assert plain is not None
    assert relation(f"{k * a}x+{k * b} < 0".replace("+-", "-")) == plain
    assert relation(f"0 > {a}x+{b}".replace("+-", "-")) == plain
    assert relation(f"{a}x+{b} <= 0".replace("+-", "-")) != plain


def test_what_is_no_inequality_is_none() -> None:
    assert relation("x = 2") is None and relation("x < 1 < 2") is None and relation("x < (") is None


@given(st.integers(2, 9), st.integers(1, 99))
def test_what_more_than_the_name_equals_is_not_what_the_name_equals(factor: int, value: int) -> None:
    gold = f"x = {value}"
    assert verify(f"\\boxed{{{factor}x = {factor * value}}}", gold, "math").strict
    assert verify(f"\\boxed{{x + {factor} = {value + factor}}}", gold, "math").strict
    for wrong in (f"{factor}x = {value}", f"{value} = {factor}x", f"-x = {value}", f"x + {factor} = {value}"):
        assert not verify(f"\\boxed{{{wrong}}}", gold, "math").lenient


def test_another_name_for_the_same_is_not_more_than_the_name() -> None:
    assert is_about_more("-y = 2x + 3", "y") and not is_about_more("2x + 3 = y", "y")
    assert not is_about_more("f(x) = 2x + 3", "y") and not is_about_more("x = 4 = 2 + 2", "x")
