"""`slmr diagnose`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from slmr.cli.options import AsJson, TasksPath, known_kind, print_json, print_table, print_text
from slmr.errors import RequestError, visible
from slmr.io import json_lines
from slmr.results.analysis.diagnosis import Finding, diagnose
from slmr.results.analysis.rollouts import prompt_text, question_text
from slmr.results.analysis.training_logs import TrainingLog, read_training_logs
from slmr.results.runs.files import read_table
from slmr.tasks.registry import select_tasks
from slmr.verify import Kind

EXAMPLES = (
    "slmr diagnose runs/lab-quick",
    "slmr diagnose trl_output --data train.jsonl --test gsm8k_platinum",
)
_LAB_TEST = 500  # of a lab task, whose test problems have no end


def diagnose_command(
    run: Annotated[Path, typer.Argument(help="TRL's output folder, verl's or verifiers' JSONL, or a run of slmr.")],
    data: Annotated[
        Path | None, typer.Option(help="JSONL or Parquet with prompt and gold, if the log has no golds.")
    ] = None,
    gold: Annotated[str, typer.Option(help="The golds' name in --data.")] = "gold",
    kind: Annotated[
        Kind | None, typer.Option(parser=known_kind, help="numeric, math or choice; by default told from the golds.")
    ] = None,
    reward: Annotated[
        str | None, typer.Option(help="TRL's reward function that says whether an answer is right.")
    ] = None,
    test: Annotated[str | None, typer.Option(help="Tasks whose test problems are searched for in the prompts.")] = None,
    tasks_path: TasksPath = None,
    as_json: AsJson = False,
) -> None:
    """Find which of ten known faults a training has, with the evidence and what to do."""
    golds = _golds(data, gold) if data else {}
    problems = _test_problems(test, tasks_path or []) if test else []
    diagnoses = [(log, diagnose(log, golds, kind, problems)) for log in read_training_logs(run, reward)]
    if as_json:
        print_json([{"run": log.name, "source": log.source, **asdict(f)} for log, fs in diagnoses for f in fs])
        return
    for log, findings in diagnoses:
        print_table(_table(log, findings), prose=("fault", "evidence, and what to do"))
        unknown = "; ".join(f"{f.name} ({f.evidence})" for f in findings if f.state == "unknown")
        remarks = [f"Not known: {unknown}"] * bool(unknown) + [f"{run} has {log.lacks}"] * bool(log.lacks)
        if remarks:
            print_text(visible("\n".join(remarks)) + "\n")


def _golds(file: Path, name: str) -> dict[str, str]:
    """Prompt → gold; the question of a conversation counts as its prompt, too."""
    golds: dict[str, str] = {}
    for where, row in _rows(file):
        if not isinstance(row, dict) or "prompt" not in row or not isinstance(row.get(name), str | int | float):
            raise RequestError(f"{where}: a line is an object with 'prompt' and '{name}'; name the gold by --gold")
        golds[prompt_text(row["prompt"]).strip()] = str(row[name])
        golds.setdefault(question_text(row["prompt"]).strip(), str(row[name]))
    return golds


def _rows(file: Path) -> Iterable[tuple[str, Any]]:
    """Of JSON lines, or of a Parquet table such as `slmr probe --to` writes; each with where it stands."""
    if file.suffix == ".parquet" and file.is_file():
        return ((f"{file}, row {i}", row) for i, row in enumerate(read_table(file), 1))
    return json_lines(file)


def _test_problems(names: str, folders: list[Path]) -> list[str]:
    tasks = select_tasks(names, folders)
    return [item.problem for t in tasks for item in t.items("test", _LAB_TEST if t.lab_generator else None)]


def _table(log: TrainingLog, findings: list[Finding]) -> Table:
    title = escape(visible(f"{log.name} ({log.source}): {len(log.steps)} steps, {len(log.completions)} completions"))
    table = Table("fault", "", "evidence, and what to do", title=title, title_justify="left")
    for f in sorted(findings, key=lambda f: f.state != "found"):
        if f.state != "unknown":
            sign = "[bold red]found[/bold red]" if f.state == "found" else "no"
            advice = f"\n→ {f.advice}" if f.advice else ""
            table.add_row(f"{f.name}: {f.title}", sign, escape(visible(f.evidence + advice)))
    return table
