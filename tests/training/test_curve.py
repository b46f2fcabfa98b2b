"""The curve: one row a step, whoever says something of it."""

from __future__ import annotations

from slmr.results.render.training_history import plot_curves
from slmr.training.curve import Curve, renamed


def test_a_curve_has_one_row_a_step_and_survives_a_checkpoint() -> None:
    one = Curve()
    one.add(2, renamed({"loss": "0.5", "completions/mean_length": 9, "unknown": 1}))
    one.add(1, {"reward": 1})
    one.add(2, {"validation_accuracy": 0.25})
    other = Curve()
    other.restore(one.state())
    assert (
        other.rows
        == one.rows
        == [
            {"step": 1, "reward": 1, "loss": None, "length": None, "validation_accuracy": None},
            {"step": 2, "reward": None, "loss": 0.5, "length": 9, "validation_accuracy": 0.25},
        ]
    )
    assert list(plot_curves(one.rows)) == ["Loss", "Reward", "Strict accuracy", "Length"]
