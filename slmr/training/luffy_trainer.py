"""The trainer of LUFFY: GRPO with the mixed objective."""

from __future__ import annotations

from typing import Any

import torch

from slmr.training.sampler_gap import GapTrainer


class MixedPolicyTrainer(GapTrainer):
    """GRPO with the ratio f(p) for a teacher's tokens.

    The rollouts give a teacher's tokens the log-probability 0, which LUFFY assumes for the old policy; so it
    suffices to replace log p by log f(p) there.
    """

    _taught: torch.Tensor | None = None  # [B]: the teacher's rows in the loss being computed

    def __init__(self, gamma: float, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._gamma = gamma

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        self._taught = inputs["taught"]
        old = inputs["sampling_per_token_logps"]
        loss = super()._compute_loss(model, {**inputs, "old_per_token_logps": old})
        self._taught = None
        return loss

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
        logps, *rest = super()._get_per_token_logps_and_entropies(*args, **kwargs)
        if self._taught is None:  # not called from a loss
            return logps, *rest
        return torch.where(self._taught[:, None], shaped(logps, self._gamma), logps), *rest


def shaped(logps: torch.Tensor, gamma: float) -> torch.Tensor:
    """log f(p) for log p; f(p) = p / (p + gamma), 2504.14945, equation 7."""
    return logps - torch.log(logps.exp() + gamma)
