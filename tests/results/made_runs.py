"""Runs made up by hand: of one completion an item, and of methods over seeds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from slmr.io import write_rows
from slmr.results.runs.method_results import MethodResult, RunRow, method_results
from slmr.results.runs.schema import SummaryRow, read_summary, write_summary
from slmr.tasks.registry import load_task
from slmr.verify import checker_version

TASKS = ("lab_gsm8k", "lab_mawps")
KINDS = {"base": "base", "stagewise": "stagewise", "sft_grpo": "sft_rl", "no_bridge": "ablation"}
SFT, GRPO = {"method": "sft", "method_kind": "sft"}, {"method": "grpo", "method_kind": "rl"}


def row(task: str, n: int, **changes: Any) -> SummaryRow:
    values: dict[str, Any] = {
        "method": "eval",
        "method_kind": "model",
        "student": "m",
        "seed": 0,
        "task": task,
        "edition": "lab",
        "n_items": n,
        "k": 1,
        "accuracy": 0.5,
        "accuracy_lenient": 0.5,
        "stderr": 0.1,
        "ci95": (0.3, 0.7),
        "truncated_rate": 0,
        "no_answer_rate": 0,
        "mean_tokens": 5,
        "train_tokens": 0,
        "rollout_tokens": 0,
        "teacher_tokens": 0,
        "wall_s": 0,
        "flops": 0,
        "task_version": "1-a",
        "manifest": "k",
        "command": "slmr eval m",
    }
    version = changes.get("checker_version") or checker_version(load_task(task).kind)
    return SummaryRow.model_validate(values | {"checker_version": version} | changes)


def a_run(folder: Path, right: dict[str, list[bool]], **changes: Any) -> Path:
    """A run with one completion an item, right where it is said."""
    rows = []
    for task, verdicts in right.items():
        rows.append(row(task, len(verdicts), accuracy=sum(verdicts) / len(verdicts), **changes))
        samples = [
            {
                "task": task,
                "item_id": f"{task}/{i}",
                "k_index": 0,
                "prompt": "?",
                "gold": "7",
                "finish_reason": "stop",
                "completion": "#### 7" if good else "#### 8",
                "tokens": 5,
                "status": "correct" if good else "wrong",
                "strict": good,
                "lenient": good,
                "extracted": "7" if good else "8",
                "reason": "",
            }
            for i, good in enumerate(verdicts)
        ]
        file = rows[-1].samples_file(folder)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_rows(file, samples)
    write_summary(folder / "summary.json", rows)
    return folder


def seeded(folder: Path, right: dict[int, int], **changes: Any) -> MethodResult:
    """A method with so many of 40 items right, from a place that depends on the seed: {seed: right}."""
    located = []
    for seed, n in right.items():
        verdicts = [(i + 7 * seed) % 40 < n for i in range(40)]
        run = a_run(folder / str(seed), {"lab_gsm8k": verdicts}, seed=seed, **changes)
        located += [RunRow(row, run) for row in read_summary(run / "summary.json").rows]
    return method_results(located)[0]


def made_run(
    folder: Path,
    rates: dict[str, float],
    seeds: Sequence[int] = (0, 1, 2),
    items: int = 120,
    noisy: Sequence[str] = (),
) -> Path:
    """A run of two tasks with two completions an item, method → its true accuracy; 0.3 less for every other seed if it
    is noisy.
    """
    rows = []
    for method, rate in rates.items():
        for seed in seeds:
            for task in TASKS:
                rng = np.random.default_rng([crc32(method.encode()), seed, len(task)])
                easy = np.random.default_rng(7).random((items, 1))  # the same items for all
                strict = rng.random((items, 2)) < np.clip(
                    rate + 0.3 * (easy - 0.5) - 0.3 * (method in noisy and seed % 2), 0, 1
                )
                row = summary_row(method, seed, task, strict)
                rows.append(row)
                file = row.samples_file(folder)
                file.parent.mkdir(parents=True, exist_ok=True)
                write_rows(
                    file,
                    [
                        {
                            "method": method,
                            "student": "lab-llama",
                            "seed": seed,
                            "task": task,
                            "item_id": f"i{i}",
                            "difficulty": 1,
                            "k_index": k,
                            "prompt": f"What is {i}?",
                            "completion": "#### 1",
                            "gold": "1",
                            "finish_reason": "stop",
                            "tokens": 3,
                            "logprob": -1.0,
                            "status": "correct",
                            "strict": bool(strict[i, k]),
                            "lenient": bool(strict[i, k]),
                            "extracted": "1",
                            "reason": "",
                        }
                        for i in range(items)
                        for k in range(2)
                    ],
                )
    write_summary(folder / "summary.json", rows)
    return folder


def summary_row(method: str, seed: int, task: str, strict: np.ndarray) -> SummaryRow:
    mean = float(strict.mean())
    return SummaryRow.model_validate(
        {
            "method": method,
            "method_kind": KINDS.get(method, "rl"),
            "student": "lab-llama",
            "seed": seed,
            "task": task,
            "edition": "lab",
            "n_items": len(strict),
            "k": 2,
            "accuracy": mean,
            "accuracy_lenient": mean,
            "stderr": 0.02,
            "ci95": (mean - 0.04, mean + 0.04),
            "truncated_rate": 0,
            "no_answer_rate": 0,
            "mean_tokens": 3,
            "train_tokens": 1000 * len(method),
            "rollout_tokens": 0,
            "teacher_tokens": 0,
            "wall_s": 1,
            "flops": 1e12,
            "task_version": load_task(task).digest,
            "checker_version": "1",
            "manifest": "m",
            "command": f"slmr bench --method {method} --seeds {seed},",
        }
    )


def several_methods(folder: Path) -> Path:
    """stagewise right on 30 of 40 items, no_bridge on 10 of those, k4 on the same 30; k16 on another seed."""
    rows = []
    methods = (("stagewise", 30, 0), ("no_bridge", 10, 0), ("k4", 30, 0), ("k16", 30, 1))
    for method, right, seed in methods:
        verdicts = {"lab_gsm8k": [True] * right + [False] * (40 - right)}
        kind = "stagewise" if method == "stagewise" else "ablation"
        a_run(folder, verdicts, method=method, method_kind=kind, seed=seed, command=f"make {method}")
        rows += read_summary(folder / "summary.json").rows
    write_summary(folder / "summary.json", rows)
    return folder


def cells(html: str) -> list[list[str]]:
    """The texts of a table's body."""
    lines = re.findall(r"<tr[^>]*>(.*?)</tr>", html.split("<tbody>")[1], re.S)
    return [
        [unescape(re.sub("<[^>]+>", "", cell)) for cell in re.findall(r"<td[^>]*>(.*?)</td>", line)] for line in lines
    ]
