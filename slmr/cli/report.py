"""`slmr report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slmr.cli.display import tell
from slmr.io import disk_faults
from slmr.results.render.report import write_report

EXAMPLES = (
    "slmr report runs/lab-quick --out report --html",
    "slmr report results/* --out report --against sft",
)


def report_command(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs, or of published results.", exists=True)],
    out: Annotated[Path, typer.Option(help="Folder for report.md and the figures.")],
    against: Annotated[
        str | None, typer.Option(help="Add the paired difference of every method from this one.")
    ] = None,
    html: Annotated[bool, typer.Option("--html", help="Also write one self-contained page, report.html.")] = False,
) -> None:
    """Write a report: which method leads and how surely, accuracy, cost, what was learnt and forgotten, figures."""
    with disk_faults(out):
        print(write_report(runs, out, against, html, lambda line: tell(f"left out: {line}")))
