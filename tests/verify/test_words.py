"""Answers in words, times of day, and the letters of options."""

from __future__ import annotations

import pytest

from slmr.verify.words import labelled, same_clock, same_words


@pytest.mark.parametrize(
    ("mine", "theirs", "same"),
    [
        ("even", "even", True), ("Even", "even", True), ("odd", "even", False), ("The function is even", "even", True),
        ("a parabola", "parabola", True), ("it is not even", "even", False), ("ab", "ab", None), ("7", "7", None),
    ],
)  # fmt: skip
def test_words_are_compared_without_what_stands_around(mine, theirs, same):
    assert same_words(mine, theirs, is_text=len(theirs) > 2) is same


@pytest.mark.parametrize(
    ("mine", "theirs", "same"),
    [
        ("7:15 pm", "7:15pm", True), ("7:15", "7:15 p.m", True), ("7:15 am", "7:15 pm", False),
        ("7:15 am", "7:15", False),
        ("2:00 pm", "2 pm", True), ("2 pm", "2 am", False), ("7:15", "7:16", False), ("7", "7:00", None),
    ],
)  # fmt: skip
def test_times_of_day_agree_with_their_half_of_the_day(mine, theirs, same):
    assert same_clock(mine, theirs) is same


def test_the_letter_of_an_option_is_told_from_its_value():
    assert labelled(r"\textbf{(C)}\ 9") == ("C", "9")
    assert labelled(r"\text{B. }\frac12") == ("B", r"\frac12")
    assert (
        labelled(r"\text{C}") is None and labelled(r"\text{(C)}") is None and labelled(r"\text{A}+1") is None
    )
