"""What can be no answer, whatever gold is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify.reading.plausibility import is_balanced, is_implausible, is_repetitive, may_be_formula


@given(st.sampled_from(["x", "no ", r"\pi", "ab", "!? "]), st.integers(25, 200))
def test_one_thing_over_and_over_is_a_repeat(thing: str, times: int) -> None:
    assert is_repetitive(thing * times)
    assert is_implausible(thing * times, "42")


@pytest.mark.parametrize("text", ["42", r"\frac{1}{2}", "1111111111111111111111111111", "x + y + z = 12"])
def test_an_ordinary_answer_is_none(text: str) -> None:
    assert not is_repetitive(text) and not is_implausible(text, "42")


@given(st.recursive(st.just("x"), lambda inner: st.builds("({}){{{}}}".format, inner, inner), max_leaves=8))
def test_nested_brackets_are_balanced_and_a_missing_one_shows(text: str) -> None:
    assert is_balanced(text)
    assert not is_balanced(text + "(") and not is_balanced(text + "}")
    assert is_implausible(text + "(", "42")


def test_an_interval_may_be_open_on_one_side() -> None:
    assert is_balanced("[1, 2)") and is_balanced(")1, 2(") is False


@pytest.mark.parametrize("text", ["4 +", "x =", "2 \\cup", "8 *", "3 <"])
def test_a_sum_that_ends_with_its_sign_is_unfinished(text: str) -> None:
    assert is_implausible(text, "4") and not is_implausible(text, text)


@pytest.mark.parametrize("text", ["0^+", "x_-", "0^{+}", "5!"])
def test_a_sign_may_end_an_answer_as_an_index(text: str) -> None:
    assert not is_implausible(text, "4")


def test_prose_and_code_are_no_formula() -> None:
    assert may_be_formula(r"\sin x + 1", "1") and may_be_formula("2x", "2x")
    assert not may_be_formula("the answer", "1") and not may_be_formula("(lambda: 42)()", "42")
