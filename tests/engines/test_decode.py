"""Our decoding against transformers' own `generate` and against plain forward passes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slmr.config import EngineSettings
from slmr.engines import Prompt, Sampling, open_engine
from slmr.lab import model_path
from tests.engines.common import greedy, plain_greedy

LAB = EngineSettings(device="cpu", dtype="float32")


WORDS = st.lists(st.integers(5, 700), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None)
@given(prompts=st.lists(WORDS, min_size=1, max_size=7), slots=st.integers(1, 9), tokens=st.integers(1, 12))
def test_greedy_is_what_plain_forward_passes_give(
    llama: Any, prompts: list[list[int]], slots: int, tokens: int
) -> None:
    """Whatever the lengths, the number of slots, refills and repeated prompts."""
    prompts = [*prompts, prompts[0]]
    assert greedy(llama, prompts, tokens, slots) == [plain_greedy(llama, p, tokens) for p in prompts]


def test_logprobs_are_those_of_the_distribution_drawn_from(llama: Any) -> None:
    engine: Any = open_engine(model_path("lab-llama"), LAB)
    prompt = Prompt("Tom has 3 apples.")
    for temperature in (0.0, 0.7, 1.0):
        (done,) = engine.generate([prompt], Sampling(temperature, 12, 5))
        head = engine.tokenizer.apply_chat_template(prompt.messages(), add_generation_prompt=True)[
            "input_ids"
        ]
        with torch.inference_mode():
            logits = llama(input_ids=torch.tensor([[*head, *done.token_ids]])).logits[0, len(head) - 1 : -1]
        logprobs = (logits / (temperature or 1.0)).log_softmax(-1)
        expected = [float(logprobs[i, token]) for i, token in enumerate(done.token_ids)]
        assert done.logprobs == pytest.approx(expected, abs=1e-4)
