"""`slmr compare`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from slmr.cli.options import AsJson, console, print_json, print_text, warn
from slmr.errors import RequestError
from slmr.results.analysis.compare import compare, detectable
from slmr.results.render.conclusions import comparison_in_words
from slmr.results.render.tables import comparison_tables

EXAMPLES = (
    "slmr compare runs/lab-quick sft grpo",
    "slmr compare runs/lab-quick:sft runs/eval-mine",
)


def compare_command(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN METHOD_A METHOD_B | RUN_A RUN_B",
            help="Two methods of a run, or two runs: a folder, or FOLDER:METHOD or FOLDER:METHOD:STUDENT where it holds"
            " several.",
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Compare two methods or runs on the same items: paired differences with intervals and corrected p-values."""
    comparison = compare(*_two(names), labels=(names[-2], names[-1]) if len(names) == 3 else None)
    warn(comparison.notices)
    if as_json:
        rows = [{"name": task.task, "seeds": comparison.seeds, **asdict(task)} for task in comparison.tasks]
        if mean := comparison.mean:
            rows.append(
                {
                    "name": "mean",
                    "seeds": comparison.seeds,
                    "a": comparison.mean_a,
                    "b": comparison.mean_b,
                    "difference": asdict(mean),
                    "p": mean.p,
                    "detectable": detectable(mean),
                }
            )
        print_json(rows)
        return
    terminal = console()
    for table in comparison_tables(comparison, terminal.width):
        terminal.print(table)
    print_text(comparison_in_words(comparison))


def _two(names: Sequence[str]) -> tuple[str, str]:
    """What is compared with what; raises RequestError where that is not said."""
    match names:
        case [run, a, b]:
            if not Path(run).is_dir():
                raise RequestError(f"{run} is no folder of a run: slmr compare RUN METHOD_A METHOD_B")
            if a == b:
                raise RequestError(f"{a} is named twice: slmr compare RUN METHOD_A METHOD_B")
            return f"{run}:{a}", f"{run}:{b}"
        case [a, b]:
            return a, b
    raise RequestError("name a run and two of its methods, as in `slmr compare RUN sft grpo`, or two runs")
