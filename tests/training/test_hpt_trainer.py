"""The trainer of HPT: the weight of SFT's loss beside Dr. GRPO's by hand."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from slmr.engines.scoring import next_token_nll
from slmr.engines.transformers import load_tokenizer
from slmr.lab import model_path
from slmr.training.hpt_trainer import HybridTrainer, hybrid_advantages
from tests.training.toy import real_trainer

TOKENIZER = load_tokenizer(model_path("lab-llama"))
DR_GRPO: dict[str, Any] = {"loss": "dr_grpo", "scale_rewards": "none"}


def test_the_weights_by_hand() -> None:
    """Two groups of two at max_tokens 10: the first is RL's; the second has a demonstration of 4 tokens."""
    mask = torch.tensor([[1] * 3 + [0] * 2, [1] * 5, [1] * 2 + [0] * 3, [1] * 4 + [0]])
    taught = torch.tensor([False, False, False, True])
    found = hybrid_advantages(torch.tensor([0.5, -0.5, -0.5, 0.5]), mask, taught, 2, 10)
    assert found.tolist() == [0.5, -0.5, 0.0, 2 * 10 / 4]


@pytest.mark.parametrize("weight", [1.0, 0.25])
def test_the_gradient_is_sfts_where_all_fail_and_dr_grpos_elsewhere(weight: float, tmp_path: Path) -> None:
    """The mean over two problems: -mean log p of the demonstration for one, Dr. GRPO's loss for the other."""
    trainer = real_trainer(tmp_path, partial(HybridTrainer, weight), prompts_per_step=2, **DR_GRPO)
    head = TOKENIZER("1 + 1?")["input_ids"]
    rest = [
        TOKENIZER(t, add_special_tokens=False)["input_ids"] + [TOKENIZER.eos_token_id]  # type: ignore[operator]
        for t in ("#### 2", "#### 3", "#### 4", "1 + 1 = 2")
    ]
    trainer.rollout_func = lambda prompts, _: {
        "prompt_ids": [head] * 4,
        "completion_ids": rest,
        "logprobs": [[-1.0] * len(r) for r in rest],
        "taught": [False, False, False, True],
    }
    trainer.reward_funcs = [lambda **_: [1.0, 0.0, 0.0, 1.0]]
    inputs = trainer._generate_and_score_completions([{"prompt": "1 + 1?"} for _ in range(4)])
    assert inputs["advantages"][:3].tolist() == [0.5, -0.5, 0.0]
    trainer._compute_loss(trainer.model, inputs).backward()
    found = {name: p.grad.clone() for name, p in trainer.model.named_parameters()}

    trainer.model.zero_grad()
    nlls = []
    for row in rest:
        ids = torch.tensor([head + row])
        nlls.append(next_token_nll(trainer.model, ids, ids)[0, len(head) - 1 :])
    # The ratio is 1 and its gradient that of log p; Dr. GRPO's constant is 10 tokens, over two completions.
    policy = (0.5 * nlls[0].sum() - 0.5 * nlls[1].sum()) / (2 * 10)
    ((policy + weight * nlls[3].mean()) / 2).backward()
    for name, p in trainer.model.named_parameters():
        assert torch.allclose(found[name], p.grad, rtol=1e-3, atol=1e-6), name
