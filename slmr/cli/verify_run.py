"""`slmr verify-run`."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from slmr.cli.display import tell
from slmr.cli.options import MAX_SEED, AsJson, DataDir, TasksPath, print_json, print_table, warn
from slmr.errors import visible
from slmr.pipeline.verification import Check, VerifyRequest, verify_run
from slmr.results.render.text_tables import text_table
from slmr.stats import formats

EXAMPLES = (
    "slmr verify-run results/lab-quick",
    "slmr verify-run runs/eval-model --share 0.2 --seed 7 --model my/model",
)


def verify_run_command(
    run: Annotated[Path, typer.Argument(help="The folder of a run, published or not.")],
    share: Annotated[float, typer.Option(min=0.0001, max=1, help="Share of each row's items to redo.")] = 0.1,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=MAX_SEED, help="Seed of the draw; random by default, and printed."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="The model's folder, for a run of one model.")] = None,
    generate: Annotated[
        bool,
        typer.Option("--generate/--verdicts-only", help="Sample completions again if the model is at hand."),
    ] = True,
    data_dir: DataDir = None,
    tasks_path: TasksPath = None,
    as_json: AsJson = False,
) -> None:
    """Redo a random tenth of a run's evaluation; exit with 1 if the run's results do not hold."""
    seed = secrets.randbelow(10**6) if seed is None else seed
    request = VerifyRequest(run, share, seed, model, generate, tuple(tasks_path or ()))
    checks = verify_run(request, tell)
    if as_json:
        print_json([{**_as_row(check), "draw": seed} for check in checks])
    else:
        print_table(_table(checks), prose=("row",))
        warn(visible(note) for note in dict.fromkeys(check.note for check in checks if check.note))
        print(f"{_in_words(checks)}. The same items again: --seed {seed}")
    if any(check.failed for check in checks) or not any(check.completions for check in checks):
        raise typer.Exit(1)


def _in_words(checks: list[Check]) -> str:
    failed = sum(check.failed for check in checks)
    redone = sum(check.completions > 0 for check in checks)
    if failed:
        return f"{failed} of {len(checks)} rows do not match what was redone"
    if not redone:
        return "Nothing could be redone"
    every = "Everything" if redone == len(checks) else f"All that could be redone ({redone} of {len(checks)} rows)"
    return f"{every} agrees"


def _as_row(check: Check) -> dict[str, Any]:
    outcomes = check.outcomes
    names = (
        "items",
        "same_items",
        "completions",
        "same_verdicts",
        "accuracy_agrees",
        "generated",
        "same_texts",
    )
    return {
        "name": f"{check.row.method}/{check.row.student}/{check.row.seed}/{check.row.task}",
        **{name: getattr(check, name) for name in names},
        "same_outcomes": outcomes and outcomes.mean,
        "low": outcomes and outcomes.low,
        "high": outcomes and outcomes.high,
        "failed": check.failed,
        "note": check.note,
    }


def _table(checks: list[Check]) -> Table:
    columns = (
        "row",
        "items",
        "as the task has them",
        "verdicts alike",
        "accuracy",
        "texts alike",
        "outcomes alike, %",
    )
    rows = []
    for check in checks:
        row, outcomes = check.row, check.outcomes
        rows.append(
            (
                escape(visible(f"{row.method} {row.student} seed {row.seed} {row.task}")),
                str(check.items),
                "?" if check.same_items is None else f"{check.same_items} of {check.items}",
                f"{check.same_verdicts} of {check.completions}",
                "matches" if check.accuracy_agrees else "differs",
                f"{check.same_texts} of {check.generated}" if check.generated else "-",
                formats.percent(outcomes.mean, outcomes.low, outcomes.high) if outcomes else "-",
            )
        )
    return text_table("A random part of each row, redone", columns, rows, left=("row",))
