"""Texts with numbers and no answer."""

from __future__ import annotations

import pytest

from slmr.verify import verify
from slmr.verify.reading.non_answers import is_operand_or_item, is_unanswered


@pytest.mark.parametrize(
    "text",
    [
        "Find the value of x if 2x + 6 = 20.",
        "Solve for x: 3x - 9 = 21.",
        "He buys 4. Please compute the sum of the first 15 odd numbers.",
        "There is not enough information about the 3 boxes.",
        "The price of the 14 notebooks is missing.",
    ],
)
def test_a_task_or_a_lack_of_data(text):
    assert is_unanswered(text)


@pytest.mark.parametrize(
    "text",
    [
        "Find the sum: 15 + 20 = 35",
        "Solve to get x = 9.",
        "Compute 12 × 4 = 48",
        "The number of missing pages is 23",
    ],
)
def test_an_answer(text):
    assert not is_unanswered(text)


def test_parts():
    assert is_operand_or_item("divide 84 by ", "") and is_operand_or_item("3, 4 and ", "")
    assert not is_operand_or_item("the sum is ", "")
    assert is_operand_or_item("24 out of ", " students") and is_operand_or_item("3 out of every ", " people")


@pytest.mark.parametrize("whole", ["Of the 30 students, ", "Out of 30 students, ", "So, among all 30 of them, "])
def test_the_number_behind_a_whole_is_the_answer(whole):
    for part in ("24 passed.", "24 passed the test."):
        assert verify(whole + part, "24", "numeric").lenient
        assert not verify(whole + part, "30", "numeric").lenient
    two = f"{whole}24 passed and 6 failed."
    assert [verify(two, gold, "numeric").lenient for gold in ("24", "6", "30")] == [False] * 3
