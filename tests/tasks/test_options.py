"""Options of questions as data sets have them: lists, labels, columns; and how they name the right one."""

from __future__ import annotations

from typing import Any

import pytest

from slmr.errors import RequestError
from slmr.tasks.options import read_options, right_letter

CITIES = ["Rome", "Paris", "Bern"]
ARC = {"choices": {"text": CITIES, "label": ["1", "2", "3"]}}


@pytest.mark.parametrize(
    ("record", "answer"),
    [
        ({"A": "Rome", "B": "Paris", "C": "Bern"}, "B"),
        ({"option_a": "Rome", "Option B": "Paris", "choice_c": "Bern"}, "b"),
        ({"choices": CITIES}, "Paris"),
        ({"options": CITIES}, "paris"),
        ({"choices": CITIES}, "(B)"),
        ({"choices": CITIES}, "B. Paris"),
        ({"choices": CITIES}, 1),  # a class of a data set: its place from 0 on
        (ARC, "2"),
        ({"choices": {"text": CITIES, "label": ["A", "B", "C"]}}, "B"),
        ({"choices": ["10", "20", "30"]}, 20),  # no place: there are three
    ],
)
def test_the_right_option_is_found_as_it_is_named(record: dict[str, Any], answer: Any) -> None:
    options = read_options(record)
    assert list(options.texts) == ["A", "B", "C"] and right_letter(options, answer) == "B"


@pytest.mark.parametrize(
    ("record", "answer", "fault"),
    [
        ({"choices": CITIES}, "Oslo", "'Oslo' is none of them"),
        ({"choices": CITIES}, 3, "'3' is none of them"),
        ({"A": "Rome", "B": "Paris", "C": "Bern"}, "1", "'1' is none of them"),  # from 0 or from 1 on?
        ({"choices": ["x", "x", "y"]}, "x", "more than one of them (A and B)"),
        ({"choices": ["1", "2", "3"]}, 1, "more than one of them (A and B)"),  # its text, or its place
        ({"choices": [str(i) for i in range(11)]}, 0, "11 options: at most 10"),
    ],
)
def test_an_answer_that_names_no_single_option_is_refused(record: dict[str, Any], answer: Any, fault: str) -> None:
    with pytest.raises(RequestError) as caught:
        right_letter(read_options(record), answer)
    assert fault in str(caught.value)


def test_two_columns_may_be_numbers_of_the_question() -> None:
    assert right_letter(read_options({"A": 3, "B": 4}), "7") is None
    assert right_letter(read_options({"A": "3", "B": "4"}), "4") == "B"
    assert read_options({"question": "x", "level": 2}).texts == {}
    assert list(read_options({"A": "x", "B": "", "C": None, "D": "y"}).texts) == ["A", "D"]
