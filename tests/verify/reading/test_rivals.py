"""Another value beside the answer."""

from __future__ import annotations

from fractions import Fraction

import pytest

from slmr.verify.numeric import answer as numeric
from slmr.verify.reading.rivals import has_rival


def states(text: str) -> bool | None:
    return numeric.compare_start(text, Fraction(7))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("So $", " = 8$."),
        ("Both ", " and 8 work."),
        ("", " is correct, and so is 8."),
        ("", " works, but 8 also works."),
        ("", ". Also 8 is a solution."),
        ("", ". Another possible answer is $x = 8$."),
        ("", ". Other possible answers: 8, 9."),
    ],
)
def test_another_value_is_held_for_the_answer_too(before: str, after: str) -> None:
    assert has_rival(before, after, states)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", " = 7"),
        ("", " = 14/2"),
        ("$1 + ", " = 8$"),
        ("", ". The other root, 8, is extraneous."),
        ("", ". The other solution is 8, which we reject."),
        ("", ". Note that 8 is also even."),
        ("", ". One might think 8 also works, but it does not."),
        ("", ". Also 7.0 is a correct answer."),
    ],
)
def test_what_is_no_rival(before: str, after: str) -> None:
    assert not has_rival(before, after, states)
