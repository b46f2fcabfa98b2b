"""Lists, sets and systems taken apart."""

from __future__ import annotations

import pytest

from slmr.verify.math.parts import before_approx, members_of_union, parts_of, solutions_of, without_duplicates


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("3, 5", ["3", "5"]),
        ("3 and 5", ["3", "5"]),
        ("(1, 2)", ["(1, 2)"]),
        ("\\pm 2", ["+ 2", "- 2"]),
        ("7", ["7"]),
    ],
)
def test_a_list_has_its_parts(text: str, parts: list[str]) -> None:
    assert [part.strip() for part in parts_of(text)] == parts


def test_what_is_written_twice_is_one() -> None:
    assert without_duplicates(["1/2", "0.5", "3"]) == ["1/2", "3"]
    assert members_of_union(r"\{1,2\}\cup\{2,3\}") == ["1", "2", "3"]


def test_solutions_by_name_are_tuples() -> None:
    assert solutions_of("p=5, q=2; p=7, q=2") == ["(5,2)", "(7,2)"]
    assert solutions_of("p=5, q=2; r=7, q=2") is None


def test_a_rounded_value_stands_behind_the_exact_one() -> None:
    assert before_approx(r"\sqrt{2}\approx 1.41") == r"\sqrt{2}"
    assert before_approx(r"x\approx 1.41") == "1.41"
