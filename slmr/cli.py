"""The command line. Each command imports what it needs when it runs, so `slmr --help` is instant."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from slmr.errors import RequestError, SlmrError, WorkError

app = typer.Typer(
    name="slmr", no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Train, compare and evaluate small reasoning models on tasks with verifiable answers.",
)  # fmt: skip
tasks_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The benchmark tasks.")
methods_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The training methods.")
lab_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The lab edition and its students.")
app.add_typer(tasks_app, name="tasks")
app.add_typer(methods_app, name="methods")
app.add_typer(lab_app, name="lab")

TasksPath = Annotated[list[Path] | None, typer.Option(help="Folder with more tasks, one folder each.")]
MethodsPath = Annotated[list[Path] | None, typer.Option(help="Folder with more methods, one YAML each.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print a list of objects.")]
Out = Annotated[Path, typer.Option(help="Folder of the runs.")]


@app.command()
def bench(
    method: Annotated[
        str, typer.Option(help="`all`, or names separated by commas; base is always run.")
    ] = "all",
    profile: Annotated[str, typer.Option(help="lab, or the path of a profile's YAML.")] = "lab",
    student: Annotated[
        list[str] | None, typer.Option(help="A lab student or a model folder; repeatable.")
    ] = None,
    seeds: Annotated[
        str, typer.Option(help="A number of seeds (3 is 0,1,2), or a list; `7,` is seed 7.")
    ] = "1",
    out: Out = Path("runs"),
    executor: Annotated[str, typer.Option(help="local: in this process.")] = "local",
    limit: Annotated[int | None, typer.Option(min=8, help="Items a task, and problems in the pool.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
    tasks_path: TasksPath = None,
    methods_path: MethodsPath = None,
) -> None:
    """Train and evaluate methods uniformly, then print the comparison.

    The same command again goes on where it was stopped and reuses what is finished.
    """
    if executor != "local":
        raise RequestError(f"unknown executor '{executor}' (known: local)")
    from slmr.bench import BenchRequest, make_plan

    request = BenchRequest(
        method, profile, tuple(student or ()), parse_seeds(seeds), out, limit, tuple(tasks_path or ()),
        tuple(methods_path or ()),
    )  # fmt: skip
    plan = make_plan(request)
    if dry_run:
        _print_plan(plan)
        return
    _run_plan(plan)


def parse_seeds(text: str) -> tuple[int, ...]:
    """`3` is the seeds 0, 1, 2; `0,3,4` and `7,` are lists.

    Raises:
        RequestError: it is neither.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdigit() for part in parts):
        raise RequestError(f"--seeds '{text}' is neither a number of seeds nor a list such as 0,3,4")
    numbers = [int(part) for part in parts]
    if "," in text:
        return tuple(dict.fromkeys(numbers))
    if numbers[0] < 1:
        raise RequestError("--seeds must be at least 1")
    return tuple(range(numbers[0]))


def _print_plan(plan: Any) -> None:
    from slmr.bench import missing_nodes
    from slmr.store import Store

    missing = {node.key for node in missing_nodes(Store(plan.folder / "artefacts"), plan.nodes)}
    for node in plan.nodes:
        state = "to do" if node.key in missing else "done"
        print(
            f"{state:<6} {node.stage.name}-{node.key}  {node.label}  for {', '.join(plan.methods_of(node))}"
        )
    print(f"{len(plan.nodes)} stages into {plan.folder}")


def _run_plan(plan: Any) -> None:
    from slmr.bench import run_bench
    from slmr.display import BenchDisplay
    from slmr.report import bench_table, warnings

    with BenchDisplay() as display:
        rows = run_bench(plan, display)
    _console().print(bench_table(rows))
    for line in warnings(rows):
        print(f"warning: {line}", file=sys.stderr)
    print(f"Summary     {plan.folder / 'summary.json'}")
    print(f"Samples     {plan.folder / 'samples'}")
    print(f"Artefacts   {plan.folder / 'artefacts'}")
    print(f"Leaderboard slmr leaderboard --results {plan.request.out}")


def _console() -> Any:
    """Standard output; as wide as the table needs where it is not a terminal."""
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=160)


@app.command("eval")
def evaluate_command(
    model: Annotated[str, typer.Argument(help="A lab student or a model folder.")],
    tasks: Annotated[str, typer.Option(help="lab, paper, or names separated by commas.")] = "lab",
    k: Annotated[int, typer.Option(min=1, help="Completions an item; 1 is greedy.")] = 1,
    engine: Annotated[str, typer.Option(help="transformers")] = "transformers",
    limit: Annotated[int | None, typer.Option(min=1, help="Items a task.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sampling, where k > 1.")] = 0,
    out: Out = Path("runs"),
    tasks_path: TasksPath = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate one model: accuracy with its interval, cut-off and unanswered rates; keep every completion."""
    from slmr.inspection import EvalRequest, evaluate_model

    request = EvalRequest(model, tasks, k, engine, limit, seed, out, tuple(tasks_path or ()))
    table, rows, folder = evaluate_model(request)
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    _console().print(table)
    print(f"Samples     {folder / 'samples.parquet'}")


@app.command()
def probe(
    model: Annotated[str, typer.Argument(help="A lab student or a model folder.")],
    k: Annotated[int, typer.Option(min=1, help="Completions a problem.")] = 8,
    limit: Annotated[int | None, typer.Option(min=1, help="Problems of the pool.")] = None,
    profile: Annotated[str, typer.Option(help="Whose pool and settings.")] = "lab",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    out: Out = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Correctness rates on the training pool, and the partition into simple, medium and hard."""
    from slmr.inspection import probe_model, probe_table

    rows, folder = probe_model(model, k, limit, profile, seed, out)
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    _console().print(probe_table(rows))
    print(f"Rollouts    {folder / 'rollouts.parquet'}")


@app.command()
def leaderboard(
    results: Annotated[Path, typer.Option(help="Folder of results or runs.")] = Path("runs"),
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
) -> None:
    """Serve the leaderboard over a folder of results."""
    from slmr.resources import resource

    if not results.is_dir():
        raise RequestError(
            f"results folder {results} does not exist: run `slmr bench` first, or give --results"
        )
    import subprocess

    command = [
        sys.executable, "-m", "streamlit", "run", str(resource("leaderboard") / "app.py"),
        "--server.port", str(port), "--server.headless", "true", "--browser.gatherUsageStats", "false",
        "--client.toolbarMode", "viewer", "--server.address", "localhost", "--", "--results", str(results.resolve()),
    ]  # fmt: skip
    try:
        code = subprocess.run(command).returncode
    except KeyboardInterrupt:
        return
    if code:
        raise WorkError(f"the leaderboard stopped with exit code {code}")


@app.command("verify")
def verify_command(
    cases: Annotated[Path, typer.Option("--in", help="JSONL: id, kind or task, completion, gold.")],
    out: Annotated[
        Path, typer.Option(help="JSONL: id, status, strict, lenient, extracted, reason, elapsed_ms.")
    ],
) -> None:
    """Check answers: one verdict a line."""
    from slmr.inspection import verify_file

    counts = verify_file(cases, out)
    print(", ".join(f"{status}: {count}" for status, count in counts.items()))


@tasks_app.command("list")
def tasks_list(tasks_path: TasksPath = None, as_json: AsJson = False) -> None:
    """Every task with its edition, answer kind and version."""
    from slmr.tasks import select_tasks

    rows = [
        {"name": t.name, "edition": t.edition, "kind": t.kind, "version": t.version, "title": t.title}
        for t in select_tasks("all", tuple(tasks_path or ()))
    ]
    _print_listing(rows, as_json)


@tasks_app.command("show")
def tasks_show(name: str, tasks_path: TasksPath = None, as_json: AsJson = False) -> None:
    """One task: prompt, strict form, budget, and an example."""
    from slmr.tasks import load_task

    task = load_task(name, tuple(tasks_path or ()))
    item = task.items("validation", 1)[0]
    row = {"name": task.name, "edition": task.edition, "kind": task.kind, "version": task.version,
           "max_tokens": task.max_tokens, "stop": list(task.stop), "folder": str(task.folder),
           "prompt": task.prompt(item.problem), "gold": item.gold}  # fmt: skip
    if as_json:
        print(json.dumps([row], indent=1))
        return
    for key, value in row.items():
        print(f"{key:<11} {str(value).replace(chr(10), chr(10) + ' ' * 12)}")


@tasks_app.command("validate")
def tasks_validate(
    names: Annotated[list[str] | None, typer.Argument()] = None, tasks_path: TasksPath = None
) -> None:
    """Prove without a model that every gold passes its own checker in the form that the prompt asks for."""
    from slmr.inspection import validate_task
    from slmr.tasks import select_tasks

    faults = []
    for task in select_tasks(",".join(names) if names else "all", tuple(tasks_path or ())):
        count, wrong = validate_task(task)
        print(f"{task.name}: {count - len(wrong)} of {count} golds pass")
        faults += wrong
    if faults:
        raise WorkError(f"{len(faults)} golds fail their own checker; the first: {faults[0]}")


@methods_app.command("list")
def methods_list(methods_path: MethodsPath = None, as_json: AsJson = False) -> None:
    """Every method with its kind and what it does."""
    from slmr.recipes import select_methods

    rows = [
        {"name": r.name, "kind": r.kind, "summary": r.summary, "paper": r.paper}
        for r in select_methods("all", tuple(methods_path or ()))
    ]
    _print_listing(rows, as_json)


@methods_app.command("show")
def methods_show(
    name: str, profile: str = "lab", methods_path: MethodsPath = None, as_json: AsJson = False
) -> None:
    """One method: its stages, and their parameters under a profile."""
    from slmr.inspection import method_stages
    from slmr.recipes import load_recipe

    recipe = load_recipe(name, tuple(methods_path or ()))
    rows = method_stages(recipe, profile)
    if as_json:
        print(
            json.dumps(
                [{"name": recipe.name, "kind": recipe.kind, "paper": recipe.paper, "stages": rows}], indent=1
            )
        )
        return
    print(f"{recipe.name} ({recipe.kind}): {recipe.summary}")
    if recipe.paper:
        print(f"paper: {recipe.paper}")
    for row in rows:
        print(f"  {row['name']:<22} {row['stage']:<12} from {', '.join(row['inputs']) or '-'}")
        for key, value in row["parameters"].items():
            print(f"    {key}: {value}")


@lab_app.command("path")
def lab_path(name: str) -> None:
    """Print the folder of a lab student: an ordinary transformers model."""
    from slmr.lab import student_path

    print(student_path(name))


@lab_app.command("sample")
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
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        print(
            "\n".join(
                f"{key:<11} {str(value).replace(chr(10), chr(10) + ' ' * 12)}" for key, value in row.items()
            )
        )
        print()


@lab_app.command("pretrain")
def lab_pretrain(
    name: Annotated[str, typer.Argument(help="lab-llama or lab-qwen")],
    out: Annotated[Path, typer.Option(help="An empty or new folder.")],
    sequences: Annotated[int | None, typer.Option(min=64, help="How many to train on.")] = None,
) -> None:
    """Train a lab student from scratch, as the shipped ones were."""
    from slmr.errors import unknown
    from slmr.lab.pretrain import DEFAULTS, STUDENTS, pretrain

    if name not in STUDENTS:
        raise unknown("lab student", name, STUDENTS)
    params = (
        DEFAULTS[name] if sequences is None else DEFAULTS[name].model_copy(update={"sequences": sequences})
    )
    report = pretrain(name, out, params)
    print(json.dumps(report))


def _print_listing(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(list(rows), indent=1))
        return
    widths = {key: max(len(key), *(len(str(row[key] or "")) for row in rows)) for key in rows[0]}
    for row in [{key: key for key in rows[0]}, *rows]:
        print("  ".join(str(row[key] or "").ljust(width) for key, width in widths.items()).rstrip())


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: faults become one clear line and an exit code."""
    run: Callable[..., Any] = app
    try:
        run(args=arguments, prog_name="slmr")
    except SlmrError as error:
        print(f"slmr: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("slmr: stopped; the same command goes on from here", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
