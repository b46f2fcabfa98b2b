"""Curves, validation and the stops: what is recorded, kept, and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slmr.engines.decode import Row
from slmr.engines.transformers import load_model, load_tokenizer
from slmr.errors import RequestError, WorkError
from slmr.lab import model_path
from slmr.pipeline.recipe import stages
from slmr.results.training_history import plot_curve
from slmr.training.curve import Curve, renamed
from slmr.training.grpo import GrpoParams, grpo_stage
from slmr.training.health import check
from slmr.training.heldout import kl_to
from slmr.training.sft import SftParams, schedule, sft_stage
from tests.training.test_resume import context, curve, inputs
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
    with pytest.raises(
        WorkError, match=r"collapsed.* up to step 9; lower the learning rate, raise the temperature"
    ):
        check(rows)


def test_nothing_but_cut_off_completions_stops_after_three_steps() -> None:
    rows = [{"step": step, "truncated": 1.0, "reward": 0.0} for step in (1, 2, 3)]
    check(rows[:2])
    with pytest.raises(WorkError, match=r"cut off for 3 steps up to step 3.*raise max_tokens"):
        check(rows)


@pytest.mark.slow
def test_a_run_in_which_everything_is_cut_off_stops(tmp_path: Path) -> None:
    with pytest.raises(WorkError, match="every completion was cut off"):
        grpo_stage(
            context(tmp_path / "out", inputs(tmp_path)),
            GrpoParams(steps=5, group_size=4, prompts_per_step=2, max_tokens=2),
        )


def test_a_curve_has_one_row_a_step_and_survives_a_checkpoint() -> None:
    one = Curve()
    one.add(2, renamed({"loss": "0.5", "completions/mean_length": 9, "unknown": 1}))
    one.add(1, {"reward": 1})
    one.add(2, {"validation_accuracy": 0.25})
    other = Curve()
    other.restore(one.state())
    assert other.rows == one.rows == [
        {"step": 1, "reward": 1, "loss": None, "length": None, "validation_accuracy": None},
        {"step": 2, "reward": None, "loss": 0.5, "length": 9, "validation_accuracy": 0.25},
    ]  # fmt: skip
    titles = [a.text for a in plot_curve(one.rows).layout.annotations]
    assert titles == ["Loss", "Reward", "Strict accuracy", "Length"]


@pytest.mark.slow
def test_a_loss_that_is_no_number_is_seen(tmp_path: Path) -> None:
    """transformers would log 0 for it."""
    trainer = real_trainer(tmp_path)
    trainer.compute_loss = lambda model, *_, **__: next(model.parameters()).sum() * float("nan")
    with pytest.raises(WorkError, match="diverged: loss is nan at step 1"):
        trainer.train()


@pytest.mark.parametrize("values", [{"keep": "best"}, {"patience": 1}])
def test_what_needs_validations_says_so(values: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match=r"profile: (keep|patience) = .*needs validate_every"):
        stages()["sft"].parse(values, "profile")


def test_the_kl_to_the_start_is_the_sum_of_differences_of_log_probabilities() -> None:
    tokenizer, model = load_tokenizer(model_path("lab-llama")), load_model(model_path("lab-llama")).eval()
    rows = [Row(0, (5, 6, 7), 0, [8, 9], [0.0, -1.0]), Row(1, (5,), 0, [tokenizer.eos_token_id], [-2.0])]  # type: ignore[list-item]
    total = 0.0
    for row in rows:
        logits = model(input_ids=torch.tensor([[*row.prompt, *row.ids]])).logits[0].log_softmax(-1)
        for place, token in enumerate(row.ids, len(row.prompt)):
            total -= logits[place - 1, token].item()
    assert kl_to(model, rows) == pytest.approx(total - 3.0, rel=1e-5)


def test_validation_without_held_out_problems_is_refused(tmp_path: Path) -> None:
    given = inputs(tmp_path) | {"validation": []}
    with pytest.raises(RequestError, match=r"no problem is held out.*pool\.validation"):
        sft_stage(context(tmp_path / "out", given), SftParams(validate_every=1))


@pytest.mark.slow
def test_a_run_stops_early_and_keeps_its_best_weights(tmp_path: Path) -> None:
    """A learning rate that ruins the student: the best are the first weights, and two worse ones end it."""
    made = context(tmp_path / "out", inputs(tmp_path))
    params = SftParams(
        learning_rate=0.5, epochs=20, batch_size=8, validate_every=2, patience=2, keep="best", max_tokens=20
    )
    sft_stage(made, params)
    assert made.stats["validation"]["kept_step"] == 0 and made.stats["steps"] == 4
    kept, first = load_model(made.folder / "model"), load_model(model_path("lab-llama"))
    assert all((a == b).all() for a, b in zip(kept.parameters(), first.parameters(), strict=True))
    rows = {int(r["step"]): r for r in curve(made.folder) if r["validation_accuracy"] is not None}
    assert list(rows) == [0, 2, 4] and abs(rows[0]["validation_kl"]) < 1e-4 < rows[4]["validation_kl"]


@pytest.mark.slow
def test_grpo_records_every_step_and_counts_what_it_sampled(tmp_path: Path) -> None:
    made = context(tmp_path / "out", inputs(tmp_path))
    grpo_stage(made, GrpoParams(steps=3, group_size=4, prompts_per_step=4, max_tokens=40, resample=2))
    rows = curve(made.folder)
    assert [row["step"] for row in rows] == [1, 2, 3]
    for row in rows:
        assert row["all_right"] + row["all_wrong"] + row["mixed"] == pytest.approx(1)
        assert row["zero_variance"] == pytest.approx(1 - row["mixed"])
        assert {"reward", "accuracy", "format", "length", "entropy", "clip_ratio", "truncated"} <= row.keys()
    assert made.cost.rollout_tokens == rows[-1]["rollout_tokens"]
    groups = sum(made.stats["groups"].values())
    assert groups == 3 * 4 + made.stats["replaced"]
    assert made.stats["replaced"] > 0
    assert sum(row["length"] * 16 for row in rows) < made.cost.rollout_tokens


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=80),
    st.integers(1, 12),
    st.integers(1, 9),
    st.integers(0, 3),
)
def test_a_schedule_takes_every_row_once_a_pass(
    lengths: list[int], steps: int, batch: int, seed: int
) -> None:
    order = schedule(lengths, steps, batch, seed)
    assert len(order) == steps * batch and order == schedule(lengths, steps, batch, seed)
    for start in range(0, len(order) - len(lengths) + 1, len(lengths)):
        assert sorted(order[start : start + len(lengths)]) == list(range(len(lengths)))
