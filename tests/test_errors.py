"""Faults as a user reads them: the nearest name, one line, nothing that moves a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.errors import (
    RequestError,
    WorkError,
    check_known,
    first_line,
    nearest,
    one_line,
    readable,
    reading,
    unknown,
    visible,
)


def test_the_nearest_name_is_suggested_and_all_are_listed() -> None:
    error = unknown("task", "lab_mat", ["svamp", "lab_math"])
    assert isinstance(error, RequestError) and error.exit_code == 2
    assert str(error) == "unknown task 'lab_mat'; did you mean 'lab_math'? (known: lab_math, svamp)"
    assert str(unknown("task", "q", ["svamp"])) == "unknown task 'q' (known: svamp)"
    assert nearest("sise", ["size", "seed"]) == "; did you mean 'size'?" and nearest("x", []) == ""
    assert WorkError("x").exit_code == 1


def test_a_known_name_passes_and_another_is_refused_as_unknown() -> None:
    check_known("task", "svamp", {"svamp": 1, "lab_math": 2})
    with pytest.raises(RequestError, match=r"unknown task 'lab_mat'; did you mean 'lab_math'\?"):
        check_known("task", "lab_mat", iter(["svamp", "lab_math"]))


def test_those_that_contain_the_name_are_suggested_too() -> None:
    tasks = ["gsm8k_platinum", "lab_gsm8k", "mawps"]
    assert nearest("gsm8k", tasks) == "; did you mean 'lab_gsm8k' or 'gsm8k_platinum'?"
    assert nearest("GSM8K", tasks) == "; did you mean 'lab_gsm8k' or 'gsm8k_platinum'?"
    assert nearest("b", tasks) == ""
    assert nearest("task", [f"task_{i}" for i in range(9)]).count("task_") == 3


def test_a_command_stands_for_a_long_list_where_a_name_is_near() -> None:
    names = ["grpo", *(f"other_{i}" for i in range(60))]
    said = str(unknown("method", "gropo", names, "slmr methods list"))
    assert said == "unknown method 'gropo'; did you mean 'grpo'? (`slmr methods list` prints all 61)"
    assert "known: grpo, other_0" in str(unknown("method", "zzz", names, "slmr methods list"))
    assert "known: grpo, sft)" in str(unknown("method", "gropo", ["sft", "grpo"], "slmr methods list"))


@given(st.text())
def test_visible_text_moves_no_cursor_and_keeps_its_lines(text: str) -> None:
    shown = visible(text)
    assert all(c.isprintable() or c == "\n" for c in shown)
    assert visible(shown) == shown and shown.count("\n") == text.count("\n")
    assert readable(f"  {text} \n") == shown.strip()


def test_control_characters_are_their_escapes() -> None:
    assert visible("a\x1b[2J\u202eb") == "a\\x1b[2J\\x202eb"


def test_an_error_is_one_line_and_never_empty() -> None:
    assert one_line(ValueError("a\n  b\tc")) == "a b c"
    assert first_line(ValueError("\na\n  b\tc")) == "a"
    assert one_line(KeyError()) == first_line(KeyError()) == "KeyError"


@given(st.text())
def test_a_fault_s_message_is_one_line_whatever_a_file_names(name: str) -> None:
    said = str(RequestError(f"task '{name}': no split\n\n{name}"))
    assert len(said.splitlines()) == 1 and said.startswith("task '")


@given(st.text(min_size=1), st.integers(1, 3000), st.sampled_from(["", " "]))
def test_a_fault_s_message_can_be_read_however_much_a_file_holds(value: str, times: int, gap: str) -> None:
    said = str(RequestError(f"config.yaml: {gap.join([value] * times)}: take a number"))
    assert len(said) <= 4000 and max(map(len, said.split(" "))) <= 400
    assert said.startswith("config.yaml:") and said.endswith(": take a number")


def test_what_a_library_says_of_a_file_begins_with_what_it_is() -> None:
    with pytest.raises(RequestError, match=r"^model x: broken header$"), reading("model x"):
        raise RuntimeError("broken\nheader")
    with pytest.raises(RequestError, match=r"^model x: KeyError 'weight'$"), reading("model x"):
        raise KeyError("weight")
    with pytest.raises(WorkError, match="disk full"), reading("model x"):
        raise WorkError("disk full")
    with pytest.raises(RequestError) as error, reading("model x"):
        raise ValueError("long " * 1000)
    assert len(str(error.value)) < 320
