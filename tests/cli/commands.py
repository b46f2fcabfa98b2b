"""Commands as a user gives them: real processes, their output, their exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Command = Callable[..., subprocess.CompletedProcess[str]]

TINY_PROFILE = """
students: [lab-llama]
default_student: lab-llama
tasks: {tasks}
evaluate: {{limit: 8}}
engine: {{batch_size: 64, device: cpu}}
stages:
  pool: {{task: lab_gsm8k, size: 24}}
  probe: {{k: 4, max_tokens: 40}}
  sft: {{epochs: 1, batch_size: 8}}
  grpo: {{steps: 2, group_size: 4, prompts_per_step: 4, max_tokens: 40}}
"""


def slmr(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "slmr.cli", *arguments],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
    )


def begun(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    """A command that runs on beside the test, and heeds SIGINT where the tests themselves were started without."""
    return subprocess.Popen(
        [sys.executable, "-m", "slmr.cli", *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def tiny_profile(folder: Path, tasks: str = "lab_gsm8k") -> str:
    file = folder / "tiny.yaml"
    file.write_text(TINY_PROFILE.format(tasks=tasks))
    return str(file)


def refused(*arguments: str, cwd: Path, code: int = 2) -> str:
    """The one line that a refused command prints."""
    done = slmr(*arguments, cwd=cwd)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr.strip().splitlines()[-1]


def accuracies(out: Path) -> dict[tuple[str, str], float]:
    (file,) = out.glob("*/summary.json")
    return {(r["method"], r["task"]): (r["accuracy"], r["mean_tokens"]) for r in json.loads(file.read_text())["rows"]}
