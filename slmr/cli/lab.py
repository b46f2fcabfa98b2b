"""`slmr lab`: the lab edition and its students."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from slmr.cli.display import BenchDisplay
from slmr.cli.options import AsJson, Out, Profile, Seed, examples, print_fields, print_json
from slmr.config import DEFAULT_PROFILE
from slmr.errors import check_known
from slmr.lab import STUDENTS, Split, generator, model_path, take
from slmr.lab.pretrain import DEFAULTS, pretrain
from slmr.tasks import select_tasks

EXAMPLES = ("slmr lab path lab-llama", "slmr lab sample lab_gsm8k -n 2", "slmr lab gates --profile lab")
app = typer.Typer(rich_markup_mode=None)


@app.command("path", epilog=examples("slmr lab path lab-llama"))
def lab_path(name: str) -> None:
    """Print the folder of a lab student or of their teacher.

    It is an ordinary transformers model.
    """
    print(model_path(name))


@app.command("sample", epilog=examples("slmr lab sample lab_math", "slmr lab sample lab_svamp --split test --json"))
def lab_sample(
    task: str,
    n: Annotated[int, typer.Option("-n", min=1)] = 3,
    split: Annotated[Split, typer.Option(help="test, validation, train, pretrain or teacher")] = "train",
    seed: Seed = 0,
    merge_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of steps that raw traces fold into the next one.")
    ] = 0.6,
    as_json: AsJson = False,
) -> None:
    """Draw items of a lab task with their teacher traces, raw and worked."""
    rows = [
        {
            "name": i.id,
            "difficulty": i.difficulty,
            "skills": ", ".join(i.skills),
            "problem": i.problem,
            "gold": i.gold,
            "raw": i.raw(merge_share),
            "worked": i.worked(),
            "plain": i.solution.plain(),
        }
        for i in take(generator(task), split, n, seed)
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        print_fields(row)
        print()


@app.command("pretrain", epilog=examples("slmr lab pretrain lab-llama --out lab-llama"))
def lab_pretrain(
    name: Annotated[str, typer.Argument(help="lab-llama, lab-qwen or lab-teacher")],
    out: Annotated[Path, typer.Option(help="An empty or new folder, or that of an unfinished training.")],
    sequences: Annotated[int | None, typer.Option(min=64, help="How many sequences to train on.")] = None,
) -> None:
    """Train a lab model from scratch, as the shipped ones were; the same command goes on after a stop."""
    check_known("lab model", name, DEFAULTS)
    changes = {} if sequences is None else {"sequences": sequences}
    tasks = {task.name: task for task in select_tasks("lab")}
    params = DEFAULTS[name].model_copy(update=changes)
    with redirect_stdout(sys.stderr):  # where the trainer prints its losses
        report = pretrain(name, out, lambda task, problem: tasks[task].prompt(problem), params)
    print_json(report)


@app.command(
    "gates",
    epilog=examples("slmr lab gates --profile lab", "slmr lab gates --student lab-qwen --seeds 1 --items 200 --json"),
)
def lab_gates(
    student: Annotated[list[str] | None, typer.Option(help="A lab student; repeatable; both by default.")] = None,
    profile: Profile = DEFAULT_PROFILE,
    seeds: Annotated[int, typer.Option(min=1, help="How many training seeds.")] = 3,
    items: Annotated[int, typer.Option(min=20, help="Validation problems per task.")] = 600,
    limit: Annotated[int | None, typer.Option(min=50, help="Problems in the training pool.")] = None,
    out: Out = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Test whether the lab can tell methods apart; exit with 1 if a gate of docs/predictions.md fails.

    The bounds of that page were set for the pool of --profile lab.
    """
    from slmr.pipeline.gates import Gates, GatesRequest

    rows: list[dict[str, object]] = []
    for name in student or STUDENTS:
        with BenchDisplay("lab gates") as display:
            for finding in Gates(GatesRequest(name, profile, seeds, items, limit, out), display).findings():
                rows.append({"student": name, **finding.row()})
                if not as_json:
                    print(gate_line(rows[-1]), flush=True)
    if as_json:
        print_json(rows)
    if not all(row["passed"] for row in rows):
        raise typer.Exit(1)


def gate_line(row: dict[str, object]) -> str:
    """A gate in a line: whether it passes, the estimate with its interval, the items behind it, and the bound."""
    word = "pass" if row["passed"] else "FAIL"
    interval = f"{row['value']:.1f} ({row['low']:.1f} to {row['high']:.1f})"
    return f"{word}  {row['student']:<10} {row['name']:<18} {interval:<22} {row['items']:>4} items  {row['passes']}"
