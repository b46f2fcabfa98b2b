"""The README's examples do what it says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def block(after: str, language: str) -> str:
    """The first code block of a language behind a phrase."""
    match = re.compile(rf"```{language}\n(.*?)```", re.DOTALL).search(README, README.index(after))
    assert match
    return match[1]


def slmr(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "slmr.cli", *arguments], cwd=cwd, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_task_of_your_own(tmp_path: Path) -> None:
    folder = tmp_path / "mytasks" / "sums"
    folder.mkdir(parents=True)
    (folder / "task.yaml").write_text(block("## A task of your own", "yaml"))
    (folder / "data.py").write_text(block("## A task of your own", "python"))
    assert "sums: 25 of 25" in slmr("tasks", "validate", "sums", "--tasks-path", "mytasks", cwd=tmp_path)
    evaluated = slmr(
        "eval", "lab-llama", "--tasks", "sums", "--tasks-path", "mytasks", "--json", cwd=tmp_path
    )
    assert json.loads(evaluated)[0]["n_items"] == 25


def test_a_method_of_your_own(tmp_path: Path) -> None:
    (tmp_path / "mymethods").mkdir()
    (tmp_path / "mymethods" / "sft_medium.yaml").write_text(block("## A method of your own", "yaml"))
    plan = slmr("bench", "--method", "sft_medium", "--methods-path", "mymethods", "--dry-run", cwd=tmp_path)
    assert "teacher-" in plan and "for sft_medium" in plan


def test_the_checker_example() -> None:
    exec(block("## The checkers in your own RL loop", "python"), {})
