"""Where a sentence ends, for which rule."""

from __future__ import annotations

import pytest

from slmr.verify.reading.sentences import (
    GAP,
    PARAGRAPH_SENTENCE_END,
    SENTENCE_END,
    STATEMENT_END,
    any_of,
    last_sentence,
    pattern,
)


def test_what_ends_a_sentence() -> None:
    text = "It is 3; no. So\n4! 答え。5"
    assert SENTENCE_END.split(text) == ["It is 3; no.", "So", "4!", "答え。5"]
    assert GAP.split(text) == ["It is 3; no", "So", "4", "答え。5"]
    assert PARAGRAPH_SENTENCE_END.split(text) == ["It is 3; no.", "So\n4!", "答え。", "5"]
    assert STATEMENT_END.split(text) == ["It is 3;", "no.", "So", "4!", "答え。", "5"]


@pytest.mark.parametrize(
    ("text", "last"), [("A is 1.5. B is 2", "B is 2"), ("x\ny", "y"), ("Done.", "Done."), ("", "")]
)
def test_the_last_sentence(text: str, last: str) -> None:
    assert last_sentence(text) == last


def test_cue_words_are_read_in_any_case() -> None:
    assert pattern(any_of("wait", "no") + r"\b").match("WAIT, it is 3")
