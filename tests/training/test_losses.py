"""TRL's losses and advantages, as our GRPO stage configures them, against values worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from slmr.training.grpo import GrpoParams
from tests.training.toy import real_trainer

LOSSES = ("grpo", "dapo", "dr_grpo", "cispo")
LONGEST = 10  # max_tokens of the trainers here

# Two completions, of two tokens and of one. Ratios 1.25 and 1; 1.8.
NEW = torch.log(torch.tensor([[0.5, 0.4], [0.9, 0.3]]))
OLD = torch.log(torch.tensor([[0.4, 0.4], [0.5, 0.6]]))
MASK = torch.tensor([[1, 1], [1, 0]])


def loss_of(trainer: Any, advantages: list[float], mask: torch.Tensor = MASK, **more: torch.Tensor) -> float:
    """TRL's loss for given log-probabilities."""
    trainer._get_per_token_logps_and_entropies = lambda *_, **__: (NEW, torch.zeros_like(NEW), None)
    ones = torch.ones(2, 2, dtype=torch.long)
    inputs = {
        "prompt_ids": ones[:, :1],
        "prompt_mask": ones[:, :1],
        "completion_ids": ones,
        "completion_mask": mask,
        "advantages": torch.tensor(advantages),
        "old_per_token_logps": OLD,
        "num_items_in_batch": mask.sum(),
        **more,
    }
    return trainer._compute_loss(trainer.model, inputs).item()


def term(ratio: float, advantage: float, low: float = 0.2, high: float = 0.2) -> float:
    """-min(r A, clip(r, 1 - low, 1 + high) A)."""
    return -min(ratio * advantage, min(max(ratio, 1 - low), 1 + high) * advantage)


@pytest.mark.parametrize("advantage", [1.5, -0.5])
def test_grpo_is_the_mean_over_completions_of_token_means(advantage: float, tmp_path: Path) -> None:
    """2402.03300, eq. 3 without KL."""
    by_hand = ((term(1.25, advantage) + term(1.0, advantage)) / 2 + term(1.8, advantage)) / 2
    assert math.isclose(loss_of(real_trainer(tmp_path), [advantage] * 2), by_hand, rel_tol=1e-5)


@pytest.mark.parametrize("advantage", [1.5, -0.5])
def test_dapo_is_the_mean_over_tokens_with_a_higher_upper_clip(advantage: float, tmp_path: Path) -> None:
    """2503.14476, eq. 8: 1.25 is within 1 + 0.28 and stays, 1.8 is clipped to 1.28 where the advantage is positive."""
    trainer = real_trainer(tmp_path, loss="dapo", clip_high=0.28)
    by_hand = sum(term(ratio, advantage, high=0.28) for ratio in (1.25, 1.0, 1.8)) / 3
    assert math.isclose(loss_of(trainer, [advantage] * 2), by_hand, rel_tol=1e-5)
    if advantage > 0:
        assert math.isclose(by_hand, -1.5 * (1.25 + 1.0 + 1.28) / 3)


@pytest.mark.parametrize("advantage", [0.5, -0.5])
def test_dr_grpo_divides_by_a_constant(advantage: float, tmp_path: Path) -> None:
    """2503.20783: no length in the denominator; TRL's constant is completions x max_tokens."""
    trainer = real_trainer(tmp_path, loss="dr_grpo", scale_rewards="none")
    by_hand = sum(term(ratio, advantage) for ratio in (1.25, 1.0, 1.8)) / (2 * LONGEST)
    assert math.isclose(loss_of(trainer, [advantage] * 2), by_hand, rel_tol=1e-5)


@pytest.mark.parametrize("advantage", [1.5, -0.5])
def test_gspos_ratio_is_the_completions(advantage: float, tmp_path: Path) -> None:
    """2507.18071, eq. 7: the geometric mean over tokens, of 1.25 and 1 and of 1.8 alone, clipped as one number."""
    clips = {"low": 3e-4, "high": 4e-4}
    trainer = real_trainer(tmp_path, ratio="sequence", clip_low=clips["low"], clip_high=clips["high"])
    by_hand = (term(math.sqrt(1.25), advantage, **clips) + term(1.8, advantage, **clips)) / 2
    assert math.isclose(loss_of(trainer, [advantage] * 2), by_hand, rel_tol=1e-5)
    wide = real_trainer(tmp_path, ratio="sequence", clip_low=0.9, clip_high=0.9)
    assert math.isclose(loss_of(wide, [advantage] * 2), -advantage * (math.sqrt(1.25) + 1.8) / 2, rel_tol=1e-5)


def test_the_ratio_of_a_completion_is_for_the_mean_over_completions() -> None:
    with pytest.raises(ValueError, match="use grpo"):
        GrpoParams(ratio="sequence", loss="dapo")


def gradient(trainer: Any, advantages: list[float]) -> torch.Tensor:
    """The loss's gradient by the log-probabilities, [2, 2]."""
    logps = NEW.clone().requires_grad_()
    trainer._get_per_token_logps_and_entropies = lambda *_, **__: (logps, torch.zeros(2, 2), None)
    ones = torch.ones(2, 2, dtype=torch.long)
    trainer._compute_loss(
        trainer.model,
        {
            "prompt_ids": ones[:, :1],
            "prompt_mask": ones[:, :1],
            "completion_ids": ones,
            "completion_mask": MASK,
            "advantages": torch.tensor(advantages),
            "old_per_token_logps": OLD,
            "num_items_in_batch": MASK.sum(),
        },
    ).backward()
    assert logps.grad is not None
    return logps.grad


@pytest.mark.parametrize("advantage", [1.5, -0.5])
def test_cispos_weight_is_clipped_and_has_no_gradient(advantage: float, tmp_path: Path) -> None:
    """2506.13585, eq. 4 and 5: -sg(min(ratio, 1 + 0.28)) A log p over the tokens, with no clip below."""
    trainer = real_trainer(tmp_path, loss="cispo", clip_high=0.28)
    weights = torch.tensor([[1.25, 1.0], [1.28, 0.0]])  # the last is masked
    by_hand = -advantage * float((weights * NEW).sum()) / 3
    assert math.isclose(loss_of(trainer, [advantage] * 2), by_hand, rel_tol=1e-5)
    assert torch.allclose(gradient(trainer, [advantage] * 2), -advantage * weights / 3, rtol=1e-5)


def test_cispo_keeps_the_token_that_dapo_lets_go(tmp_path: Path) -> None:
    dapo, cispo = (
        gradient(real_trainer(tmp_path, loss=loss, clip_high=0.28), [1.0, 1.0]) for loss in ("dapo", "cispo")
    )
    assert dapo[1, 0] == 0 and cispo[1, 0] != 0  # its ratio is 1.8
    assert torch.allclose(dapo[0], cispo[0])  # within the clip they are the same


def test_the_lower_clip(tmp_path: Path) -> None:
    trainer = real_trainer(tmp_path, clip_low=0.1, clip_high=0.5)
    ratio = math.exp(float(OLD[0, 0] - NEW[0, 0]))  # 0.8, below 1 - 0.1
    loss = loss_of(trainer, [-1.0, 0.0], torch.tensor([[1, 0], [0, 0]]), old_per_token_logps=2 * NEW - OLD)
    assert math.isclose(ratio, 0.8, rel_tol=1e-6) and math.isclose(loss, 0.9 / 2, rel_tol=1e-5)


def test_the_kl_term(tmp_path: Path) -> None:
    """2402.03300, eq. 4: beta times p_ref/p - log(p_ref/p) - 1, averaged as the policy's terms are."""
    trainer = real_trainer(tmp_path, beta=0.1)
    reference = torch.log(torch.tensor([[0.25, 0.4], [0.9, 0.3]]))  # p_ref/p is 1/2, 1; 1
    by_hand = 0.1 * ((0.5 - math.log(0.5) - 1) / 2) / 2
    assert math.isclose(loss_of(trainer, [0.0, 0.0], ref_per_token_logps=reference), by_hand, rel_tol=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_nothing_is_learnt_where_all_is_masked(loss: str, tmp_path: Path) -> None:
    assert loss_of(real_trainer(tmp_path, loss=loss), [1.0, -1.0], torch.zeros_like(MASK)) == 0.0


@pytest.mark.parametrize(("loss", "divisor"), [("grpo", 2), ("dapo", 2), ("dr_grpo", 2 * LONGEST)])
def test_completions_of_one_token(loss: str, divisor: float, tmp_path: Path) -> None:
    by_hand = (term(1.25, 1.0) + term(1.8, -1.0)) / divisor
    found = loss_of(real_trainer(tmp_path, loss=loss), [1.0, -1.0], torch.tensor([[1, 0], [1, 0]]))
    assert math.isclose(found, by_hand, rel_tol=1e-5)


@pytest.mark.parametrize(("loss", "divisor"), [("grpo", 2 * 2), ("dapo", 2), ("dr_grpo", 2 * LONGEST)])
def test_a_masked_completion_still_counts_as_one(loss: str, divisor: float, tmp_path: Path) -> None:
    """TRL: it is out of the sum and of DAPO's tokens, but not out of the number of completions."""
    by_hand = (term(1.25, 1.0) + term(1.0, 1.0)) / divisor
    found = loss_of(real_trainer(tmp_path, loss=loss), [1.0, -1.0], torch.tensor([[1, 1], [0, 0]]))
    assert math.isclose(found, by_hand, rel_tol=1e-5)


# --- advantages ------------------------------------------------------------------------------------


def scored(trainer: Any, rewards: list[float | None], ends: list[bool] | None = None) -> dict[str, Any]:
    """What TRL makes of completions "1 2 <eos>" (or without the end) with these rewards."""
    end, size = trainer.processing_class.eos_token_id, len(rewards)
    ids = [[5, 6, end if over else 7] for over in ends or [True] * size]
    trainer.rollout_func = lambda prompts, _: {
        "prompt_ids": [[5, 6]] * size,
        "completion_ids": ids,
        "logprobs": [[-1.0] * 3] * size,
    }
    trainer.reward_funcs = [lambda **_: rewards]
    return trainer._generate_and_score_completions([{"prompt": "1 + 1?"} for _ in rewards])


def advantages(trainer: Any, rewards: list[float | None]) -> list[float]:
    return scored(trainer, rewards)["advantages"].tolist()


def test_advantages_are_scaled_by_the_groups_deviation(tmp_path: Path) -> None:
    """(r - mean) / (std + 1e-4), with n - 1 under the root: one right of four, then two of four."""
    trainer = real_trainer(tmp_path, group_size=4)
    one, two = math.sqrt(3 * 0.25**2 / 3 + 0.75**2 / 3) + 1e-4, math.sqrt(4 * 0.5**2 / 3) + 1e-4
    expected = [0.75 / one, *[-0.25 / one] * 3, 0.5 / two, 0.5 / two, -0.5 / two, -0.5 / two]
    assert advantages(trainer, [1.0, 0, 0, 0, 1.0, 1.0, 0, 0]) == pytest.approx(expected, rel=1e-4)


def test_advantages_without_scaling(tmp_path: Path) -> None:
    trainer = real_trainer(tmp_path, group_size=4, loss="dr_grpo", scale_rewards="none")
    assert advantages(trainer, [1.0, 0, 0, 0]) == pytest.approx([0.75, -0.25, -0.25, -0.25])


def test_advantages_scaled_by_the_batch(tmp_path: Path) -> None:
    trainer = real_trainer(tmp_path, group_size=2, scale_rewards="batch")
    std = math.sqrt((0.25**2 * 3 + 0.75**2) / 3) + 1e-4
    assert advantages(trainer, [1.0, 0, 0, 0]) == pytest.approx([0.5 / std, -0.5 / std, 0, 0], rel=1e-4)


@pytest.mark.parametrize("reward", [0.0, 1.0, None])
def test_a_group_of_equal_rewards_has_no_advantage(reward: float | None, tmp_path: Path) -> None:
    assert advantages(real_trainer(tmp_path, group_size=4), [reward] * 4) == [0.0] * 4


def test_abstentions_enter_no_advantage(tmp_path: Path) -> None:
    trainer = real_trainer(tmp_path, group_size=4)
    half = 0.5 / (math.sqrt(2 * 0.5**2) + 1e-4)
    assert advantages(trainer, [1.0, None, 0.0, None]) == pytest.approx([half, 0, -half, 0], rel=1e-4)
    assert advantages(trainer, [1.0, None, None, None]) == [0.0] * 4


@pytest.mark.parametrize("masked", [True, False])
def test_a_truncated_completion_is_masked_but_part_of_the_baseline(masked: bool, tmp_path: Path) -> None:
    trainer = real_trainer(tmp_path, mask_truncated=masked)
    found = scored(trainer, [1.0, 0.0], [True, False])
    assert found["completion_mask"].tolist() == [[1, 1, 1], [0, 0, 0] if masked else [1, 1, 1]]
    scale = math.sqrt(0.5) + 1e-4
    assert found["advantages"].tolist() == pytest.approx([0.5 / scale, -0.5 / scale], rel=1e-4)
    assert found["num_items_in_batch"] == (3 if masked else 6)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_stay_numbers_where_all_is_truncated(loss: str, tmp_path: Path) -> None:
    """Through the model itself, not given log-probabilities."""
    trainer = real_trainer(tmp_path, loss=loss)
    value = trainer._compute_loss(trainer.model, scored(trainer, [1.0, 0.0], [False, False]))
    value.backward()
    assert value.item() == 0.0
    assert all(p.grad is None or not p.grad.any() for p in trainer.model.parameters())
