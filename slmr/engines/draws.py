"""Random draws of tokens that depend on the completion's seed and position, and on nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slmr.config import WHOLE_DISTRIBUTION, Truncation
from slmr.engines import Prompt
from slmr.errors import WorkError
from slmr.io import digest

if TYPE_CHECKING:
    import numpy as np
    import torch

SEED_BITS = 0x7FFFFFFF  # mask: vLLM and other servers accept no longer seeds


def row_seed(seed: int, prompt: Prompt) -> int:
    """The seed of one completion: it depends on the prompt and its sample index, not on the other prompts."""
    return int(digest([seed, prompt.messages(), prompt.prefix, prompt.sample_index]), 16)


def uniforms(seeds: Sequence[int], positions: Sequence[int]) -> np.ndarray:
    """One uniform draw in [0, 1) for each (seed, position): SplitMix64 (Steele, Lea, Flood 2014) as a counter.

    A completion gets the same draws whatever shares its batch, also after a resume.
    """
    import numpy as np

    mixed = np.array(seeds, dtype=np.uint64)
    mixed = _mix(mixed + (np.array(positions, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15))
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mix(z: np.ndarray) -> np.ndarray:
    """SplitMix64's finalizer."""
    import numpy as np

    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def pick(
    logits: torch.Tensor, temperature: float, draws: np.ndarray | None, truncation: Truncation = WHOLE_DISTRIBUTION
) -> tuple[torch.Tensor, torch.Tensor]:
    """The next token of each row and its log-probability in nats, [rows] each.

    Greedy at temperature 0 (then the log-probability is the model's own), else the inverse of the
    truncated cumulative distribution at the row's draw.

    Raises:
        WorkError: a row has no distribution, because the model computed NaN.
    """
    import torch

    logprobs = (logits.float() / (temperature or 1.0)).log_softmax(-1)
    if temperature == 0:
        tokens = logits.argmax(-1)
    else:
        if truncation.cuts:
            logprobs = truncate(logprobs, truncation)
        # In double precision: over a large vocabulary, single precision would lose rare tokens.
        cumulative = logprobs.double().exp().cumsum(-1)
        targets = torch.as_tensor(draws, device=logits.device)[:, None] * cumulative[:, -1:]
        tokens = torch.searchsorted(cumulative, targets, right=True)[:, 0].clamp(max=logits.shape[-1] - 1)
    picked = logprobs.gather(-1, tokens[:, None])[:, 0]
    if picked.isnan().any():
        raise WorkError(
            "the model computes NaN instead of probabilities: its weights are damaged, as after a training that"
            " diverged, or its numbers overflow in 16 bits (then take dtype float32)"
        )
    return tokens, picked


def truncate(logprobs: torch.Tensor, truncation: Truncation) -> torch.Tensor:
    """Log-probabilities [rows, vocabulary] without the tokens that are cut, which get -inf, renormalised."""
    import torch

    ranked, order = logprobs.sort(dim=-1, descending=True, stable=True)
    keep = ranked.exp() >= truncation.min_p * ranked[:, :1].exp()
    if truncation.top_k:
        keep[:, truncation.top_k :] = False
    probabilities = ranked.double().masked_fill(~keep, -torch.inf).softmax(-1)
    before = probabilities.cumsum(-1).roll(1, -1)  # of the more likely tokens together
    keep[:, 1:] &= before[:, 1:] < truncation.top_p
    ranked = ranked.masked_fill(~keep, -torch.inf).log_softmax(-1)
    return torch.empty_like(ranked).scatter_(-1, order, ranked)
