"""The numbers of a text: which of them stand for themselves."""

from __future__ import annotations

from fractions import Fraction

import pytest

from slmr.verify.figures import tokens


def test_numbers_in_a_text_stand_for_themselves() -> None:
    text = "In step 3 she has 4 kg and 10-12 boxes at 7:30 h, or 2^5 for $1,300.50."
    assert [token.value for token in tokens(text)] == [4, 32, Fraction(2601, 2)]


@pytest.mark.parametrize(
    ("text", "values"),
    [("2x + 9 of them", []), ("n+7", []), ("k - 3", []), ("a -9 charge", [-9]), ("He pays 640/- now", [640])],
)
def test_a_number_added_to_a_variable_is_a_part(text: str, values: list[int]) -> None:
    assert [token.value for token in tokens(text)] == values
