"""The trainer of LUFFY: the mixed objective by hand."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import torch

from slmr.training.luffy_trainer import MixedPolicyTrainer, shaped
from tests.training.toy import real_trainer


def luffy_loss(folder: Path, advantages: list[float], gamma: float = 0.1, **changes: Any) -> tuple[Any, torch.Tensor]:
    """Loss and the gradient by log-probabilities; the first row is the student's, the second the teacher's."""
    trainer = real_trainer(folder, partial(MixedPolicyTrainer, gamma), **changes)
    logps = torch.log(torch.tensor([[0.5, 0.4], [0.3, 0.05]])).requires_grad_()
    # What lies under the mixed trainer: the model's own log-probabilities.
    base = type(trainer).__mro__[1]
    original = base._get_per_token_logps_and_entropies
    base._get_per_token_logps_and_entropies = lambda *_, **__: (logps, torch.zeros(2, 2), None)  # type: ignore[method-assign]
    try:
        ones = torch.ones(2, 2, dtype=torch.long)
        old = torch.log(torch.tensor([[0.5, 0.4], [1.0, 1.0]]))
        loss = trainer._compute_loss(
            trainer.model,
            {
                "prompt_ids": ones,
                "prompt_mask": ones,
                "completion_ids": ones,
                "completion_mask": ones,
                "advantages": torch.tensor(advantages),
                "sampling_per_token_logps": old,
                "num_items_in_batch": torch.tensor(4),
                "taught": torch.tensor([False, True]),
            },
        )
    finally:
        base._get_per_token_logps_and_entropies = original  # type: ignore[method-assign]
    loss.backward()
    assert logps.grad is not None
    return loss.item(), logps.grad


def test_the_mixed_objective(tmp_path: Path) -> None:
    """2504.14945, eq. 5-7 with Dr. GRPO's constant: -(sum of r A + sum of f(p) A) / (2 x 10 tokens)."""
    loss, gradient = luffy_loss(tmp_path, [-0.5, 0.5], loss="dr_grpo", scale_rewards="none")
    f = [p / (p + 0.1) for p in (0.3, 0.05)]
    assert math.isclose(loss, (2 * 0.5 - 0.5 * sum(f)) / 20, rel_tol=1e-5)
    # d f(p) / d log p = p gamma / (p + gamma)^2; of the ratio of the student's own tokens it is 1.
    by_hand = [[0.5 / 20] * 2, [-0.5 * p * 0.1 / (p + 0.1) ** 2 / 20 for p in (0.3, 0.05)]]
    assert torch.allclose(gradient, torch.tensor(by_hand), rtol=1e-4)


def test_shaping_turns_to_tokens_that_are_unlikely() -> None:
    likely, unlikely = (p * 0.1 / (p + 0.1) ** 2 / p for p in (0.9, 0.05))
    assert unlikely > likely  # the weight beside that of plain imitation
    assert math.isclose(float(shaped(torch.log(torch.tensor(0.3)), 0.1).exp()), 0.75, rel_tol=1e-6)
