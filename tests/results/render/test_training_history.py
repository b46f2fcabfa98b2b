"""A training's history, read and drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.errors import RequestError
from slmr.results.render.colours import BLUE, VERMILLION
from slmr.results.render.training_history import curves_page, plot_curves, validation_curve
from slmr.results.runs.files import RunFiles
from slmr.results.runs.method_results import run_results
from tests.results.made_runs import made_run


def test_a_curve_is_that_of_the_first_seed_if_it_was_validated(tmp_path: Path) -> None:
    run = made_run(tmp_path, {"base": 0.3, "grpo": 0.5, "sft": 0.4}, seeds=(1, 2), items=8)
    step = {"stage": "grpo", "tokens": 5}
    rows = [{**step, "step": 0, "validation_accuracy": None}, {**step, "step": 1, "validation_accuracy": 0.0}]
    RunFiles(run, "grpo", "lab-llama", 1).write_table("course", rows)
    RunFiles(run, "grpo", "lab-llama", 2).write_table("course", rows[1:])
    RunFiles(run, "sft", "lab-llama", 1).write_table("course", [{**step, "step": 0, "loss": 1.0}])
    results = {result.name: result for result in run_results(run)}
    assert validation_curve(results["grpo"]) == rows
    assert validation_curve(results["sft"]) == validation_curve(results["base"]) == []
    RunFiles(run, "sft", "lab-llama", 1).table("course").write_bytes(b"PAR1")
    with pytest.raises(RequestError, match="is damaged"):
        validation_curve(results["sft"])


def test_what_was_measured_has_a_panel_and_held_out_problems_a_colour() -> None:
    rows = [
        {"step": 0, "accuracy": None, "validation_accuracy": 0.25, "kl": None},
        {"step": 1, "accuracy": 0.5, "validation_accuracy": 0.5, "kl": None},
    ]
    (figure,) = plot_curves(rows).values()
    assert list(plot_curves(rows)) == ["Strict accuracy"]
    drawn = {line.name: (list(line.x), list(line.y), line.line.color) for line in figure.data}
    assert drawn == {"training": ([1], [0.5], BLUE), "held out": ([0, 1], [0.25, 0.5], VERMILLION)}


def test_all_panels_are_on_a_page_of_its_own() -> None:
    rows = [{"step": 1, "loss": 1.0, "reward": 0.5, "length": 9, "entropy": 0.1}]
    assert list(plot_curves(rows)) == ["Loss", "Reward", "Length", "Entropy"] and plot_curves([]) == {}
    page = curves_page("<grpo>", rows)
    assert page.count("<svg") == 4 and "<h1>&lt;grpo&gt;</h1>" in page
