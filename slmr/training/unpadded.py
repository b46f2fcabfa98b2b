"""TRL's GRPOTrainer without computing padding, and without gradients for completions with advantage 0."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch.nn.functional import pad
from trl import GRPOTrainer

MAX_MICROBATCHES, MIN_ROWS = 8, 4  # the minimum is of one micro-batch


class UnpaddedTrainer(GRPOTrainer):
    """Computes the same losses and gradients as TRL's trainer, up to rounding.

    TRL sends all completions of a step through the model together, padded to the longest prompt and the longest
    completion; here they go in micro-batches of similar length. Without a KL term, a completion with advantage 0 has no
    gradient, so it is computed without a graph, only for the metrics (entropy, the gap to the sampler).

    With several processes TRL's pass is used, because all processes need the same number of passes.
    """

    _silent: torch.Tensor | None = None  # [B]: the rows of the current loss that need no gradient

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        self._silent = None if self.beta else without_gradient(inputs)
        try:
            return super()._compute_loss(model, inputs)
        finally:
            self._silent = None

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        logits_to_keep: int,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Log-probabilities [B, T] and entropies of the last T = `logits_to_keep` tokens; 0 for padding."""
        whole = super()._get_per_token_logps_and_entropies
        if self.accelerator.num_processes > 1 or kwargs.get("compute_aux_loss"):
            return whole(model, input_ids, attention_mask, logits_to_keep, *args, **kwargs)
        silent = self._silent if self._silent is not None else torch.zeros(len(input_ids), dtype=torch.bool)
        order, outputs = [], []
        for part in microbatches(attention_mask, logits_to_keep, silent):
            rows, columns = part.rows, slice(part.start, part.stop)
            scored = part.stop - (input_ids.shape[1] - logits_to_keep)
            with torch.set_grad_enabled(part.graph and torch.is_grad_enabled()):
                logps, entropies, _ = whole(
                    model, input_ids[rows, columns], attention_mask[rows, columns], scored, *args, **kwargs
                )
            order.append(rows)
            outputs.append([None if x is None else pad(x, (0, logits_to_keep - scored)) for x in (logps, entropies)])
        back = torch.cat(order).argsort()
        logps, entropies = (None if x[0] is None else torch.cat(x)[back] for x in zip(*outputs, strict=True))
        return logps, entropies, None


def without_gradient(inputs: dict[str, Any]) -> torch.Tensor:
    """Which rows [B] have advantage 0 or only masked tokens; never all, because the loss needs a graph."""
    advantages, mask = inputs["advantages"], inputs["completion_mask"]
    silent = (advantages.reshape(len(mask), -1) == 0).all(dim=1) | ~mask.bool().any(dim=1)
    if silent.all():
        silent[mask.sum(dim=1).argmin()] = False
    return silent.cpu()


class Microbatch(NamedTuple):
    """Rows that go through the model together: their indices, their range of columns, and whether with a graph."""

    rows: torch.Tensor
    start: int
    stop: int
    graph: bool


def microbatches(attention_mask: torch.Tensor, scored: int, silent: torch.Tensor) -> Iterator[Microbatch]:
    """Divides all rows into micro-batches of similar length.

    Args:
        attention_mask: [B, W]; prompts are padded on the left, completions on the right.
        scored: number of columns of the completion, which are the last ones.
        silent: [B], the rows that need no graph.
    """
    mask = attention_mask.cpu().bool()
    width = mask.shape[1]
    first = mask.int().argmax(dim=1)
    last = width - mask.flip(1).int().argmax(dim=1)
    last = last.clamp(min=width - scored + 1)  # a completion may be masked completely
    for graph in (True, False):
        rows = (silent != graph).nonzero()[:, 0]
        if len(rows):
            rows = rows[mask[rows].sum(dim=1).argsort(stable=True)]
            for some in rows.tensor_split(min(MAX_MICROBATCHES, math.ceil(len(rows) / MIN_ROWS))):
                yield Microbatch(some, int(first[some].min()), int(last[some].max()), graph)
