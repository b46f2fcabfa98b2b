"""`slmr tasks`: the benchmark tasks."""

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from slmr.cli.options import (
    AsJson,
    DataDir,
    TasksPath,
    examples,
    print_fields,
    print_json,
    print_listing,
)
from slmr.errors import WorkError
from slmr.tasks import Task, datasets, load_task, select_tasks
from slmr.tasks.contamination import overlap, training_problems
from slmr.tasks.validate import validate_task

EXAMPLES = (
    "slmr tasks list",
    "slmr tasks show lab_gsm8k",
    "slmr tasks new quiz.csv",
    "slmr tasks validate lab_math",
)
app = typer.Typer(rich_markup_mode=None)


@app.command("list", epilog=examples("slmr tasks list", "slmr tasks list --tasks-path mine --json"))
def tasks_list(tasks_path: TasksPath = None, as_json: AsJson = False) -> None:
    """List the tasks with edition, answer kind and version."""
    rows = [
        {"name": t.name, "edition": t.edition, "kind": t.kind, "version": t.version, "title": t.title}
        for t in select_tasks("all", tuple(tasks_path or ()))
    ]
    print_listing(rows, as_json)


@app.command("show", epilog=examples("slmr tasks show lab_gsm8k", "slmr tasks show svamp --data-dir DIR"))
def tasks_show(name: str, tasks_path: TasksPath = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show one task: data, prompt, strict form, budget and an example."""
    task = load_task(name, tuple(tasks_path or ()))
    item = task.items("validation" if task.has_data("validation") else "test", 1)[0]
    row = {
        "name": task.name,
        "edition": task.edition,
        "kind": task.kind,
        "version": task.version,
        "max_tokens": task.max_tokens,
        "stop": list(task.stop),
        "folder": str(task.folder),
        "data": task.data_note,
        "prompt": task.prompt(item.problem),
        "gold": item.gold,
    }
    if as_json:
        print_json([row])
    else:
        print_fields(row)


@app.command(
    "new",
    epilog=examples(
        "slmr tasks new quiz.csv",
        "slmr tasks new my.csv --problem question --gold answer --name sums --to mytasks",
    ),
)
def tasks_new(
    file: Annotated[Path, typer.Argument(help="Questions and answers: .csv, .tsv, .jsonl or .json.", metavar="FILE")],
    problem: Annotated[str, typer.Option(help="Column of the questions.", metavar="COLUMN")] = "",
    gold: Annotated[str, typer.Option(help="Column of the right answers.", metavar="COLUMN")] = "",
    name: Annotated[str, typer.Option(help="The task's name; the file's by default.", metavar="NAME")] = "",
    kind: Annotated[
        str, typer.Option(help="How answers are checked: auto, numeric, math or choice.", metavar="KIND")
    ] = "auto",
    to: Annotated[Path, typer.Option(help="Folder of your tasks.", metavar="DIR")] = Path("mytasks"),
) -> None:
    """Make a task of your own questions: a folder that `slmr eval` and `slmr bench` take by its name.

    Without columns they are the usual ones that the file has, such as question and answer.
    """
    from slmr.tasks.from_file import write_task

    folder = write_task(file, to, name, problem, gold, kind)
    task = load_task(folder.name, [to])
    print_fields(
        {
            "Task": f"{folder}: {len(task.items('test'))} questions, checked as {task.kind}",
            "Look at it": f"slmr tasks show {task.name} --tasks-path {shlex.quote(str(to))}",
            "Evaluate": f"slmr eval lab-llama --tasks {task.name} --tasks-path {shlex.quote(str(to))}",
        }
    )


@app.command("validate", epilog=examples("slmr tasks validate", "slmr tasks validate mine --tasks-path tasks"))
def tasks_validate(
    names: Annotated[list[str] | None, typer.Argument()] = None,
    tasks_path: TasksPath = None,
    data_dir: DataDir = None,
) -> None:
    """Prove without a model that every prompt can be written and every gold passes its own checker.

    A gold is written in the form that the prompt asks for. Every gold that fails is printed with what to do.
    """
    faults: list[str] = []
    for task in select_tasks(",".join(names) if names else "all", tuple(tasks_path or ())):
        if not names and task.source and not (datasets.data_folder() and task.has_data("test")):
            print(f"{task.name}: left out, there is no data folder with its test file; name the task to ask for it")
        else:
            faults += _validate(task)
    for fault in faults:
        print(f"  {fault}")
    if faults:
        raise WorkError(
            f"{len(faults)} {'golds fail' if len(faults) > 1 else 'gold fails'}; fix the data, or the task's kind"
        )


def _validate(task: Task) -> list[str]:
    """Prints how many golds pass; returns what is wrong with the others."""
    count, faults = validate_task(task)
    absent = [s for s in ("validation", "train") if task.has_split(s) and not task.has_data(s)]
    note = f" (its {' and '.join(absent)} data is not there)" if absent else ""
    print(f"{task.name}: {count - len(faults)} of {count} golds pass{note}")
    return faults


@app.command(
    "overlap",
    epilog=examples("slmr tasks overlap lab", "slmr tasks overlap svamp mawps --show 3 --data-dir DIR"),
)
def tasks_overlap(
    tests: Annotated[list[str], typer.Argument(help="lab, paper, all, or names.", metavar="TASK...")],
    train: Annotated[str, typer.Option(help="The task whose training problems are compared.")] = "gsm8k_platinum",
    size: Annotated[
        int | None, typer.Option(min=1, help="How many of them; by default all, or 800 of a lab task.")
    ] = None,
    show: Annotated[int, typer.Option(min=0, help="Print N pairs of problems per task.")] = 0,
    tasks_path: TasksPath = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Count the test problems that share 13 words in a row with a training set.

    It is a sign of contamination: look at the pairs.
    """
    folders = tuple(tasks_path or ())
    problems = training_problems(load_task(train, folders), size)
    rows = [_overlap_row(train, problems, task, show) for task in select_tasks(",".join(tests), folders)]
    if as_json:
        print_json(rows)
    else:
        _print_overlap(rows)


def _overlap_row(train: str, problems: list[str], task: Task, n_pairs: int) -> dict[str, Any]:
    items = task.items("test")
    result = overlap(problems, items)
    row = {"name": task.name, **result.as_row(train, task.name)}
    if not n_pairs:
        return row
    texts = {item.id: item.problem for item in items}
    pairs = [
        {
            "test": hit.test_id,
            "share": hit.share,
            "problem": texts[hit.test_id],
            "training_problem": problems[hit.train_index],
        }
        for hit in result.hits[:n_pairs]
    ]
    return row | {"pairs": pairs}


def _print_overlap(rows: list[dict[str, Any]]) -> None:
    columns = ("train", "test", "n_train", "n_test", "overlapping", "exact")
    counts = [
        {key: str(row[key]) for key in columns} | {"rate": f"{row['rate']:.2%}", "examples": ", ".join(row["examples"])}
        for row in rows
    ]
    print_listing(counts, as_json=False)
    for pair in (pair for row in rows for pair in row.get("pairs", ())):
        print()
        print_fields(
            {
                "test": pair["test"],
                "share": f"{pair['share']:.0%} of its runs",
                "asks": pair["problem"],
                "training": pair["training_problem"],
            }
        )
