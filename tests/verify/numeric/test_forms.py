"""Forms that hold no answer: blank, or quoted."""

from __future__ import annotations

import pytest

from slmr.verify.numeric.forms import ends_with_blank_form, is_bare_number, without_quoted_forms


@pytest.mark.parametrize("form", ["#### <number>", "####[answer]", "#### the final answer", "#### ...", "#### {n}"])
def test_a_placeholder_is_no_answer(form: str) -> None:
    assert ends_with_blank_form(f"6 * 7 = 42\n{form}\n")


@pytest.mark.parametrize("form", ["#### 42", "####", "#### <42>", "#### <number>\nThe number is 42."])
def test_an_answer_or_nothing_at_all_is_no_placeholder(form: str) -> None:
    assert not ends_with_blank_form(form)


def test_a_quoted_form_is_blanked_in_its_place() -> None:
    text = 'I end in the form "#### 18" when I am done.'
    assert without_quoted_forms(text) == "I end in the" + " " * 15 + " when I am done."
    assert without_quoted_forms('the answer: "#### 18"') == 'the answer: "#### 18"'


@pytest.mark.parametrize(
    ("line", "bare"),
    [
        ("42", True),
        ("-1,234.5", True),
        ("$3/4", True),
        ("7%", True),
        ("7 apples", False),
        ("**7**", False),
        ("", False),
    ],
)
def test_a_number_and_nothing_else_is_in_form(line: str, bare: bool) -> None:
    assert is_bare_number(line) is bare
