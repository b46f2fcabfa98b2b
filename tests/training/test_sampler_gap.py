"""The gap between the sampler's log-probabilities and the trainer's, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.toy import real_trainer

TRAINERS = torch.tensor([[-1.0, -2.0], [-3.0, -4.0]])


def logged(folder: Path, sampled: torch.Tensor | None, mask: list[list[int]]) -> dict[str, list[float]]:
    """What a step's loss logs where the trainer's log-probabilities are `TRAINERS`."""
    trainer = real_trainer(folder)
    base: Any = type(trainer).__mro__[1]
    original = base._get_per_token_logps_and_entropies
    base._get_per_token_logps_and_entropies = lambda *_, **__: (TRAINERS, torch.zeros(2, 2), None)
    ones = torch.ones(2, 2, dtype=torch.long)
    inputs = {
        "prompt_ids": ones[:, :1],
        "prompt_mask": ones[:, :1],
        "completion_ids": ones,
        "completion_mask": torch.tensor(mask),
        "advantages": torch.ones(2),
        "num_items_in_batch": torch.tensor(3),
        "old_per_token_logps": TRAINERS,
        "taught": torch.zeros(2, dtype=torch.bool),
    }
    if sampled is not None:
        inputs["sampling_per_token_logps"] = sampled
    try:
        trainer._compute_loss(trainer.model, inputs)
    finally:
        base._get_per_token_logps_and_entropies = original
    return {name: values for name, values in trainer._metrics["train"].items() if "gap" in name}


def test_mean_and_largest_over_the_tokens_that_were_sampled(tmp_path: Path) -> None:
    sampled = torch.tensor([[-1.5, -2.0], [-3.25, 0.0]])  # the last one is masked
    found = logged(tmp_path, sampled, [[1, 1], [1, 0]])
    assert found["sampling/logprob_gap"] == pytest.approx([0.25])
    assert found["sampling/logprob_gap_max"] == pytest.approx([0.5])


def test_nothing_is_said_where_the_sampler_said_nothing(tmp_path: Path) -> None:
    assert logged(tmp_path, None, [[1, 1], [1, 1]]) == {}
