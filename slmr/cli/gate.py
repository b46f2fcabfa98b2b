"""`slmr gate`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from slmr.cli.options import AsJson, print_json, print_table, print_text, warn
from slmr.io import disk_faults, write_text
from slmr.results.analysis.gate import gate, read_policy
from slmr.results.render.gate_report import gate_in_words, gate_junit, gate_markdown, gate_table

EXAMPLES = (
    "slmr gate runs/new --against runs/old",
    "slmr gate runs/lab-quick:sft_grpo --against runs/lab-quick:base --policy gate.yaml --junit gate.xml",
)


def gate_command(
    run: Annotated[str, typer.Argument(help="FOLDER; or FOLDER:METHOD, FOLDER:METHOD:STUDENT if it holds several.")],
    against: Annotated[str, typer.Option(help="The run that it must not fall behind, named the same way.")],
    policy: Annotated[Path | None, typer.Option(help="YAML: how much may be lost, and at what confidence.")] = None,
    junit: Annotated[Path | None, typer.Option(help="File for JUnit XML.")] = None,
    summary: Annotated[Path | None, typer.Option(help="File for a summary in Markdown.")] = None,
    as_json: AsJson = False,
) -> None:
    """Exit with 1 if a run is shown to be worse than another by more than a policy tolerates."""
    result = gate(run, against, read_policy(policy))
    for file, text in ((junit, gate_junit), (summary, gate_markdown)):
        if file:
            with disk_faults(file):
                write_text(file, text(result))
    if as_json:
        print_json([asdict(outcome) | {"fails": result.fails(outcome)} for outcome in result.outcomes])
    else:
        print_table(gate_table(result), ("forgotten, %", "learned, %", "seeds"), prose=("tolerated",))
        warn(result.notices)
        print_text(gate_in_words(result))
    if result.failed:
        raise typer.Exit(1)
