"""Texts that go on from a total, and such as only check it."""

from __future__ import annotations

from fractions import Fraction

import pytest

from slmr.verify.numeric.totals import is_superseded


@pytest.mark.parametrize(
    "after",
    [
        "\n15 - 3 = 12",
        "\nminus 3 = 12",
        ". So 12 are left.",
        ". Then he loses 3, so 12 are left.",
        "\nLeft: 12",
        ". Remaining = 12.",
        " apples. 15 - 3 = 12 apples.",
        ". Minus 3 leaves 12.",
    ],
)
def test_a_total_from_which_the_text_goes_on(after: str) -> None:
    assert is_superseded(Fraction(15), after)


@pytest.mark.parametrize(
    "after",
    [
        "",
        ".",
        " apples.",
        ". (5 + 10 = 15)",
        ". That is because 5 + 10 = 15.",
        ". Check: 15 - 3 = 12.",
        ". 15 - 3 = 12, as required.",
        ".\n5 + 10 = 15",
        ". So the 5 friends can each take some home.",
        "\nStep 2: 12",
        ". Let me know if there is more.",
    ],
)
def test_a_total_that_stands(after: str) -> None:
    assert not is_superseded(Fraction(15), after)


def test_what_is_no_number_is_not_overtaken() -> None:
    assert not is_superseded(None, "\n15 - 3 = 12")
