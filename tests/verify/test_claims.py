"""Values that others claim."""

from __future__ import annotations

import pytest

from slmr.verify.claims import is_anothers


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A student claims ", ". We disprove this claim."),
        ("My friend claimed that the answer is ", "."),
        ("One pupil says the sum is ", ". Show that the pupil is wrong."),
        ("Nora thinks it is ", ". She is mistaken."),
    ],
)
def test_what_others_claim(before, after):
    assert is_anothers(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("We claim that it is ", ". We prove this claim."),
        ("The student has ", " pencils, and he is wrong to sell them."),
        ("My friend says it is ", ", and he is right."),
        ("A student claims ", ". Indeed, the claim is true."),
    ],
)
def test_what_the_writer_holds(before, after):
    assert not is_anothers(before, after)
