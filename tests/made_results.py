"""Made-up runs with everything that a leaderboard shows: to test what it does with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from slmr.io import write_json, write_rows
from slmr.pipeline.export import export_capability
from slmr.results.runs.files import RunFiles
from slmr.results.runs.schema import SummaryRow, write_summary
from slmr.stats import mean_with_interval

KINDS = {"base": "base", "grpo": "rl", "stagewise": "stagewise", "no_bridge": "ablation", "eval": "model"}
TASKS = ("lab_gsm8k", "lab_math")
ITEMS = 120


def opened(app: AppTest, query: Mapping[str, str | list[str]]) -> AppTest:
    """The app as it is at an address with this query, without an exception."""
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def html(app: AppTest) -> str:
    """All HTML that the app draws itself."""
    return "\n".join(element.proto.body for element in app.get("html"))


@pytest.fixture
def make_row() -> Callable[..., SummaryRow]:
    return summary_row


def summary_row(method: str, task: str = "lab_gsm8k", accuracy: float = 0.5, **other: object) -> SummaryRow:
    stderr = (accuracy * (1 - accuracy) / 500) ** 0.5
    values = {
        "method": method,
        "method_kind": KINDS.get(method, "sft"),
        "student": "lab-llama",
        "seed": 0,
        "task": task,
        "edition": "lab",
        "n_items": 500,
        "k": 1,
        "accuracy": accuracy,
        "accuracy_lenient": min(1, accuracy + 0.01),
        "stderr": stderr,
        "ci95": (accuracy - 1.96 * stderr, accuracy + 1.96 * stderr),
        "truncated_rate": 0.01,
        "no_answer_rate": 0.02,
        "mean_tokens": 30.0,
        "train_tokens": 1000,
        "rollout_tokens": 2000,
        "teacher_tokens": 300,
        "wall_s": 12.0,
        "flops": 1e12,
        "task_version": "1-a",
        "checker_version": "numeric-1",
        "manifest": "0" * 16,
        "command": f"slmr bench --method {method}",
    }
    return SummaryRow.model_validate(values | other)


def put_samples(folder: Path, row: SummaryRow, strict: np.ndarray, **texts: Any) -> SummaryRow:
    """The completions behind a row, right where `strict` [items, k] says so; the row with its accuracy."""
    e = mean_with_interval(strict)
    row = row.model_copy(
        update={
            "accuracy": float(strict.mean()),
            "accuracy_lenient": float(strict.mean()),
            "stderr": e.stderr,
            "ci95": (e.low, e.high),
            "n_items": len(strict),
            "k": strict.shape[1],
        }
    )
    file = row.samples_file(folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_rows(
        file,
        [
            {
                "item_id": f"item-{item}",
                "k_index": k,
                "prompt": f"What is {item} apples?",
                "gold": str(item),
                "completion": f"It is {item}. #### {item}" if good else f"It is 0. #### {-1 - item}",
                "tokens": 9,
                "finish_reason": "stop",
                "status": "correct" if good else "wrong",
                "strict": bool(good),
                "lenient": bool(good),
                "extracted": str(item),
                "reason": "",
            }
            | texts
            for (item, k), good in np.ndenumerate(strict)
        ],
    )
    return row


def verdicts(method: str, task: str, level: float, k: int = 2) -> np.ndarray:
    """Items of unequal difficulty, the same for every method of one task."""
    easy = np.random.default_rng(len(task)).random((ITEMS, 1))
    return np.random.default_rng(len(method) * 7).random((ITEMS, k)) < np.clip(level + 0.6 * (easy - 0.5), 0, 1)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return make_results(tmp_path / "results")


def make_results(place: Path) -> Path:
    """Methods on two tasks with all their tables, base of a second student, a paper row, and a model."""
    folder = place / "lab-0"
    rows = []
    levels = {"base": 0.3, "stagewise": 0.75, "grpo": 0.5, "rft": 0.5, "no_bridge": 0.7}
    for method, level in levels.items():
        for task in TASKS:
            rows.append(put_samples(folder, summary_row(method, task), verdicts(method, task, level)))
    for task in TASKS:
        row = summary_row("base", task, student="lab-qwen")
        rows.append(put_samples(folder, row, verdicts("qwen", task, 0.4)))
    write_summary(folder / "summary.json", rows)
    put_tables(folder, list(levels))
    write_json(folder / "manifests.json", {"0" * 16: {"stage": "evaluate", "versions": {"slmr": "0"}}})
    model = place / "eval"
    paper = summary_row("eval", "svamp", edition="paper", student="SmolLM2", command="slmr eval smollm2")
    write_summary(model / "summary.json", [put_samples(model, paper, verdicts("m", "svamp", 0.2))])
    return place


def put_tables(folder: Path, methods: Sequence[str], student: str = "lab-llama", seed: int = 0) -> None:
    """Capability of all, the course of what is trained, and the curriculum of `stagewise`."""
    for method in methods:
        export_capability(
            RunFiles(folder, method, student, seed),
            [
                {
                    "task": "lab_gsm8k",
                    "item_id": f"i{i}",
                    "difficulty": 1,
                    "k_index": k,
                    "strict": (i * 3 + k) % 8 < i % 9,
                }
                for i in range(40)
                for k in range(8)
            ],
        )
        if method != "base":
            put_table(
                folder,
                "course",
                method,
                [
                    {
                        "stage": stage,
                        "step": step,
                        "tokens": 100 * (step + 5 * (stage == "grpo")),
                        "loss": 1.0 / (step + 1),
                        "reward": None if stage == "sft" else 0.1 * step,
                        "validation_accuracy": 0.3 + 0.1 * step,
                    }
                    for stage in ("sft", "grpo")
                    for step in range(4)
                ],
            )
    put_table(
        folder,
        "moves",
        "stagewise",
        [
            {"round": 1, "to": "primed", "before": "hard", "after": "recycled", "n": 5},
            {"round": 1, "to": "primed", "before": "simple", "after": "solved", "n": 7},
            {"round": 1, "to": "next", "before": "recycled", "after": "medium", "n": 5},
            {"round": 1, "to": "next", "before": "solved", "after": "simple", "n": 7},
            {"round": 2, "to": "primed", "before": "medium", "after": "mixed", "n": 5},
            {"round": 2, "to": "primed", "before": "simple", "after": "unsolved", "n": 7},
        ],
    )
    traces = [
        ("raw", False, ["3 + 4 = 7.", " #### 7", ""], [5.5, 0.1, 0.0]),
        ("smaller steps", True, ["<b>3 + 4", " = 7</b>.", " #### 7", ""], [0.2, 0.3, 0.1, 0.0]),
    ]
    put_table(
        folder,
        "bridged",
        "stagewise",
        [
            {
                "label": "bridge (round 1)",
                "task": "lab_gsm8k",
                "problem": "Three and four?",
                "problem_id": "p1",
                "source": source,
                "kept": kept,
                "nll": sum(nlls) / len(nlls),
                "spikes": 0.25,
                "score": 1.0,
                "text": "".join(pieces),
                "token_nlls": nlls,
                "pieces": pieces,
            }
            for source, kept, pieces, nlls in traces
        ],
    )
    put_table(
        folder,
        "critiques",
        "stagewise",
        [
            {
                "label": "critique (round 1)",
                "task": "lab_gsm8k",
                "problem_id": "p2",
                "problem": "Two by two?",
                "attempt": "2 * 2 = 5. #### 5",
                "wrong_step": 0,
                "found_by": "arithmetic",
                "step_text": "2 * 2 = 5.",
                "right": "2 * 2 = 4",
                "confirmed": True,
                "diagnosis": "Step 1 is wrong: 5 should be 4.",
                "repair_prefix": "",
                "repair": "2 * 2 = 4. #### 4",
                "new": "2 * 2 = 4. #### 4",
            }
        ],
    )
    stage = {
        "parameters": json.dumps({"size": 8}),
        "stats": json.dumps({"groups": 3}),
        "seed": 0,
        "train_tokens": 0,
        "rollout_tokens": 0,
        "teacher_tokens": 0,
        "flops": 0.0,
        "wall_s": 1.0,
    }
    put_table(
        folder,
        "stages",
        "stagewise",
        [
            stage | {"label": "student", "stage": "student", "key": "a", "inputs": []},
            stage | {"label": 'pool "1"', "stage": "pool", "key": "b", "inputs": []},
            stage | {"label": "probe", "stage": "probe", "key": "c", "inputs": ["a", "b"], "rollout_tokens": 1500},
        ],
    )


def put_table(folder: Path, what: str, method: str, rows: list[dict[str, Any]]) -> None:
    file = RunFiles(folder, method, "lab-llama", 0).table(what)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_rows(file, rows)
