"""What of a completion is graded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify import verify
from slmr.verify.reading import completion


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("4", "4"),
        ("<think>3</think>4", "4"),
        ("a</think>b</think>c", "c"),
        ("<think>3", None),
        ("4</think><think>5", None),
        ("4<|im_end|>", "4"),
        ("4<|eot_id|><|start_header_id|>assistant", "4"),
        ("", ""),
        ("4</s>\n", "4"),
        ("4<end_of_turn>", "4"),
        ("4<|im_end|>\n<|im_start|>user\n5", "4"),
        ("<|think|>3<|/think|>4", "4"),
        ("[INST] 3? [/INST] 4", "4"),
        ("<|user|>\n3?\n<|assistant|>\n4", "4"),
    ],
)
def test_what_follows_the_closed_thought_is_visible(said: str, text: str | None) -> None:
    assert completion.graded_text(said) == text


def test_only_the_end_of_a_very_long_text_is_looked_at() -> None:
    text = "a" * 10 + "b" * completion.MAX_LENGTH
    assert completion.graded_text(text) == "b" * completion.MAX_LENGTH


def test_odd_characters_get_one_spelling() -> None:
    assert completion.fold_characters("\uff11\uff12\u2212\u0663\u200b\u00a0\uff08x\uff09") == "12-3 (x)"


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_ascii_stays_as_it_is_and_twice_is_as_once(text: str) -> None:
    assert completion.fold_characters(text) == text
    assert completion.fold_characters(completion.fold_characters(f"{text}\uff11")) == completion.fold_characters(
        f"{text}\uff11"
    )


@pytest.mark.parametrize(
    "turn",
    ["Question: 5?", "Q: 5?", "user\n5?", "Human: 5?", "### Problem\n5?", "End with #### and the number."],
)
def test_a_next_turn_that_the_model_makes_up_is_cut(turn: str) -> None:
    assert completion.graded_text(f"#### 4\n\n{turn}\n#### 5") == "#### 4"
    assert completion.graded_text(f"Let me see.\n\n{turn}\n#### 5") == f"Let me see.\n\n{turn}\n#### 5"


def test_vulgar_fractions_and_exponents_are_written_out() -> None:
    assert completion.fold_characters("2½ and 10⁻³") == "2 1/2 and 10^{-3}"


NEXT = "A farmer has 20 cows and sells 5. How many are left?\nAnswer: 15"


@pytest.mark.parametrize("answer", ["There are 14 apples left.", "14", "So he has 14.", "8 + 6 = 14"])
@pytest.mark.parametrize("label", ["Question:", "Q:", "Problem 2:", "**Question:**"])
def test_a_problem_with_numbers_of_its_own_ends_what_is_graded(answer: str, label: str) -> None:
    said = f"{answer}\n\n{label} {NEXT}"
    assert completion.graded_text(said) == answer
    assert verify(said, "14", "numeric").lenient and not verify(said, "15", "numeric").lenient


@pytest.mark.parametrize(
    "said",
    [
        f"Let me restate it.\n\nQuestion: {NEXT}",
        f"Step 1: read the problem.\n\nQuestion: {NEXT}",
        "20 - 7 = 13\n\nQuestion: How many are left at the end?\nAnswer: 15",
        "20 - 7 = 13\n\nQuestion: What is 13 plus the other 2?\nAnswer: 15",
    ],
)
def test_a_problem_that_is_restated_or_taken_apart_is_read_on(said: str) -> None:
    assert completion.graded_text(said) == said and verify(said, "15", "numeric").lenient


def test_one_option_is_an_answer_without_an_announcement() -> None:
    said = "B. Some dogs bark.\n\nQuestion: Which is a fruit?\nA. Tree\nB. Car\nC. Pear\nAnswer: C"
    assert verify(said, "B", "choice").lenient and not verify(said, "C", "choice").lenient
