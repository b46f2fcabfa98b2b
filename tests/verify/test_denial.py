"""What a text denies or takes back: words alone do not, another value does."""

from __future__ import annotations

from fractions import Fraction

import pytest

from slmr.verify import denial, numeric


def states(text: str) -> bool | None:
    return numeric.stated(text, Fraction(7))


@pytest.mark.parametrize(
    "before", ["It is not ", "The answer isn't ", "8 or ", "rather than ", "The wrong answer is "]
)
def test_an_answer_denied_before(before: str) -> None:
    assert denial.denied(before, "", states)


@pytest.mark.parametrize(
    "before", ["It is not 8, so ", "It is ", "7 or ", "not 8 but ", "If x is not 0, we get "]
)
def test_an_answer_not_denied_before(before: str) -> None:
    assert not denial.denied(before, "", states)


@pytest.mark.parametrize(
    "after", [" is wrong", "? No.", " or 8", " can't be", " would be it, but", "$ isn't right", " or more"]
)
def test_an_answer_denied_behind(after: str) -> None:
    assert denial.denied("", after, states)


@pytest.mark.parametrize("after", [" is right", " or 7.0", " is not hard to check", ". It can't be 8.", ""])
def test_an_answer_not_denied_behind(after: str) -> None:
    assert not denial.denied("", after, states)


@pytest.mark.parametrize(
    "after", ["Wait, it is 8.", "The answer is 8.", "#### 8", "Scratch that.", "No.", "Edit: 8", "Sorry, 8",
              "I doubt this is right.",
              "This is probably wrong.", "But this contradicts the condition.", "It does not satisfy the equation.",
              "Alternatively, it could be 8.", "So there is no solution."]
)  # fmt: skip
def test_what_takes_an_answer_back(after: str) -> None:
    assert denial.taken_back(after, states)
    assert not denial.taken_back(f"{after} In the end the answer is 7.", states)


@pytest.mark.parametrize(
    "after",
    ["I doubt there is a shorter proof.", "Suppose not. This contradicts minimality.",
     "It could also be shown by induction.", "So there is no other solution.",
     "Wait 8 minutes.", "The answer is 7.", "Actually, that is all.", "No other works.", "Sorry for that."],
)  # fmt: skip
def test_what_does_not_take_an_answer_back(after: str) -> None:
    assert not denial.taken_back(after, states)


def test_hedges_doubts_and_refusals() -> None:
    assert denial.hedged("3 or 4") and denial.hedged("maybe 3") and not denial.hedged("3 for sure")
    assert denial.unsure("I am not sure") and not denial.unsure("I am sure")
    assert denial.refuses("I cannot answer this") and not denial.refuses("I can answer this")
