"""What follows a training: the display, the curve and the budget."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from slmr.stage import StageContext
from slmr.training.curve import Curve
from slmr.training.progress import ProgressCallback
from tests.training.test_trainer import context


def logged(made: StageContext, curve: Curve, tokens: int, step: int = 3) -> bool:
    """Whether training stops after a step by which so many tokens were spent."""
    callback: Any = ProgressCallback(made, curve, lambda _: {"train_tokens": tokens, "rollout_tokens": 5})
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
    callback: Any = ProgressCallback(context(tmp_path, seen=seen), curve, lambda _: {})
    state = SimpleNamespace(global_step=2, max_steps=9)
    callback.on_step_end(None, state, None)
    callback.on_log(None, state, None, {"train_runtime": 1.0, "loss": 3.0})
    assert seen == [(2, 9, "steps")] and curve.rows == []
