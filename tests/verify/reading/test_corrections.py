"""Other values that a text comes to behind an answer."""

from __future__ import annotations

import pytest

from slmr.verify.numeric.answer import compare_start
from slmr.verify.reading.corrections import compare_conclusion, compare_correction


def states(text: str) -> bool | None:
    return compare_start(text, 15)


@pytest.mark.parametrize(
    ("sentence", "following"),
    [
        ("Erratum: 15 should read 16.", ""),
        ("Correction: replace 15 by 16.", ""),
        ("Read 16 instead of 15.", ""),
        ("Recounting gives 16.", ""),
        ("Adding once more: 16.", ""),
        ("This fails for n = 3.", "The least such number is 16."),
        ("That does not hold at n = 3, so the true value is 16.", ""),
        ("The book says 16, and the book is right.", ""),
        ("Another way gives 16, and that one is right.", ""),
    ],
)
def test_another_value_takes_its_place(sentence, following):
    assert compare_correction(sentence, following, states) is False


@pytest.mark.parametrize(
    ("sentence", "following"),
    [
        ("If we replace 15 by 16 it fails.", ""),
        ("This fails for n = 14.", "The sum is 3."),
        ("Check: 2 + 3 = 5, which is correct.", ""),
        ("The formula fails for n = 0.", "The least such number is 16."),
        ("The perimeter becomes 16.", ""),
    ],
)
def test_other_quantities_say_nothing(sentence, following):
    assert compare_correction(sentence, following, states) is None


def test_a_recount_may_come_to_the_same():
    assert compare_correction("Recounting gives 5 + 10 = 15.", "", states) is True
    assert compare_conclusion("the first is 3, and the total is 15", states) is True
