"""The trainer of HPT: advantages that give each problem its own loss."""

from __future__ import annotations

from typing import Any

import torch

from slmr.training.sampler_gap import GapTrainer


class HybridTrainer(GapTrainer):
    """Dr. GRPO, but SFT, with weight `sft_weight`, in groups with a demonstration."""

    def __init__(self, sft_weight: float, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._sft_weight = sft_weight

    def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
        output = super()._generate_and_score_completions(inputs)
        output["advantages"] = hybrid_advantages(
            output["advantages"],
            output["completion_mask"],
            output["taught"],
            int(self.num_generations or 0),
            self._sft_weight * int(self.max_completion_length or 0),
        )
        return output


def hybrid_advantages(
    advantages: torch.Tensor, mask: torch.Tensor, taught: torch.Tensor, group_size: int, constant: float
) -> torch.Tensor:
    """Advantages [B] with which Dr. GRPO's gradient, weighted 1/(B constant) per token, is that of each problem's loss.

    In a group with a demonstration of n tokens, the demonstration gets `group_size` x `constant` / n, so that each of
    its tokens has the weight 1/n of a problem, and the others get 0. Other groups are unchanged.

    Args:
        advantages, taught: [B], group by group; taught marks demonstrations.
        mask: [B, T], the tokens that enter the loss.
        group_size: completions per group.
        constant: Dr. GRPO's constant times the weight of the SFT loss.
    """
    switched = taught.view(-1, group_size).any(dim=1).repeat_interleave(group_size)
    tokens = mask.sum(dim=1).clamp(min=1)
    weights = torch.where(taught, group_size * constant / tokens, 0.0)
    return torch.where(switched, weights.to(advantages.dtype), advantages)
