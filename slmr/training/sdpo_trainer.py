"""TRL's SDPOTrainer, which samples with slmr's sampler and counts tokens."""

from __future__ import annotations

from typing import Any

import torch
from trl.experimental.sdpo import SDPOTrainer

from slmr.engines.decode import Generation
from slmr.io import digest
from slmr.training import parallel
from slmr.training.gkd import SlmrSampling

_SdpoTrainer: Any = SDPOTrainer


class SelfDistilledPolicy(SlmrSampling, _SdpoTrainer):
    """Counts the tokens that are trained on, and those that are read with feedback."""

    def _generate(self, prompt_ids: list[list[int]]) -> tuple[list[list[int]], list[list[int]]]:
        origin = ["sdpo", self.sampling.seed, self.state.global_step, parallel.rank()]
        rows = [Generation(i, tuple(ids), int(digest([*origin, i]), 16)) for i, ids in enumerate(prompt_ids)]
        self.fill(rows)
        return prompt_ids, [row.ids for row in rows]

    def compute_loss(self, model: Any, inputs: dict[str, torch.Tensor], *args: Any, **kwargs: Any) -> Any:
        self.spent.trained += int(inputs["prompt_mask"].sum() + inputs["completion_mask"].sum())
        self.spent.scored += int(inputs["teacher_attention_mask"].sum())
        return super().compute_loss(model, inputs, *args, **kwargs)
