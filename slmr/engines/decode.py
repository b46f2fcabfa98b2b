"""Decoding a batch with a local model: finished rows leave the batch, so the rest goes faster.

transformers' own `generate` carries every row until the longest is done. Answers differ in length, and
for a small model the memory traffic of the finished rows is most of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_COMPACT_SHARE = 0.125  # of the batch finished before the cache is copied without them


def decode(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    *,
    max_tokens: int,
    temperature: float,
    ends: Sequence[int],
    pad: int,
    generator: torch.Generator | None = None,
    stopped: Callable[[list[int]], bool] | None = None,
) -> list[list[int]]:
    """Continues each prompt until an end token, `stopped`, or `max_tokens`.

    Greedy at temperature 0, else drawn from the whole distribution. Returns the new token ids of each
    prompt, the end token included.
    """
    import torch
    from transformers import DynamicCache

    width = max(map(len, prompts))
    ids = torch.tensor([[pad] * (width - len(p)) + list(p) for p in prompts], device=model.device)
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=model.device)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    cache, ends_at = DynamicCache(), torch.tensor(list(ends), device=model.device)
    outputs: list[list[int]] = [[] for _ in prompts]
    rows = list(range(len(prompts)))
    done = torch.zeros(len(prompts), dtype=torch.bool, device=model.device)
    with torch.inference_mode():
        for _ in range(max_tokens):
            logits = model(
                input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]  # fmt: skip
            ids = _pick(logits, temperature, generator)
            alive = (~done).tolist()
            for row, token, going in zip(rows, ids[:, 0].tolist(), alive, strict=True):
                if going:
                    outputs[row].append(token)
            done |= torch.isin(ids[:, 0], ends_at)
            if stopped:
                done |= torch.tensor([stopped(outputs[row]) for row in rows], device=model.device)
            if bool(done.all()):
                break
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
            positions = positions[:, -1:] + 1
            if done.float().mean() >= _COMPACT_SHARE:
                kept = (~done).nonzero()[:, 0]
                cache.batch_select_indices(kept)
                ids, mask, positions, done = ids[kept], mask[kept], positions[kept], done[kept]
                rows = [rows[i] for i in kept.tolist()]
    return outputs


def _pick(logits: torch.Tensor, temperature: float, generator: torch.Generator | None) -> torch.Tensor:
    """The next token of each row, [rows, 1]."""
    import torch

    if temperature == 0:
        return logits.argmax(-1, keepdim=True)
    return torch.multinomial((logits.float() / temperature).softmax(-1), 1, generator=generator)
