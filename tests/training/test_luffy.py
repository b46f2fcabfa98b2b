"""LUFFY: the teacher's completion in each group, and the mixed objective by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from slmr.engines.decode import Generation
from slmr.engines.transformers import load_tokenizer
from slmr.lab import model_path
from slmr.training.group_reward import GroupReward
from slmr.training.luffy import LuffyParams, MixedRollouts, shaped, trainer_class
from slmr.training.rollouts import Rollouts
from tests.training.toy import real_trainer, rolled

TOKENIZER = load_tokenizer(model_path("lab-llama"))


def test_the_last_completion_of_a_group_is_the_teachers(monkeypatch: pytest.MonkeyPatch) -> None:
    def sample(self: Rollouts, problems: Any, where: Any, prefixes: Any = None) -> list[list[Generation]]:
        ids = [*TOKENIZER("#### 2", add_special_tokens=False)["input_ids"], TOKENIZER.eos_token_id]  # type: ignore[misc]
        return [[Generation(0, (5, 6), 0, list(ids), [-1.0] * 3)] * self.self_generated(p) for p in problems]

    monkeypatch.setattr(Rollouts, "sample", sample)
    problems = [{"id": n, "prompt": f"{n} + 1?", "gold": "1", "kind": "numeric"} for n in ("1", "2")]
    reward = GroupReward(3)
    rollouts = MixedRollouts(problems, LuffyParams(group_size=3), reward, 0, traces={"1": "#### 1"})
    found = rolled(rollouts, problems, 3)
    assert found["taught"] == [False, False, True, False, False, False]
    taught = found["completion_ids"][2]
    assert TOKENIZER.decode(taught, skip_special_tokens=True) == "#### 1" and taught[-1] == TOKENIZER.eos_token_id
    assert found["logprobs"][2] == [0.0] * len(taught) and found["prompt_ids"][2] == [5, 6]


def luffy_loss(folder: Path, advantages: list[float], gamma: float = 0.1, **changes: Any) -> tuple[Any, torch.Tensor]:
    """Loss and the gradient by log-probabilities; the first row is the student's, the second the teacher's."""
    trainer = real_trainer(folder, lambda: trainer_class(gamma), **changes)
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


def test_luffy_has_no_kl() -> None:
    with pytest.raises(ValueError, match="no KL"):
        LuffyParams(beta=0.1)
