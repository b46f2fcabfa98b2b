"""Random draws: uniform, fixed by seed and position, as often as tokens are likely."""

from __future__ import annotations

import math

import pytest
import torch

from slmr.engines.draws import pick, uniforms
from slmr.errors import WorkError


def test_uniforms_are_uniform_and_fixed() -> None:
    draws = uniforms(range(20_000), [3] * 20_000)
    assert draws.min() >= 0 and draws.max() < 1
    assert abs(draws.mean() - 0.5) < 4 / math.sqrt(12 * len(draws))
    counts, _ = torch.tensor(draws).histc(20, 0, 1).sort()
    assert counts[0] > 850 and counts[-1] < 1150
    assert uniforms([2**64 - 1, 0], [7, 0]).tolist() == uniforms([2**64 - 1, 0], [7, 0]).tolist()
    assert uniforms([0], [0])[0] == pytest.approx(0xE220A8397B1DCDAF / 2**64)  # SplitMix64's first output


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    probabilities = torch.tensor([0.5, 0.0, 0.2, 0.3])
    draws = uniforms(range(20_000), [0] * 20_000)
    tokens, logprobs = pick(probabilities.log().expand(len(draws), -1), 1.0, draws)
    shares = torch.bincount(tokens, minlength=4) / len(draws)
    assert shares.tolist() == pytest.approx(probabilities.tolist(), abs=0.015) and shares[1] == 0
    assert logprobs.exp().tolist() == pytest.approx(probabilities[tokens].tolist(), abs=1e-6)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_model_that_computes_nan_is_an_error_and_draws_nothing(temperature: float) -> None:
    logits = torch.tensor([[0.0, 1.0, -math.inf], [0.0, math.nan, 1.0]])
    pick(logits[:1], temperature, uniforms([0], [0]))
    with pytest.raises(WorkError, match=r"computes NaN.*weights are damaged"):
        pick(logits, temperature, uniforms([0, 1], [0, 0]))
