"""Synthetic summaries: made-up numbers, to test what the board does with them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from slmr.results import SummaryRow, write_summary
from slmr.stats import mean_with_interval
from slmr.store import write_rows

sys.path.insert(0, str(Path(__file__).parents[2] / "leaderboard"))

KINDS = {"base": "base", "grpo": "rl"}


@pytest.fixture
def make_row() -> Callable[..., SummaryRow]:
    def make(method: str, task: str = "lab_gsm8k", accuracy: float = 0.5, **other: object) -> SummaryRow:
        stderr = (accuracy * (1 - accuracy) / 500) ** 0.5
        values = {
            "method": method, "method_kind": KINDS.get(method, "sft"), "student": "lab-llama", "seed": 0,
            "task": task, "edition": "lab", "n_items": 500, "k": 1, "accuracy": accuracy,
            "accuracy_lenient": min(1, accuracy + 0.01), "stderr": stderr,
            "ci95": (accuracy - 1.96 * stderr, accuracy + 1.96 * stderr), "truncated_rate": 0.01,
            "no_answer_rate": 0.02, "mean_tokens": 30.0, "train_tokens": 1000, "rollout_tokens": 2000,
            "teacher_tokens": 300, "wall_s": 12.0, "flops": 1e12, "task_version": "1-a",
            "checker_version": "numeric-1", "manifest": "0" * 16, "command": f"slmr bench --method {method}",
        }  # fmt: skip
        return SummaryRow.model_validate(values | other)

    return make


@pytest.fixture
def publish(make_row: Callable[..., SummaryRow]) -> Callable[..., None]:
    """Writes a run folder with samples: strict verdicts [items, k] of each (method, seed)."""

    def write(folder: Path, scores: dict[tuple[str, int], np.ndarray], task: str = "lab_gsm8k") -> None:
        rows = []
        for (method, seed), strict in scores.items():
            e = mean_with_interval(strict)
            shape = {"n_items": len(strict), "k": strict.shape[1]}
            found = {"stderr": e.stderr, "ci95": (e.low, e.high), **shape}
            rows.append(make_row(method, task, e.mean, seed=seed, **found))
            place = folder / "samples" / method / "lab-llama" / f"seed-{seed}"
            place.mkdir(parents=True)
            write_rows(place / f"{task}.parquet", sample_rows(strict))
        write_summary(folder / "summary.json", rows)

    return write


def sample_rows(strict: np.ndarray) -> Sequence[dict[str, object]]:
    return [
        {"item_id": f"item-{item}", "k_index": k, "strict": bool(value)}
        for (item, k), value in np.ndenumerate(strict)
    ]


@pytest.fixture
def results(tmp_path: Path, make_row: Callable[..., SummaryRow]) -> Path:
    """Three methods and base on two tasks and, for base alone, a second student; and one paper row."""
    rows = [
        make_row(method, task, accuracy)
        for method, level in (("base", 0.30), ("sft", 0.42), ("rft", 0.31), ("grpo", 0.33))
        for task, accuracy in (("lab_gsm8k", level), ("lab_math", level + 0.1))
    ]
    rows += [make_row("base", task, 0.2, student="lab-qwen") for task in ("lab_gsm8k", "lab_math")]
    paper = make_row("base", "svamp", 0.2, edition="paper", student="SmolLM2")
    folder = tmp_path / "results" / "lab-0"
    folder.mkdir(parents=True)
    write_summary(folder / "summary.json", [*rows, paper])
    return tmp_path / "results"
