"""Brackets: depth, where a list is split, what a tuple, interval or set holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify.math.brackets import depth, parse_brackets, split, squeeze

FLAT = st.text(alphabet="ab12 ", min_size=1, max_size=4).map(str.strip).filter(bool)


@pytest.mark.parametrize(("text", "levels"), [("", 0), ("x", 0), ("(x)", 1), ("([{⟦x⟧}])", 4), ("(a)(b)", 1)])
def test_depth_is_the_deepest_nesting(text: str, levels: int) -> None:
    assert depth(text) == levels


def test_a_list_is_split_outside_of_brackets_only() -> None:
    assert split("a, (b, c); {d; e},", ",;") == ["a", "(b, c)", "{d; e}", ""]
    assert split("x = [1 = 2]", "=") == ["x", "[1 = 2]"]
    assert squeeze(" a \n b\t") == "ab"


@given(st.lists(FLAT, min_size=1, max_size=5))
def test_parts_without_brackets_come_back(parts: list[str]) -> None:
    assert split(", ".join(parts), ",") == parts


@pytest.mark.parametrize(
    ("text", "brackets", "parts"),
    [
        ("(1, 2]", "(]", ["1", "2"]),
        (" [0;1) ", "[)", ["0", "1"]),
        (r"\{1\}", r"\{\}", ["1"]),
        ("{1,2}", "{}", ["1", "2"]),
        ("((1,2),3)", "()", ["(1,2)", "3"]),
    ],
)
def test_what_a_tuple_interval_or_set_holds(text: str, brackets: str, parts: list[str]) -> None:
    assert parse_brackets(text) == (brackets, parts)


@pytest.mark.parametrize("text", ["", "5", "(5)", "{5}", "(1,2)(3,4)", "(1,2", r"\{1,2)", "{1,2]", "((1,2)"])
def test_anything_else_is_none_of_them(text: str) -> None:
    assert parse_brackets(text) is None
