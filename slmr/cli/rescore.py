"""`slmr rescore`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from slmr.cli.options import AsJson, TasksPath, print_json
from slmr.io import disk_faults
from slmr.results.runs.rescore import rescore

EXAMPLES = ("slmr rescore runs/lab-quick",)


def rescore_command(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    tasks_path: TasksPath = None,
    as_json: AsJson = False,
) -> None:
    """Verify a run's completions again with today's checkers; nothing is generated."""
    with disk_faults(run):
        changes = rescore(run, tuple(tasks_path or ()))
    if as_json:
        print_json([{"name": f"{c.method}/{c.task}", **asdict(c)} for c in changes])
        return
    for change in changes:
        print(change.line())
