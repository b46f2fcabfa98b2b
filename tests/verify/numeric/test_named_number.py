"""The number that a stated answer names."""

from __future__ import annotations

import pytest

from slmr.verify.numeric.named_number import is_changed_behind, is_code, is_denominator, is_supposition, one_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", "12"),
        ("12 apples in all", "12 apples in all"),
        ("so they have 12 apples", "12"),
        ("3 × 4 = 12, 12 + 5 = 17", "17"),
        ("72 clips in 2 months", "72"),
        ("7 or equivalently 14/2", "7"),
        ("7 or 8", None),
        ("30, no wait, 45", None),
        ("5 ± 1", None),
        ("x < 5", None),
        ("41 = 42", None),
        ("30 if all of them came, but one did not", None),
    ],
)
def test_which_number_a_statement_names(text: str, number: str | None) -> None:
    assert one_number(text) == number


def test_what_makes_it_no_answer() -> None:
    assert is_supposition("30 if all came, but one did not") and not is_supposition("30 if all came")
    assert is_code("print(30)") and not is_code("30 in print")
    assert is_denominator(r"\\frac{x}{", "}") and not is_denominator("x / ", "")
    assert is_changed_behind(" squared") and is_changed_behind(" is wrong") and not is_changed_behind(" apples")
