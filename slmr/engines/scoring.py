"""Negative log-likelihoods of given tokens under a loaded model, and padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch

IGNORED = -100  # the label of a token that is not scored; torch's default


def padded(rows: Sequence[Sequence[int]], pad: int, width: int = 0) -> torch.Tensor:
    """The rows as a tensor, [rows, longest], at least `width` wide, padded on the right.

    A causal model never looks there, so padding changes neither positions nor results.
    """
    import torch

    width = max(width, *map(len, rows))
    return torch.tensor([[*row, *[pad] * (width - len(row))] for row in rows])


def padded_with_mask(rows: Sequence[Sequence[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Padded ids and their attention mask, both [rows, longest]."""
    return padded(rows, pad), padded([[1] * len(row) for row in rows], 0)


def next_token_nll(
    model: Any,
    ids: torch.Tensor,
    labels: torch.Tensor,
    attention_mask: torch.Tensor | None = None,
    reduction: Literal["none", "mean"] = "none",
) -> torch.Tensor:
    """Negative log-likelihood, in nats and float32, of each label but the first, given the tokens before it.

    Args:
        ids, labels, attention_mask: [rows, width]; labels that are `IGNORED` are not scored.
        reduction: `none` gives [rows, width - 1], with 0 for tokens that are not scored; `mean` a scalar.
    """
    import torch

    logits = model(input_ids=ids, attention_mask=attention_mask).logits[:, :-1].float()
    return torch.nn.functional.cross_entropy(
        logits.transpose(1, 2), labels[:, 1:], ignore_index=IGNORED, reduction=reduction
    )


def completion_nlls(
    model: Any, pairs: Sequence[tuple[Sequence[int], Sequence[int]]], width: int = 0
) -> list[torch.Tensor]:
    """NLL in nats of each token of each completion; `pairs` are (prompt, completion) token ids. Without gradient."""
    import torch

    ids = padded([[*prompt, *completion] for prompt, completion in pairs], 0, width).to(model.device)
    with torch.inference_mode():
        nlls = next_token_nll(model, ids, ids)
    return [
        row[len(prompt) - 1 : len(prompt) + len(completion) - 1]
        for row, (prompt, completion) in zip(nlls, pairs, strict=True)
    ]
