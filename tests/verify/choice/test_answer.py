"""The choice checker: which letter a text names, and where the answer stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify import verify
from slmr.verify.choice.answer import compare_start, extract, matches, parse, parse_gold

LETTERS = st.sampled_from("ABCDEFGHIJ")


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("(C)", "C"),
        ("**D**.", "D"),
        (r"\text{B}", "B"),
        ("Option D", "D"),
        ("B, because it rains", "B"),
        ("C is right", "C"),
        ("it is option (B)", "B"),
        ("B. the red one", "B"),
        ("A or B", None),
        ("B, C", None),
        ("maybe B", None),
        ("not option B", None),
        ("Because", None),
        ("K", None),
        ("", None),
        ("A cat", None),
        ("I think so", None),
        ("C, but D is also right", None),
        ("A+C", None),
        ("C? D?", None),
        ("A+", None),
        ("C, but B is also wrong", "C"),
        ("Everything except B is wrong", "B"),
        ("None but B is right", "B"),
        ("anything but B", None),
        ("B (wrong)", None),
        ("B ❌", None),
        ("~B", None),
        ("A o B", None),
        ("(A) wrong (B) right (C) wrong", "B"),
        ("Option A: too broad. Option B: matches. So option B.", "B"),
        ("We eliminate A and C. Between B and D, B is better.", "B"),
        ("None of A, C, D fits. B does.", "B"),
    ],
)
def test_the_one_letter_that_an_answer_names(text: str, letter: str | None) -> None:
    assert parse(text) == letter


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("b", "B"),
        ("(C) the red one", "C"),
        (" D. x", "D"),
        ("So the answer is B.", "B"),
        ("Bread", None),
        ("A red car", None),
        ("Answer: B", "B"),
        (r"\boxed{C}", "C"),
        ("$D$", "D"),
        ("", None),
    ],
)
def test_the_letter_of_a_gold(text: str, letter: str | None) -> None:
    assert parse_gold(text) == letter


@given(LETTERS, LETTERS)
def test_an_answer_matches_its_letter_only(letter: str, gold: str) -> None:
    assert matches(letter, gold) == matches(f"({letter})", gold) == (letter == gold)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Answer: B", ("B", True)),
        ("Answer: A\nAnswer: C.", ("C.", True)),
        ("Answer: B, I think", ("B, I think", False)),
        (r"so \boxed{B}", ("B", False)),
        ("The answer is C. Good.", ("C", False)),
        ("Long talk.\nIt is D", ("It is D", False)),
        ("Answer: all but one fail.\nThe answer is (C).", ("(C)", False)),
        ("Answer:\nB", ("B", False)),
        ("Answer:", None),
        ("", None),
        ("A. x\nB. y\nC. z", None),
        ("C\n\nExplanation: A and B are wrong.", ("C", False)),
        ("C) blue\n\nOne.\nTwo.\nThree.", ("C) blue", False)),
    ],
)
def test_where_the_answer_stands(text: str, answer: tuple[str, bool] | None) -> None:
    found = extract(text)
    assert (found and (found.text, found.strict)) == answer


def test_whether_a_text_begins_with_the_letter() -> None:
    assert (
        compare_start("B. So it is.", "B") is True
        and compare_start("C", "B") is False
        and compare_start("because", "B") is None
    )


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("Answer: b)", "B"),
        ("Answer: b", None),
        ("The answer is a cat.", None),
        ("Answer: B. No, Answer: D", "D"),
        ("Answer: B. Wait. Answer: D", "D"),
        ("Answer: B\nWait, the answer is D.", "D"),
        ("Answer: B\nNo, the answer is not D.", "B"),
        ("The answer could be B or possibly C.", None),
        ("The answer is B, potentially C.", None),
    ],
)
def test_which_letter_is_the_answer(text: str, letter: str | None) -> None:
    found = extract(text)
    assert (found and parse(found.text)) == letter


@pytest.mark.parametrize(
    "text",
    [
        "I have a C in math.",
        "It is 30 °C outside.",
        "The C student failed.",
        "Let C be the cost.",
        "John C. Smith said so.",
        "He plays in the key of C.",
        "Mr. C was there.",
    ],
)
def test_a_letter_that_names_something_else(text: str) -> None:
    assert extract(text) is None


def test_only_a_letter_is_cut_off_before_another_request() -> None:
    found = extract("Answer: B so busy is the end. Answer: D")
    assert found and not found.strict and found.text.startswith("B so busy")


@pytest.mark.parametrize(
    "first", ["**Option (C)** is correct.", "C is the best answer.", "Therefore, choice C is right!"]
)
def test_an_answer_that_the_next_lines_explain(first: str) -> None:
    found = extract(f"{first}\n\n**Explanation:** A reverses the condition. B is irrelevant.")
    assert found and parse(found.text) == "C"
    assert parse("Let's check C. It says all X are Y.") is None


@pytest.mark.parametrize("form", ["Answer: {}", "The answer is {}", "{}"])
def test_a_small_letter_with_its_bracket_is_read_like_one_in_brackets(form):
    for one in ("b)", "b) some dogs do not bark", "option b)"):
        assert verify(form.format(one), "B", "choice").lenient
    for text in ("b) or c)", "b) and c)", "b), c)", "b) c)", "b) or c", "b) is wrong", "b) is not right"):
        for gold in "BC":
            assert not verify(form.format(text), gold, "choice").lenient
