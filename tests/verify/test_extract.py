"""Finding the answer: thoughts, special tokens, boxes, statements, hedges and retractions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify import extract
from slmr.verify.verdict import Answer


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        ("4", "4"), ("<think>3</think>4", "4"), ("a</think>b</think>c", "c"), ("<think>3", None),
        ("4</think><think>5", None), ("4<|im_end|>", "4"), ("4<|eot_id|><|start_header_id|>assistant", "4"), ("", ""),
        ("4</s>\n", "4"),
    ],
)  # fmt: skip
def test_what_follows_the_closed_thought_is_visible(completion: str, text: str | None) -> None:
    assert extract.visible(completion) == text


def test_only_the_end_of_a_very_long_text_is_looked_at() -> None:
    text = "a" * 10 + "b" * extract.MAX_LENGTH
    assert extract.visible(text) == "b" * extract.MAX_LENGTH


def test_odd_characters_get_one_spelling() -> None:
    assert extract.fold("\uff11\uff12\u2212\u0663\u200b\u00a0\uff08x\uff09") == "12-3 (x)"


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_ascii_stays_as_it_is_and_twice_is_as_once(text: str) -> None:
    assert extract.fold(text) == text
    assert extract.fold(extract.fold(f"{text}\uff11")) == extract.fold(f"{text}\uff11")


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
    assert [content for content, _ in extract.boxed(text)] == contents


@given(
    st.lists(st.text(alphabet="ab{}", max_size=6).filter(lambda t: t.count("{") == t.count("}")), max_size=3)
)
def test_a_box_ends_where_its_braces_are_balanced(contents: list[str]) -> None:
    well_formed = [c for c in contents if all(c[:i].count("{") >= c[:i].count("}") for i in range(len(c)))]
    text = " stop ".join(rf"\boxed{{{content}}}" for content in well_formed)
    boxes = extract.boxed(text)
    assert [content for content, _ in boxes] == well_formed
    assert all(text[end - 1] == "}" for _, end in boxes)


def test_the_last_find_counts_unless_it_is_taken_back() -> None:
    text = "#### 3 #### 4 done"
    assert extract.closing([("3", 6), ("4", 13)], text) == ("4", " done")
    assert extract.closing([("3", 6)], "#### 3 Wait, no.") is None
    assert extract.closing([], text) is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is 5. So it is.", "5"), ("Final answer: **7**", "7"), ("result = 3; and so on", "3"),
        ("The answer is 4.5 km", "4.5 km"), ("The answer is 5. Actually, no.", None), ("The answer is", None),
        ("no statement", None), ("The answer is 1.\nThe answer is therefore 2", "2"),
    ],
)  # fmt: skip
def test_what_follows_the_answer_is(text: str, answer: str | None) -> None:
    assert extract.said(text) == (None if answer is None else Answer(answer, False))


@pytest.mark.parametrize(
    "tail", ["Wait", "no, wait", "Actually it is 5", "Sorry!", "It should be 7", "No, it is 3"]
)
def test_a_retraction_is_seen(tail: str) -> None:
    assert extract.retracted(tail)
    assert not extract.retracted("which is what was asked. Nothing to add.")


def test_hedges_doubts_lines_and_restatements() -> None:
    assert extract.hedged("3 or 4") and extract.hedged("maybe 3") and not extract.hedged("3 for sure")
    assert extract.unsure("I am not sure") and not extract.unsure("I am sure")
    assert extract.last_lines(" a \n\n b\n") == ["a", "b"]
    assert extract.restated("So the answer is 5. Yes.\nOr: answer: *6*\n") == ["5", "6"]
    assert extract.restated("nothing") == []
