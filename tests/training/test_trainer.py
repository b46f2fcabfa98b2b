"""What every trainer shares: its settings, its schedule, and the student as it is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from slmr.config import EngineSettings
from slmr.engines.transformers import load_model
from slmr.lab import model_path
from slmr.stage import StageContext
from slmr.training.trainer import (
    Run,
    has_weights_of,
    never_at_rate_zero,
    trainer_settings,
)


def context(folder: Path, budget: int | None = None, seen: list[Any] | None = None) -> StageContext:
    made = StageContext(
        folder,
        {"model": [model_path("lab-llama")]},
        7,
        EngineSettings(device="cpu"),
        lambda done, total, what: (seen if seen is not None else []).append((done, total, what)),
    )
    made.remaining_tokens = budget
    return made


def test_a_student_is_opened_with_every_random_state_fixed(tmp_path: Path) -> None:
    first, second = Run(context(tmp_path)), None
    drawn = torch.rand(3)
    second = Run(context(tmp_path))
    assert torch.equal(torch.rand(3), drawn)
    assert first.parameters == second.parameters == load_model(model_path("lab-llama")).num_parameters()


def test_nothing_is_reported_elsewhere_and_no_loss_is_hidden(tmp_path: Path) -> None:
    settings = trainer_settings(context(tmp_path))
    assert settings["report_to"] == "none" and settings["logging_nan_inf_filter"] is False
    assert (settings["seed"], settings["data_seed"], settings["logging_steps"]) == (7, 7, 1)
    assert settings["use_cpu"] and not settings["bf16"]


def rates(folder: Path, steps: int, begins: bool, **settings: Any) -> list[float]:
    """The learning rate of each step of transformers' own schedule; `begins`: as `never_at_rate_zero` has it."""
    from transformers import Trainer, TrainingArguments

    class Made:
        lr_scheduler: Any = None
        args = TrainingArguments(output_dir=str(folder), learning_rate=1.0, use_cpu=True, **settings)
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        create_scheduler: Any = Trainer.create_scheduler

    trainer = Made()
    if begins:
        never_at_rate_zero(trainer)
    schedule, seen = trainer.create_scheduler(steps), []
    for _ in range(steps):
        seen.append(trainer.optimizer.param_groups[0]["lr"])
        trainer.optimizer.step()
        schedule.step()
    return seen


@pytest.mark.parametrize("kind", ["cosine", "constant_with_warmup"])
@pytest.mark.parametrize("warmup", [0.1, 0.9, 3])
@pytest.mark.parametrize("steps", [1, 2, 4, 30])
def test_no_step_is_made_at_a_rate_of_zero(kind: str, warmup: float, steps: int, tmp_path: Path) -> None:
    settings = {"lr_scheduler_type": kind, "warmup_steps": warmup}
    assert rates(tmp_path, steps, False, **settings)[0] == 0, "as transformers has it"
    ours = rates(tmp_path, steps, True, **settings)
    assert all(rate > 0 for rate in ours)
    assert sorted(ours[:3]) == ours[:3] or steps < 4 or warmup == 0.1, "it still warms up"


def test_a_schedule_without_a_warm_up_is_as_it_was(tmp_path: Path) -> None:
    settings = {"lr_scheduler_type": "cosine", "warmup_steps": 0}
    assert rates(tmp_path, 5, True, **settings) == rates(tmp_path, 5, False, **settings)


def test_weights_are_compared_with_those_of_a_folder() -> None:
    model = load_model(model_path("lab-llama"), "cpu")
    assert has_weights_of(model, model_path("lab-llama"))
    with torch.no_grad():
        next(iter(model.parameters()))[0, 0] += 1e-3
    assert not has_weights_of(model, model_path("lab-llama"))
