"""Our decoding against transformers' own `generate` and against plain forward passes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slmr.config import EngineSettings, Truncation
from slmr.engines import Prompt, Sampling, open_engine
from slmr.engines.decode import Decoding, Generation, context_length, decode
from slmr.engines.sampler import check_room, generate
from slmr.errors import RequestError
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
        head = engine.tokenizer.apply_chat_template(prompt.messages(), add_generation_prompt=True)["input_ids"]
        with torch.inference_mode():
            logits = llama(input_ids=torch.tensor([[*head, *done.token_ids]])).logits[0, len(head) - 1 : -1]
        logprobs = (logits / (temperature or 1.0)).log_softmax(-1)
        expected = [float(logprobs[i, token]) for i, token in enumerate(done.token_ids)]
        assert done.logprobs == pytest.approx(expected, abs=1e-4)


NUCLEUS = Sampling(0.6, 24, 3, truncation=Truncation(top_p=0.95, top_k=20, min_p=0.01))


def test_truncated_draws_are_the_same_in_every_batch_size() -> None:
    prompts = [Prompt(f"Tom has {n} apples.", sample_index=draw) for n in range(3, 9) for draw in range(2)]
    drawn = []
    for batch_size in (1, 5, 12):
        engine: Any = open_engine(model_path("lab-llama"), LAB.model_copy(update={"batch_size": batch_size}))
        drawn.append([done.token_ids for done in engine.generate(prompts, NUCLEUS)])
    assert drawn[0] == drawn[1] == drawn[2]
    assert drawn[0] != [done.token_ids for done in engine.generate(prompts, Sampling(0.6, 24, 3))]


def test_one_token_left_is_greedy() -> None:
    engine: Any = open_engine(model_path("lab-llama"), LAB)
    prompts = [Prompt(f"Tom has {n} apples.") for n in range(3, 9)]
    texts = [done.text for done in engine.generate(prompts, Sampling(0.0, 24, 0))]
    for truncation in (Truncation(top_k=1), Truncation(top_p=1e-6), Truncation(min_p=1)):
        drawn = engine.generate(prompts, Sampling(1.5, 24, 7, truncation=truncation))
        assert [done.text for done in drawn] == texts
        assert all(logprob == 0 for done in drawn for logprob in done.logprobs)


# --- the context ----------------------------------------------------------------------------------


def gpt2(positions: int = 24) -> Any:
    """A model whose positions are a table: one more is an IndexError."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(vocab_size=50, n_positions=positions, n_embd=16, n_layer=1, n_head=2)
    return GPT2LMHeadModel(config).eval()


def test_every_name_of_the_bound_is_known() -> None:
    from transformers import LlamaConfig

    assert context_length(gpt2().config) == 24
    assert context_length(LlamaConfig(max_position_embeddings=77)) == 77


@pytest.mark.parametrize("way", [decode, generate])
def test_a_completion_ends_with_the_context_whatever_shares_its_batch(way: Any) -> None:
    model, how = gpt2(), Decoding(16, 0.0, frozenset(), 0, context=24)
    lengths = (20, 4, 23, 12, 20)
    prompts = [tuple((7 * i + n) % 50 for i in range(n)) for n in lengths]
    together = sorted(
        way(model, [Generation(i, p, i) for i, p in enumerate(prompts)], 4, how), key=lambda row: row.index
    )
    assert [len(row.ids) for row in together] == [min(16, 24 - n) for n in lengths]
    for i, prompt in enumerate(prompts):
        (alone,) = way(model, [Generation(0, prompt, i)], 1, how)
        assert alone.ids == together[i].ids


def test_a_prompt_that_leaves_no_room_is_refused() -> None:
    how = Decoding(16, 0.0, frozenset(), 0, context=24)
    check_room([Generation(0, (1,) * 23, 0)], how)
    with pytest.raises(RequestError, match="a prompt has 24 tokens, but the model's context has 24"):
        check_room([Generation(0, (1,) * 5, 0), Generation(1, (1,) * 24, 0)], how)
