"""The context of a model: both ways of decoding end a completion where it ends, and no prompt is cut without a word."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from slmr.engines.context import context_length
from slmr.engines.decode import Decoding, Generation, decode
from slmr.engines.sampler import check_room, generate
from slmr.errors import RequestError


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
