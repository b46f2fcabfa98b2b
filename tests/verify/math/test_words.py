"""Answers in words, times of day, and the letters of options."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify import verify
from slmr.verify.math.words import same_clock, same_words, split_option_label


@pytest.mark.parametrize(
    ("mine", "theirs", "same"),
    [
        ("even", "even", True),
        ("Even", "even", True),
        ("odd", "even", False),
        ("The function is even", "even", True),
        ("a parabola", "parabola", True),
        ("it is not even", "even", False),
        ("ab", "ab", None),
        ("7", "7", None),
    ],
)
def test_words_are_compared_without_what_stands_around(mine, theirs, same):
    assert same_words(mine, theirs, is_text=len(theirs) > 2) is same


@pytest.mark.parametrize(
    ("mine", "theirs", "same"),
    [
        ("7:15 pm", "7:15pm", True),
        ("7:15", "7:15 p.m", True),
        ("7:15 am", "7:15 pm", False),
        ("7:15 am", "7:15", False),
        ("2:00 pm", "2 pm", True),
        ("2 pm", "2 am", False),
        ("7:15", "7:16", False),
        ("7", "7:00", None),
    ],
)
def test_times_of_day_agree_with_their_half_of_the_day(mine, theirs, same):
    assert same_clock(mine, theirs) is same


def test_the_letter_of_an_option_is_told_from_its_value():
    assert split_option_label(r"\textbf{(C)}\ 9") == ("C", "9")
    assert split_option_label(r"\text{B. }\frac12") == ("B", r"\frac12")
    assert (
        split_option_label(r"\text{C}") is None
        and split_option_label(r"\text{(C)}") is None
        and split_option_label(r"\text{A}+1") is None
    )


def test_a_comma_a_sign_or_another_value_behind_a_letter_makes_it_no_label():
    for text in (r"\text{(C)}, 9", r"\text{(C)} \text{ or } 9", r"\text{(C)}+1", r"\text{(C)} and 9"):
        assert split_option_label(text) is None
        assert not verify(f"\\boxed{{{text}}}", r"\text{(C)}", "math").lenient
    assert split_option_label(r"\textbf{(C)}\ -3") == ("C", "-3")


@pytest.mark.parametrize("word", ["ellipse", "Evelyn", "no-one"])
def test_a_word_with_a_number_or_an_operation_is_not_that_word(word):
    for gold in (word, rf"\text{{{word}}}"):
        assert verify(f"\\boxed{{\\text{{{word}}}}}", gold, "math").strict
        for more in (f"{word}, 7", f"{word} + 1", f"2{word}", f"{word}/2", f"{word}^2"):
            assert not verify(f"\\boxed{{{more}}}", gold, "math").lenient


@given(st.lists(st.sampled_from("+-"), min_size=2, max_size=3), st.data())
def test_letters_with_signs_are_a_sum_and_no_word(signs, data):
    """`p - q` was read as a word, so that its signs said nothing and its order everything."""
    terms = [f"{sign} {letter}" for sign, letter in zip(signs, "pqr", strict=False)]
    gold = " ".join(terms).removeprefix("+ ")
    for order in permutations(terms):
        assert verify(f"\\boxed{{{' '.join(order).removeprefix('+ ')}}}", gold, "math").strict
    at = data.draw(st.integers(0, len(terms) - 1))
    turned = {"+": "-", "-": "+"}[signs[at]]
    wrong = " ".join([*terms[:at], turned + terms[at][1:], *terms[at + 1 :]]).removeprefix("+ ")
    for text in (wrong, wrong.replace(" ", ""), "pqr"[: len(terms)], f"3{gold.removeprefix('- ')}"):
        assert not verify(f"\\boxed{{{text}}}", gold, "math").lenient
