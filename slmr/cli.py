"""The command line. Each command imports what it needs when it runs, so `slmr --help` is instant."""

import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from slmr.commands import AsJson, MethodsPath, TasksPath, print_json
from slmr.errors import RequestError, SlmrError, WorkError

app = typer.Typer(
    name="slmr", no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Train, compare and evaluate small reasoning models on tasks with verifiable answers.",
)  # fmt: skip
GROUPS = {
    "tasks": "The benchmark tasks.",
    "methods": "The training methods.",
    "lab": "The lab edition and its students.",
}

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
        print_json(rows)
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
        print_json(rows)
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


def add_groups(arguments: Sequence[str]) -> None:
    """Adds the groups of commands; of a group that is not asked for only the name and what it is about.

    Reading the signatures of all commands would be a part of what `slmr --help` takes.
    """
    app.registered_groups.clear()
    for name, about in GROUPS.items():
        asked = name in arguments[:1]
        group = (
            importlib.import_module(f"slmr.commands.{name}").app
            if asked
            else typer.Typer(rich_markup_mode=None)
        )
        app.add_typer(group, name=name, help=about, no_args_is_help=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: faults become one clear line and an exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    add_groups(arguments)
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
