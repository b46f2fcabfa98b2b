"""What every trainer shares: the display, the curve, the budget, and the student as it is opened."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from slmr.config import EngineSettings
from slmr.engines.transformers import load_model
from slmr.lab import model_path
from slmr.stage import StageContext
from slmr.training.curve import Curve
from slmr.training.trainer import (
    Run,
    has_weights_of,
    never_at_rate_zero,
    progress_callback,
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


def logged(made: StageContext, curve: Curve, tokens: int, step: int = 3) -> bool:
    """Whether training stops after a step by which so many tokens were spent."""
    callback: Any = progress_callback(made, curve, lambda _: {"train_tokens": tokens, "rollout_tokens": 5})
    control = SimpleNamespace(should_training_stop=False)
    callback.on_log(None, SimpleNamespace(global_step=step, max_steps=9), control, {"loss": 0.5})
    return control.should_training_stop


def test_training_stops_with_the_step_that_uses_up_the_budget(tmp_path: Path) -> None:
    made, curve = context(tmp_path, 100), Curve()
    assert not logged(made, curve, 94) and "stopped_by_budget" not in made.stats
    assert logged(made, curve, 95, 4) and made.stats["stopped_by_budget"] == 4
    assert not logged(context(tmp_path), Curve(), 10**9), "no budget is no limit"
    assert [row["train_tokens"] for row in curve.rows] == [94, 95]


def test_steps_are_displayed_and_the_summary_at_the_end_is_no_step(tmp_path: Path) -> None:
    seen: list[Any] = []
    curve = Curve()
    callback: Any = progress_callback(context(tmp_path, seen=seen), curve, lambda _: {})
    state = SimpleNamespace(global_step=2, max_steps=9)
    callback.on_step_end(None, state, None)
    callback.on_log(None, state, None, {"train_runtime": 1.0, "loss": 3.0})
    assert seen == [(2, 9, "steps")] and curve.rows == []


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
