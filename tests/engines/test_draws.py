"""Random draws: uniform, fixed by seed and position, as often as tokens are likely."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slmr.config import Truncation
from slmr.engines.draws import pick, truncate, uniforms
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


# --- truncation -----------------------------------------------------------------------------------

LIKELY = [0.05, 0.4, 0.1, 0.25, 0.2]  # ranked: tokens 1, 3, 4, 2, 0


@pytest.mark.parametrize(
    ("truncation", "tokens"),
    [
        ({"top_p": 0.39}, [1]),  # 0.4 reaches it
        ({"top_p": 0.41}, [1, 3]),
        ({"top_p": 0.64}, [1, 3]),  # 0.65
        ({"top_p": 0.66}, [1, 3, 4]),  # 0.85
        ({"top_p": 0.96}, [0, 1, 2, 3, 4]),  # 0.95 does not reach it
        ({"top_p": 1e-9}, [1]),
        ({"top_k": 2}, [1, 3]),
        ({"top_k": 9}, [0, 1, 2, 3, 4]),
        ({"min_p": 0.49}, [1, 3, 4]),  # at least 0.196
        ({"min_p": 0.51}, [1, 3]),
        ({"min_p": 1.0}, [1]),
        ({"top_k": 2, "top_p": 0.62}, [1, 3]),  # 0.4 of 0.65 is 0.615
        ({"top_k": 2, "top_p": 0.61}, [1]),
        ({"min_p": 0.49, "top_p": 0.47}, [1]),  # 0.4 of 0.85 is 0.471
        ({"min_p": 0.26, "top_k": 3, "top_p": 0.8}, [1, 3, 4]),
    ],
)
def test_truncation_keeps_what_a_hand_computes(truncation: dict[str, float], tokens: list[int]) -> None:
    kept = truncate(torch.tensor([LIKELY]).log(), Truncation(**truncation))[0].exp()  # type: ignore[arg-type]
    total = sum(LIKELY[token] for token in tokens)
    expected = [LIKELY[token] / total if token in tokens else 0.0 for token in range(5)]
    assert kept.tolist() == pytest.approx(expected, abs=1e-6)


LOGITS = st.lists(st.floats(-20, 20, width=32), min_size=2, max_size=30).map(lambda row: torch.tensor([row]))
DRAW = st.floats(0, 1, exclude_max=True)


@given(LOGITS, DRAW, st.floats(0.1, 3))
def test_one_token_is_greedy_with_equal_ones_too(logits: torch.Tensor, draw: float, temperature: float) -> None:
    token, logprob = pick(logits, temperature, np.array([draw]), Truncation(top_k=1))
    assert token == logits.argmax() and logprob == 0


@given(LOGITS, st.floats(0.01, 1))
def test_top_p_keeps_the_smallest_set_whose_mass_reaches_p(logits: torch.Tensor, top_p: float) -> None:
    logprobs = logits.log_softmax(-1)
    kept = truncate(logprobs, Truncation(top_p=top_p))[0].isfinite()
    inside, outside = logprobs[0][kept].double().exp(), logprobs[0][~kept].double().exp()
    assert inside.sum() >= top_p - 1e-6 and inside.sum() - inside.min() < top_p + 1e-6
    assert not len(outside) or outside.max() <= inside.min()


@given(st.lists(DRAW, min_size=1, max_size=9), st.data())
def test_what_shares_a_batch_changes_no_draw(draws: list[float], data: st.DataObject) -> None:
    logits = torch.randn((len(draws), 40), generator=torch.Generator().manual_seed(len(draws)))
    truncation = Truncation(
        top_p=data.draw(st.floats(0.1, 1)), top_k=data.draw(st.integers(0, 40)), min_p=data.draw(st.floats(0, 0.5))
    )
    at = np.array(draws)
    tokens, logprobs = pick(logits, 0.6, at, truncation)
    for i in range(len(draws)):
        token, logprob = pick(logits[i : i + 1], 0.6, at[i : i + 1], truncation)
        assert (token, logprob) == (tokens[i], logprobs[i])


def test_truncated_tokens_are_never_drawn_and_the_others_as_often_as_they_are_likely() -> None:
    draws = uniforms(range(20_000), [0] * 20_000)
    logits = torch.tensor(LIKELY).log().expand(len(draws), -1)
    tokens, logprobs = pick(logits, 1.0, draws, Truncation(top_k=3))
    shares = torch.bincount(tokens, minlength=5) / len(draws)
    expected = torch.tensor([0.0, 0.4, 0.0, 0.25, 0.2]) / 0.85
    assert shares.tolist() == pytest.approx(expected.tolist(), abs=0.015) and shares[0] == shares[2] == 0
    assert logprobs.exp().tolist() == pytest.approx(expected[tokens].tolist(), abs=1e-6)


def test_nan_is_an_error_with_truncation_too() -> None:
    for truncation in (Truncation(top_p=0.9), Truncation(top_k=1), Truncation(min_p=0.1)):
        with pytest.raises(WorkError, match="computes NaN"):
            pick(torch.tensor([[0.0, math.nan, 1.0]]), 1.0, uniforms([0], [0]), truncation)
