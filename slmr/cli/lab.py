"""`slmr lab`: the lab edition and its students."""

from pathlib import Path
from typing import Annotated

import typer

from slmr.cli.options import AsJson, print_fields, print_json

app = typer.Typer(rich_markup_mode=None)


@app.command("path")
def lab_path(name: str) -> None:
    """Print the folder of a lab student or of their teacher: an ordinary transformers model."""
    from slmr.lab import model_path

    print(model_path(name))


@app.command("sample")
def lab_sample(
    task: str,
    n: Annotated[int, typer.Option("-n", min=1)] = 3,
    split: Annotated[str, typer.Option(help="test, validation, train or pretrain")] = "train",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    merge_share: Annotated[float, typer.Option(min=0, max=1, help="How raw the raw traces are.")] = 0.2,
    as_json: AsJson = False,
) -> None:
    """Draw items of a lab task with their raw and worked teacher traces."""
    from slmr.lab import generator, take

    rows = [
        {"name": i.id, "difficulty": i.difficulty, "problem": i.problem, "gold": i.gold, "raw": i.raw(merge_share),
         "worked": i.worked(), "plain": i.solution.plain()}
        for i in take(generator(task), split, n, seed)  # type: ignore[arg-type]
    ]  # fmt: skip
    if as_json:
        print_json(rows)
        return
    for row in rows:
        print_fields(row)
        print()


@app.command("pretrain")
def lab_pretrain(
    name: Annotated[str, typer.Argument(help="lab-llama, lab-qwen or lab-teacher")],
    out: Annotated[Path, typer.Option(help="An empty or new folder.")],
    sequences: Annotated[int | None, typer.Option(min=64, help="How many to train on.")] = None,
) -> None:
    """Train a lab model from scratch, as the shipped ones were."""
    from slmr.errors import unknown
    from slmr.lab.pretrain import DEFAULTS, pretrain
    from slmr.tasks import select_tasks

    if name not in DEFAULTS:
        raise unknown("lab model", name, DEFAULTS)
    params = (
        DEFAULTS[name] if sequences is None else DEFAULTS[name].model_copy(update={"sequences": sequences})
    )
    tasks = {task.name: task for task in select_tasks("lab")}
    report = pretrain(name, out, lambda task, problem: tasks[task].prompt(problem), params)
    print_json(report)
