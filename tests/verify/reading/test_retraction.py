"""What an answer is taken back by: words alone do not, another value does."""

from __future__ import annotations

from fractions import Fraction

import pytest

from slmr.verify.numeric import answer as numeric
from slmr.verify.reading import retraction


def states(text: str) -> bool | None:
    return numeric.compare_start(text, Fraction(7))


@pytest.mark.parametrize(
    "after",
    [
        "Wait, it is 8.",
        "The answer is 8.",
        "#### 8",
        "Scratch that.",
        "No.",
        "Edit: 8",
        "Sorry, 8",
        "I doubt this is right.",
        "Not 7 but 8.",
        "On reflection, it is 8.",
        "So 8.",
        "Upon review, 8 is right.",
        "Wait — the question asks for the sum: 8.",
        "Falsch, es ist 8.",
        "Cette réponse est fausse.",
        "这个答案是错误的。",
        "이 답은 틀렸다.",
        "Этот ответ неверный.",
        "This is probably wrong.",
        "But this contradicts the condition.",
        "It does not satisfy the equation.",
        "Alternatively, it could be 8.",
        "So there is no solution.",
        "That is false.",
        "But this is not the case.",
        "It ought to be 8.",
        "The answer ought to be 8.",
        "On second thought it is $8$.",
        "Wait, so we get \\(8\\).",
        "It is tempting to say 7, but the answer is 8.",
    ],
)
def test_what_takes_an_answer_back(after: str) -> None:
    assert retraction.is_retracted(after, states)
    assert not retraction.is_retracted(f"{after} In the end the answer is 7.", states)


@pytest.mark.parametrize(
    "after",
    [
        "I doubt there is a shorter proof.",
        "Not 8 but 7.",
        "So 7.",
        "The answer to part (b) is 8.",
        "This fails for other n.",
        "8 is right up to a factor.",
        "The chance that I am wrong is small.",
        "Suppose not. This contradicts minimality.",
        "It could also be shown by induction.",
        "So there is no other solution.",
        "Wait 8 minutes.",
        "The answer is 7.",
        "Actually, that is all.",
        "No other works.",
        "Sorry for that.",
        "It is not so hard.",
        "If n were odd, this is false.",
        "It is not true that more is better.",
        "On second thought the other way gives $7$, too.",
    ],
)
def test_what_does_not_take_an_answer_back(after: str) -> None:
    assert not retraction.is_retracted(after, states)
