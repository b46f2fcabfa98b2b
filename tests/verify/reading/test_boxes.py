"""Boxes in a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify.reading import boxes


@pytest.mark.parametrize(
    ("text", "contents"),
    [
        (r"\boxed{4}", ["4"]),
        (r"\boxed{\frac{1}{2}} then \fbox{ x }", [r"\frac{1}{2}", "x"]),
        (r"\boxed{1} and \boxed{2}", ["1, 2"]),
        (r"\boxed{1}$, $\boxed{2}$ or $x = \boxed{3}", ["1, 2, 3"]),
        (r"\boxed 12.5.", ["12.5"]),
        (r"\boxed{4", []),
        (r"\boxed", []),
    ],
)
def test_the_contents_of_boxes(text: str, contents: list[str]) -> None:
    assert [content for content, _, _ in boxes.find_boxes(text)] == contents


@given(st.lists(st.text(alphabet="ab{}", max_size=6).filter(lambda t: t.count("{") == t.count("}")), max_size=3))
def test_a_box_ends_where_its_braces_are_balanced(contents: list[str]) -> None:
    well_formed = [c for c in contents if all(c[:i].count("{") >= c[:i].count("}") for i in range(len(c)))]
    text = " stop ".join(rf"\boxed{{{content}}}" for content in well_formed)
    found = boxes.find_boxes(text)
    assert [content for content, _, _ in found] == well_formed
    assert all(text[end - 1] == "}" for _, _, end in found)


def test_a_box_around_all_of_a_text_is_taken_off() -> None:
    assert boxes.without_box(r"\boxed{\boxed{7}}") == "7" and boxes.without_box(r"\boxed{7} or 8") == r"\boxed{7} or 8"


def test_money_on_the_line_before_is_no_factor_of_a_box() -> None:
    assert boxes.value_with_factor("the rest is $19-$12-$3=$4\n", "4", "") is None
    assert boxes.value_with_factor("so it is $2", "3", "$") == "2(3)"
