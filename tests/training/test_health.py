"""When a run is stopped: what left the numbers, a collapsed policy, nothing but cut-off completions."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.errors import WorkError
from slmr.training.grpo import GrpoParams, grpo_stage
from slmr.training.health import check
from tests.training.test_resume import context, inputs
from tests.training.toy import real_trainer


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["loss", "grad_norm"])
def test_what_left_the_numbers_stops_at_once(name: str, value: float) -> None:
    with pytest.raises(WorkError, match=rf"diverged: {name} is .* at step 7; lower the learning rate"):
        check([{"step": 7, name: value}])


def test_a_collapsed_policy_stops_after_five_steps_in_a_row() -> None:
    dead = {"entropy": 1e-5, "zero_variance": 1.0}
    rows = [{"step": step, **dead} for step in range(10)]
    rows[4]["zero_variance"] = 0.5
    for n in range(1, 10):
        check(rows[:n])
    with pytest.raises(WorkError, match=r"collapsed.* up to step 9; lower the learning rate, raise the temperature"):
        check(rows)


def test_nothing_but_cut_off_completions_stops_after_three_steps() -> None:
    rows = [{"step": step, "truncated": 1.0, "reward": 0.0} for step in (1, 2, 3)]
    check(rows[:2])
    with pytest.raises(WorkError, match=r"cut off for 3 steps up to step 3.*raise max_tokens"):
        check(rows)


def test_a_run_in_which_everything_is_cut_off_stops(tmp_path: Path) -> None:
    with pytest.raises(WorkError, match="every completion was cut off"):
        grpo_stage(
            context(tmp_path / "out", inputs(tmp_path)),
            GrpoParams(steps=5, group_size=4, prompts_per_step=2, max_tokens=2),
        )


def test_a_loss_that_is_no_number_is_seen(tmp_path: Path) -> None:
    """transformers would log 0 for it."""
    trainer = real_trainer(tmp_path)
    trainer.compute_loss = lambda model, *_, **__: next(model.parameters()).sum() * float("nan")
    with pytest.raises(WorkError, match="diverged: loss is nan at step 1"):
        trainer.train()
