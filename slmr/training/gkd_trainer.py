"""TRL's GKDTrainer, which samples with slmr's sampler and counts tokens."""

from __future__ import annotations

from typing import Any

import torch
from trl.experimental.gkd import GKDTrainer

from slmr.engines.decode import Generation
from slmr.engines.scoring import IGNORED, padded, padded_with_mask
from slmr.io import digest
from slmr.training import parallel
from slmr.training.gkd import SlmrSampling

_GkdTrainer: Any = GKDTrainer  # its types are for images and audio, too


class Distiller(SlmrSampling, _GkdTrainer):
    """Trains on the teacher's divergence, which a subclass may define."""

    def generate_on_policy_outputs(self, model: Any, inputs: dict[str, Any], _: Any) -> Any:  # type: ignore[override]
        """The student's completions of the prompts: ids, attention mask, labels."""
        lengths = inputs["prompt_attention_mask"].sum(1).tolist()
        heads = [tuple(row[:n]) for row, n in zip(inputs["prompts"].tolist(), lengths, strict=True)]
        origin = [self.sampling.seed, self.state.global_step]
        first = parallel.rank() * len(heads)  # index in the step's whole batch
        rows = [Generation(i, head, int(digest(["gkd", *origin, first + i]), 16)) for i, head in enumerate(heads)]
        self.fill(rows)
        pad, device = self.processing_class.pad_token_id, inputs["prompts"].device
        ids, mask = padded_with_mask([[*row.prompt, *row.ids] for row in rows], pad)
        labels = padded([[IGNORED] * len(row.prompt) + row.ids for row in rows], IGNORED)
        return ids.to(device), mask.to(device), labels.to(device)

    def divergence(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        """The mean over the completions' tokens of the divergence between student and teacher, in nats."""
        self.spent.scored += int(inputs["attention_mask"].sum())
        # The given number of items counts the traces, not the completions sampled instead, so None is passed.
        return super().compute_loss(model, inputs, False, None)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        self.spent.trained += int(inputs["attention_mask"].sum())
        loss = self.divergence(model, inputs)
        if not parallel.several():
            return loss
        # Each process has the mean over its tokens; weighted so that their mean is the mean over all tokens.
        tokens = (inputs["labels"] != IGNORED).sum()
        return loss * tokens / self.accelerator.gather(tokens).float().mean()
