"""`slmr tasks`: the benchmark tasks."""

from typing import Annotated

import typer

from slmr.commands import AsJson, TasksPath, print_fields, print_json, print_listing
from slmr.errors import WorkError

app = typer.Typer(rich_markup_mode=None)


@app.command("list")
def tasks_list(tasks_path: TasksPath = None, as_json: AsJson = False) -> None:
    """Every task with its edition, answer kind and version."""
    from slmr.tasks import select_tasks

    rows = [
        {"name": t.name, "edition": t.edition, "kind": t.kind, "version": t.version, "title": t.title}
        for t in select_tasks("all", tuple(tasks_path or ()))
    ]
    print_listing(rows, as_json)


@app.command("show")
def tasks_show(name: str, tasks_path: TasksPath = None, as_json: AsJson = False) -> None:
    """One task: prompt, strict form, budget, and an example."""
    from slmr.tasks import load_task

    task = load_task(name, tuple(tasks_path or ()))
    item = task.items("validation" if task.has_split("validation") else "test", 1)[0]
    row = {"name": task.name, "edition": task.edition, "kind": task.kind, "version": task.version,
           "max_tokens": task.max_tokens, "stop": list(task.stop), "folder": str(task.folder),
           "prompt": task.prompt(item.problem), "gold": item.gold}  # fmt: skip
    if as_json:
        print_json([row])
        return
    print_fields(row)


@app.command("validate")
def tasks_validate(
    names: Annotated[list[str] | None, typer.Argument()] = None, tasks_path: TasksPath = None
) -> None:
    """Prove without a model that every gold passes its own checker in the form that the prompt asks for."""
    from slmr import sources
    from slmr.inspection import validate_task
    from slmr.tasks import select_tasks

    faults = []
    for task in select_tasks(",".join(names) if names else "all", tuple(tasks_path or ())):
        if not names and task.source and not sources.data_folder():
            print(f"{task.name}: left out, SLMR_DATA is not set; name the task to ask the hub for it")
            continue
        count, wrong = validate_task(task)
        print(f"{task.name}: {count - len(wrong)} of {count} golds pass")
        faults += wrong
    if faults:
        raise WorkError(f"{len(faults)} golds fail their own checker; the first: {faults[0]}")
