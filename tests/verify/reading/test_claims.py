"""Values that others claim, and those that are given as somebody's mistake."""

from __future__ import annotations

import pytest

from slmr.verify.reading.claims import is_claim_of_others
from slmr.verify.reading.denial import ends_in_denial, starts_with_denial


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
    assert is_claim_of_others(before, after)


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
    assert not is_claim_of_others(before, after)


@pytest.mark.parametrize(
    "before",
    [
        "A common mistake is to say ",
        "A typical careless error gives $",
        "You may be tempted to answer ",
        "One is inclined to guess ",
        "Do not fall for ",
        "A hasty reader would write ",
        "Beginners often get ",
    ],
)
def test_what_begins_a_mistake(before: str) -> None:
    assert ends_in_denial(before)


@pytest.mark.parametrize(
    "before",
    [
        "A common mistake is to stop here; going on, we get ",
        "It is tempting to stop here, but the answer is ",
        "The error is ",
        "The naive method takes ",
        "Correcting this mistake gives ",
        "A careful reader would write ",
    ],
)
def test_what_begins_none(before: str) -> None:
    assert not ends_in_denial(before)


@pytest.mark.parametrize(
    "after",
    [
        ", which is a common mistake",
        ", a frequent error.",
        "$ — a classic trap!",
        " is what a careless student would get",
        " is the answer that hasty readers give",
        " is what one gets if one forgets the zero",
        " is what you would get if you ignored the overlap",
        " comes from a common misreading",
    ],
)
def test_what_is_called_a_mistake(after: str) -> None:
    assert starts_with_denial(after)


@pytest.mark.parametrize(
    "after",
    [
        " is what one gets by either method",
        ", avoiding the common mistake of 8",
        " is a common multiple",
        ", which is the error bound",
        " is obtained by ignoring the negative root",
    ],
)
def test_what_is_called_none(after: str) -> None:
    assert not starts_with_denial(after)
