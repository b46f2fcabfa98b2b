"""Pool problems and student rollouts for the tests of the curriculum."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from slmr import lab
from slmr.config import EngineSettings
from slmr.io import write_rows
from slmr.lab import model_path
from slmr.stage import StageContext
from slmr.tasks.registry import load_task

# Made for this test, marked as GSM8K marks its own.
SOLUTION = "Ann has 3+4=<<3+4=7>>7 pens.\nTwice that is <<7*2=14>>14 pens.\nSo 14-1=<<14-1=13>>13 are left.\n#### 13"


MARKED = {
    "id": "g/train/0",
    "task": "g",
    "problem": "Pens?",
    "prompt": "?",
    "difficulty": None,
    "gold": "13",
    "kind": "numeric",
    "solution": SOLUTION,
}


def problems(n: int, task: str = "lab_gsm8k", level: int | None = None) -> list[dict[str, Any]]:
    """The first pool problems of a level, as the pool stage writes them."""
    prompt, kind = load_task(task).prompt, load_task(task).kind
    rows: list[dict[str, Any]] = []
    for item in lab.stream(lab.generator(task), "train"):
        if level in (None, item.difficulty):
            rows.append(
                {
                    "id": item.id,
                    "task": task,
                    "problem": item.problem,
                    "prompt": prompt(item.problem),
                    "gold": item.gold,
                    "kind": kind,
                    "difficulty": item.difficulty,
                    "solution": None,
                }
            )
        if len(rows) == n:
            return rows
    raise AssertionError("a stream has no end")


@cache
def long_problems(n: int, steps: int) -> list[dict[str, Any]]:
    """The first pool problems of level 5 whose solution has at least so many steps."""
    found = [p for p in problems(40 * n, level=5) if _steps(p["id"]) >= steps][:n]
    assert len(found) == n
    return found


def _steps(problem_id: str) -> int:
    item = lab.item(problem_id)
    assert item
    return len(item.solution.steps)


def rollout(problem_id: str, k: int, completion: str, strict: bool) -> dict[str, Any]:
    return {
        "problem_id": problem_id,
        "k_index": k,
        "completion": completion,
        "finish_reason": "stop",
        "tokens": 9,
        "status": "correct" if strict else "wrong",
        "strict": strict,
    }


# What a test's row leaves out, as it does not matter there.
FILLED: dict[str, dict[str, Any]] = {
    "problems": {
        "task": "t",
        "problem": "?",
        "prompt": "?",
        "gold": "1",
        "kind": "numeric",
        "difficulty": None,
        "solution": None,
    },
    "rollouts": {"completion": "", "finish_reason": "stop", "tokens": 1},
    "groups": {"correct": 0, "k": 1, "rho": 0.0, "low": 0.0, "high": 1.0},
}


def folder(place: Path, **files: list[dict[str, Any]]) -> Path:
    """An artefact's folder with these tables in it."""
    place.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        write_rows(place / f"{name}.parquet", [FILLED.get(name, {}) | row for row in rows])
    return place


def context(place: Path, seed: int = 0, **inputs: Any) -> StageContext:
    """A stage's context on the CPU; the model is lab-llama unless another is given."""
    place.mkdir(parents=True, exist_ok=True)
    given = {"model": model_path("lab-llama"), **inputs}
    lists = {name: value if isinstance(value, list) else [value] for name, value in given.items()}
    return StageContext(place, lists, seed, EngineSettings(device="cpu", batch_size=64), lambda *_: None)
