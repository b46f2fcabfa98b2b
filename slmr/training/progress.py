"""The callback that follows a training: progress, the curve, the health of the run, and the budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from slmr.stage import StageContext
from slmr.training import health
from slmr.training.curve import Curve, renamed


class ProgressCallback(TrainerCallback):
    """Reports steps to the progress display, and adds logs and the values of `more` to the curve.

    Training stops after the step that uses up the budget.
    """

    def __init__(self, context: StageContext, curve: Curve, more: Callable[[int], Mapping[str, float]]) -> None:
        self._context, self._curve, self._more = context, curve, more

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        if self._context.is_main_process:
            self._context.progress(state.global_step, state.max_steps, "steps")

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **_: object,
    ) -> None:
        """Raises WorkError if the run has failed, see `health`."""
        if "train_runtime" in (logs or {}):  # the summary at the end
            return
        row = {**renamed(logs or {}), **self._more(state.global_step)}
        self._curve.add(state.global_step, row)
        health.check(self._curve.latest(health.LOOKS_BACK))
        spent = row.get("train_tokens", 0) + row.get("rollout_tokens", 0) + row.get("teacher_tokens", 0)
        remaining = self._context.remaining_tokens
        if remaining is not None and spent >= remaining:
            control.should_training_stop = True
            self._context.stats["stopped_by_budget"] = state.global_step
