"""The process in which lm-eval grades: what it reads, and what it answers."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from slmr.evaluate.lm_eval_pass import SCORES, Request, Sheet
from slmr.io import write_rows
from slmr.tasks import load_task


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Its answer about two items with two completions each, from a file that holds no prompt, gold or verdict."""
    task, folder = load_task("lab_mawps"), tmp_path_factory.mktemp("pass")
    texts = [[f"#### {item.gold}", f"The answer is {item.gold}"] for item in task.items("test", 2)]
    rows = [{"task": task.name, "item_id": str(i), "completion": text} for i, two in enumerate(texts) for text in two]
    write_rows(folder / "some.parquet", [*rows, {"task": "another", "item_id": "0", "completion": ""}])
    request = Request(roots=[task.folder.parent], sheets=[Sheet(file=folder / "some.parquet", task=task.name)])
    done = subprocess.run(
        [sys.executable, "-m", "slmr.evaluate.lm_eval_pass"],
        input=request.model_dump_json() + "\n",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()  # and nothing that a library prints
    return json.loads(line)


def test_lm_eval_renders_the_prompts_by_itself(said: dict[str, Any]) -> None:
    task = load_task("lab_mawps")
    assert [item["prompt"] for item in said["items"]] == [task.prompt(i.problem) for i in task.items("test", 2)]


def test_lm_eval_scores_each_completion_by_itself(said: dict[str, Any]) -> None:
    right, only_lenient = (dict(zip(SCORES, values, strict=True)) for values in ((1, 1, 0, 0), (0, 1, 0, 0)))
    assert [item["scores"] for item in said["items"]] == [[right, only_lenient]] * 2
    assert said["accuracy"] == 0.5
