"""What is judged of a completion: only what the model said last, and nothing that it did not say."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.rewards import reward, text_of

CALL = [{"id": "1", "type": "function", "function": {"name": "add", "arguments": "{}"}}]
EMPTY: list[Any] = [
    None,
    "",
    [],
    {},
    [{"role": "assistant"}],
    [{"role": "assistant", "content": None}],
    [{"role": "assistant", "content": []}],
    [{"role": "assistant", "content": None, "tool_calls": CALL}],
    {"role": "assistant", "content": None},
    [SimpleNamespace(role="assistant", content=None)],
    [{"role": "user", "content": "#### 7"}],
    [{"role": "assistant", "content": [{"type": "image_url"}]}],
    [{"role": "assistant", "content": [{"type": "text", "text": None}]}],
    [{"role": "assistant", "content": [{"type": "reasoning", "text": "#### 7"}]}],
    [{"role": "assistant", "tool_calls": CALL}, {"role": "tool", "content": "#### 7"}],
]


@pytest.mark.parametrize("kind", ["numeric", "math", "choice"])
def test_what_says_nothing_is_no_answer_and_no_crash(kind: str) -> None:
    logged: dict[str, float] = {}
    gold = "B" if kind == "choice" else "7"
    paid = reward(kind)(EMPTY, gold=[gold] * len(EMPTY), log_metric=logged.__setitem__)
    assert [text_of(completion) for completion in EMPTY] == [""] * len(EMPTY)
    assert paid == [0.0] * len(EMPTY) and logged["no_answer"] == 1.0


@given(st.text())
def test_text_is_found_wherever_it_stands(text: str) -> None:
    said = {"role": "assistant", "content": text}
    asked = {"role": "user", "content": "#### 7"}
    parts = [
        {"type": "image_url"},
        {"type": "text", "text": text[:1]},
        {"type": "output_text", "text": text[1:]},
    ]
    spoken = SimpleNamespace(role="assistant", content=text)
    for completion in (
        text,
        said,
        [said],
        [asked, said],
        [said, asked],
        (said,),
        spoken,
        [spoken],
        [{"content": text}],
        [{"role": "assistant", "content": parts}],
        [{"role": "assistant", "content": [text]}],
        [{"role": "assistant", "content": "before"}, {"role": "tool", "content": "5"}, said],
    ):
        assert text_of(completion) == text
