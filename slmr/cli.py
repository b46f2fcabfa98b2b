"""The command line. Each command imports what it needs when it runs, so `slmr --help` is instant."""

import atexit
import gc
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from slmr import stopping
from slmr.commands import (
    AsJson,
    DataDir,
    MethodsPath,
    TasksPath,
    console,
    doctor,
    print_json,
    results,
    use_data_dir,
)
from slmr.errors import RequestError, SlmrError

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
        str, typer.Option(help="`all`, `ablations`, or names separated by commas; base is always run.")
    ] = "all",
    profile: Annotated[
        str, typer.Option(help="lab-quick, lab, smol, paper, or the path of a profile's YAML.")
    ] = "lab-quick",
    student: Annotated[
        list[str] | None, typer.Option(help="A lab student or a model folder; repeatable.")
    ] = None,
    seeds: Annotated[
        str, typer.Option(help="A number of seeds (3 is 0,1,2), or a list; `7,` is seed 7.")
    ] = "1",
    out: Out = Path("runs"),
    executor: Annotated[
        str,
        typer.Option(
            help="local: in this process; ray: on a Ray cluster (RAY_ADDRESS), or one of its own here."
        ),
    ] = "local",
    depot: Annotated[
        str | None, typer.Option(help="URL (fsspec) through which Ray's machines exchange artefacts.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=8, help="Items a task, and problems in the pool.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan and its cost, and stop.")
    ] = False,
    data_dir: DataDir = None,
    tasks_path: TasksPath = None,
    methods_path: MethodsPath = None,
) -> None:
    """Train and evaluate methods uniformly, then print the comparison.

    The same command again goes on where it was stopped and reuses what is finished.
    """
    from slmr.bench import BenchRequest, make_plan
    from slmr.display import tell

    use_data_dir(data_dir)
    request = BenchRequest(
        method, profile, tuple(student or ()), parse_seeds(seeds), out, limit, tuple(tasks_path or ()),
        tuple(methods_path or ()), executor, depot,
    )  # fmt: skip
    if dry_run:
        from slmr.commands.plan import print_plan

        lacking: list[str] = []
        print_plan(make_plan(request, tell, lacking), lacking)
        return
    _run_plan(make_plan(request, tell))


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


def _run_plan(plan: Any) -> None:
    from slmr.bench import run_bench
    from slmr.display import BenchDisplay
    from slmr.report import contamination_line, warnings
    from slmr.sharing import sharing
    from slmr.store import Store

    with BenchDisplay() as display:
        summary = run_bench(plan, display)
    for table in _tables(plan, summary):
        console().print(table)
    if summary.contamination:
        print(contamination_line(summary.contamination))
    print(sharing(Store(plan.folder / "artefacts"), plan))
    if plan.request.methods == "all" and plan.profile.leave_out:
        for name, why in plan.profile.leave_out.items():
            print(f"Left out    {name}: {why}")
    for line in warnings(summary.rows):
        print(f"warning: {line}", file=sys.stderr)
    print(f"Summary     {plan.folder / 'summary.json'}")
    print(f"Samples     {plan.folder / 'samples'}")
    print(f"Artefacts   {plan.folder / 'artefacts'}")
    print(f"Leaderboard slmr leaderboard --results {plan.request.out}")


def _tables(plan: Any, summary: Any) -> list[Any]:
    """The methods beside each other, over the seeds where there are several; what ablations lack beside the whole."""
    from slmr.compare import compare_all, differences_table
    from slmr.entries import run_entries
    from slmr.report import bench_table, standings_table
    from slmr.standings import board

    students = list(dict.fromkeys(entry.student for entry in plan.entries))
    several = len({entry.seed for entry in plan.entries}) > 1
    found = {student: run_entries(plan.folder, student) for student in students}
    boards = [standings_table(board(found[student])) for student in students] if several else []
    kinds = {entry.recipe.kind for entry in plan.entries}
    if not {"ablation", "control"} & kinds or "stagewise" not in kinds:
        return boards or [bench_table(summary.rows)]
    differences = [
        differences_table(compare_all(found[student], "stagewise"), "stagewise", student)
        for student in students
    ]
    return [*(boards or [bench_table(summary.rows)]), *differences]


@app.command("eval")
def evaluate_command(
    model: Annotated[
        str,
        typer.Argument(help="A lab student, model folder, LoRA adapter, GGUF file, hub id, or server URL."),
    ],
    tasks: Annotated[str, typer.Option(help="lab, paper, or names separated by commas.")] = "lab",
    k: Annotated[int, typer.Option(min=1, help="Completions an item; 1 is greedy.")] = 1,
    temperature: Annotated[float | None, typer.Option(min=0, help="0 where k is 1, else 1.")] = None,
    fewshot: Annotated[int, typer.Option(min=0, help="Worked examples before each question.")] = 0,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Instead of each task's budget.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Items a task.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sampling.")] = 0,
    engine: Annotated[str, typer.Option(help="auto, transformers, vllm or server.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32 or bfloat16; auto is float32 on a CPU.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    batch_size: Annotated[str, typer.Option(help="auto, or completions side by side.")] = "auto",
    concurrency: Annotated[int, typer.Option(min=1, help="Requests to a server at once.")] = 16,
    served_name: Annotated[
        str | None, typer.Option(help="The model's name on a server with several.")
    ] = None,
    compile_steps: Annotated[
        bool,
        typer.Option("--compile", help="Compile the model first: minutes, for an accelerator and long runs."),
    ] = False,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="Run code that comes with the model.")
    ] = False,
    data_dir: DataDir = None,
    out: Out = Path("runs"),
    tasks_path: TasksPath = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate one model: accuracy with its interval, cut-off and unanswered rates; keep every completion.

    The same command again goes on where it was stopped and reuses what is finished.
    """
    # The libraries' objects live as long as the process: searching them for garbage takes two seconds.
    gc.set_threshold(10_000)
    atexit.register(gc.freeze)
    from slmr.evalrun import EvalRequest, eval_table, evaluate_model, speed_line
    from slmr.report import warnings

    use_data_dir(data_dir)
    request = EvalRequest(
        model, tasks, k, temperature, fewshot, max_tokens, engine, dtype, device, batch_size, concurrency,  # type: ignore[arg-type]
        served_name, compile_steps, trust_remote_code, limit, seed, data_dir, out, tuple(tasks_path or ()),
    )  # fmt: skip
    rows, folder = evaluate_model(request)
    if as_json:
        print_json([{"name": row.task, **row.model_dump(mode="json")} for row in rows])
    else:
        console().print(eval_table(rows))
    for line in warnings(rows):
        print(f"warning: {line}", file=sys.stderr)
    if not as_json:
        print(f"Speed       {speed_line(folder, rows[0]) or 'nothing was left to generate'}")
        print(f"Run         {folder}")


@app.command()
def probe(
    model: Annotated[str, typer.Argument(help="A lab student or a model folder.")],
    k: Annotated[int, typer.Option(min=1, help="Completions a problem.")] = 8,
    limit: Annotated[int | None, typer.Option(min=1, help="Problems of the pool.")] = None,
    adaptive: Annotated[
        str | None,
        typer.Option(help="off, or stop early where certain: difficulty (of the group), mixed (some right)."),
    ] = None,
    stop_error: Annotated[
        float | None, typer.Option(help="How likely a group may still change where sampling stops.")
    ] = None,
    profile: Annotated[str, typer.Option(help="Whose pool and settings.")] = "lab",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    out: Out = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Correctness rates on the training pool, and the partition into simple, medium and hard."""
    from slmr.inspection import ProbeRequest, probe_model, probe_table, rollouts_line
    from slmr.store import read_json

    rows, folder = probe_model(ProbeRequest(model, k, limit, adaptive, stop_error, profile, seed, out))
    stats = read_json(folder / "stats.json")
    if as_json:
        print_json([row | {c: stats[c] for c in ("rollouts", "asked_at_most")} for row in rows])
        return
    console().print(probe_table(rows))
    print(f"Sampled     {rollouts_line(stats)}")
    print(f"Rollouts    {folder / 'rollouts.parquet'}")


@app.command()
def leaderboard(
    folder: Annotated[
        Path | None,
        typer.Option("--results", help="Folder of results or runs; runs/ or results/ by default."),
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="A free one from 8501 on by default.")
    ] = None,
) -> None:
    """Serve the leaderboard over a folder of results."""
    from slmr.serve import serve

    serve(folder, port)


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


results.add_to(app)
app.command("doctor")(doctor.doctor_command)


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
        with stopping.listening():
            run(args=arguments, prog_name="slmr")
    except SlmrError as error:
        print(f"slmr: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except (stopping.Stopped, KeyboardInterrupt):
        print("slmr: stopped; the same command goes on from here", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
