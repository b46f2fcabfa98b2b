"""What a text denies."""

from __future__ import annotations

from fractions import Fraction

import pytest

from slmr.verify.numeric import answer as numeric
from slmr.verify.reading import denial


def states(text: str) -> bool | None:
    return numeric.compare_start(text, Fraction(7))


@pytest.mark.parametrize(
    "before",
    [
        "It is not ",
        "The answer isn't ",
        "8 or ",
        "rather than ",
        "The wrong answer is ",
        "It is unlikely to be ",
    ],
)
def test_an_answer_denied_before(before: str) -> None:
    assert denial.is_denied(before, "", states)


@pytest.mark.parametrize(
    "before",
    ["It is not 8, so ", "It is ", "7 or ", "It is none other than ", "not 8 but ", "If x is not 0, we get "],
)
def test_an_answer_not_denied_before(before: str) -> None:
    assert not denial.is_denied(before, "", states)


@pytest.mark.parametrize(
    "after",
    [
        " is wrong",
        "? No.",
        " or 8",
        " can't be",
        " would be it, but",
        "$ isn't right",
        " or more",
        "ではない",
        "이 아니다",
        " ✗",
        " (wrong)",
        "? Unfortunately not.",
        "? I'm afraid not.",
        "? It can't.",
        "? That is not the case.",
        " would hold if it were fair, but",
    ],
)
def test_an_answer_denied_behind(after: str) -> None:
    assert denial.is_denied("", after, states)


@pytest.mark.parametrize(
    "after",
    [
        " is right",
        " or 7.0",
        " is not hard to check",
        ". It can't be 8.",
        "",
        " would still hold if it were not fair",
        " would follow by symmetry",
        "? It is not 8, as both ends count.",
        "? Yes.",
        "? No problem.",
    ],
)
def test_an_answer_not_denied_behind(after: str) -> None:
    assert not denial.is_denied("", after, states)


def test_a_question_that_goes_on_behind_the_answer_and_gets_a_no() -> None:
    assert denial.is_denied("Is ", " the maximum? Sadly not.", states)
    assert denial.is_denied("Then does ", " work? It does not.", states)
    assert not denial.is_denied("Does ", " work? It does.", states)
    assert not denial.is_denied("So ", ". Is there another one? No.", states)


def test_an_answer_that_is_struck_out_is_denied() -> None:
    assert denial.is_denied("~~", "~~ 8", states) and not denial.is_denied("12~~", " cm", states)


def test_hedges_doubts_and_refusals() -> None:
    assert denial.is_hedged("3 or 4") and denial.is_hedged("maybe 3") and not denial.is_hedged("3 for sure")
    assert denial.is_unsure("I am not sure") and not denial.is_unsure("I am sure")
    assert denial.is_refusal("I cannot answer this") and not denial.is_refusal("I can answer this")


@pytest.mark.parametrize(
    "no", ["I don't think so.", "I do not believe it.", "I think not.", "Never.", "That seems unlikely."]
)
def test_a_question_that_gets_a_no_in_other_words(no: str) -> None:
    assert denial.is_denied("Is it ", f"? {no}", states)
    assert not denial.is_denied("Is it ", "? I think so.", states)
