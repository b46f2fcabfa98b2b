"""`slmr compare`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from slmr.cli.options import AsJson, console, print_json
from slmr.results.compare import compare, detectable
from slmr.results.conclusions import comparison_in_words
from slmr.results.tables import comparison_table

EXAMPLES = ("slmr compare runs/lab-quick:sft runs/lab-quick:grpo",)


def compare_command(
    run_a: Annotated[
        str, typer.Argument(help="FOLDER; FOLDER:METHOD or FOLDER:METHOD:STUDENT where it holds several.")
    ],
    run_b: Annotated[str, typer.Argument(help="Likewise.")],
    as_json: AsJson = False,
) -> None:
    """Compare two runs on the same items: paired differences with intervals and corrected p-values."""
    comparison = compare(run_a, run_b)
    if as_json:
        rows = [{"name": task.task, "seeds": comparison.seeds, **asdict(task)} for task in comparison.tasks]
        if mean := comparison.mean:
            rows.append({"name": "mean", "seeds": comparison.seeds, "difference": asdict(mean), "p": mean.p,
                         "detectable": detectable(mean)})  # fmt: skip
        print_json(rows)
        return
    console().print(comparison_table(comparison))
    for notice in comparison.notices:
        print(f"warning: {notice}", file=sys.stderr)
    print(comparison_in_words(comparison))
