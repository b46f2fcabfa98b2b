"""Synthetic summaries: made-up numbers, to test what the board does with them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from slmr.results import SummaryRow, write_summary

sys.path.insert(0, str(Path(__file__).parents[2] / "leaderboard"))


@pytest.fixture
def make_row() -> Callable[..., SummaryRow]:
    def make(method: str, task: str = "lab_gsm8k", accuracy: float = 0.5, **other: object) -> SummaryRow:
        stderr = (accuracy * (1 - accuracy) / 500) ** 0.5
        values = {
            "method": method, "method_kind": "base" if method == "base" else "sft", "student": "lab-llama", "seed": 0,
            "task": task, "edition": "lab", "n_items": 500, "k": 1, "accuracy": accuracy,
            "accuracy_lenient": accuracy + 0.01, "stderr": stderr,
            "ci95": (accuracy - 1.96 * stderr, accuracy + 1.96 * stderr), "truncated_rate": 0.01,
            "no_answer_rate": 0.02, "mean_tokens": 30.0, "train_tokens": 1000, "rollout_tokens": 2000,
            "teacher_tokens": 300, "wall_s": 12.0, "flops": 1e12, "task_version": "1-a", "checker_version": "numeric-1",
            "manifest": "0" * 16, "command": "slmr bench",
        }  # fmt: skip
        return SummaryRow.model_validate(values | other)

    return make


@pytest.fixture
def results(tmp_path: Path, make_row: Callable[..., SummaryRow]) -> Path:
    """Two methods and base on two tasks, and one paper row."""
    rows = [
        make_row(method, task, accuracy)
        for method, level in (("base", 0.30), ("sft", 0.42), ("rft", 0.31))
        for task, accuracy in (("lab_gsm8k", level), ("lab_math", level + 0.1))
    ]
    paper = make_row("base", "svamp", 0.2, edition="paper", student="SmolLM2")
    folder = tmp_path / "lab-0"
    folder.mkdir()
    write_summary(folder / "summary.json", [*rows, paper])
    return tmp_path
