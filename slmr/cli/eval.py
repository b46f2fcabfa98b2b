"""`slmr eval`: one model as it is, scored on tasks."""

from __future__ import annotations

import atexit
import gc
import json
import shlex
import sys
from typing import TYPE_CHECKING

import typer

from slmr.cli.options import (
    ApiKeyEnv,
    AsJson,
    DataDir,
    Out,
    Seed,
    ServedName,
    TasksPath,
    console,
    print_fields,
    print_json,
    warn,
)
from slmr.cli.request import request_command
from slmr.pipeline.evaluation import EvalRequest, plan_evaluation

if TYPE_CHECKING:
    from slmr.pipeline.bench import Plan

EXAMPLES = (
    "slmr eval lab-llama",
    "slmr eval smollm2 --tasks gsm8k_platinum --limit 50 --data-dir DIR",
    "slmr eval lab-qwen --tasks quiz.csv --name mine",
    "slmr eval http://127.0.0.1:8000/v1 --tasks paper --k 4",
)


@request_command(
    EvalRequest,
    model=typer.Argument(help="A lab student, model folder, LoRA adapter, GGUF file, hub id, or server URL."),
    name=typer.Option(help="Name to list the model under; its own by default.", metavar="LABEL"),
    tasks=typer.Option(
        help="lab, paper, names separated by commas, or a file of your questions (.csv, .tsv, .jsonl, .json)."
    ),
    k=typer.Option(min=1, help="Completions per item; 1 decodes greedily."),
    temperature=typer.Option(min=0, help="By default 0 if k is 1, else 1."),
    top_p=typer.Option(min=0, max=1, help="Draw from the most likely tokens with this total probability."),
    top_k=typer.Option(min=0, help="Draw from this many of the most likely tokens; 0 is all."),
    min_p=typer.Option(min=0, max=1, help="Draw from tokens this likely, as a share of the most likely one's."),
    stop=typer.Option(help="Text that ends a completion, besides the task's; repeatable.", metavar="TEXT"),
    fewshot=typer.Option(min=0, help="Examples before each question."),
    system=typer.Option(help="A system message before each question."),
    max_tokens=typer.Option(min=1, help="Tokens per completion, instead of each task's budget."),
    limit=typer.Option(min=1, help="At most N items per task."),
    seed=Seed,
    engine=typer.Option(help="auto, transformers, vllm or server."),
    dtype=typer.Option(help="auto, float32 or bfloat16; auto is float32 on a CPU."),
    device=typer.Option(help="auto, cpu, cuda, cuda:1, ..."),
    batch_size=typer.Option(help="auto, or how many completions to sample at once."),
    concurrency=typer.Option(min=1, help="Requests to a server at the same time."),
    served_name=ServedName,
    api_key_env=ApiKeyEnv,
    chat_template_kwargs=typer.Option(
        help="Variables of the chat template: '{\"enable_thinking\": false}'.", metavar="JSON"
    ),
    compile=typer.Option("--compile", help="Compile the model first: takes minutes, pays off in long runs on a GPU."),
    trust_remote_code=typer.Option("--trust-remote-code", help="Run code that comes with the model."),
    data_dir=DataDir,
    out=Out,
    tasks_paths=TasksPath,
)
def eval_command(request: EvalRequest, as_json: AsJson = False) -> None:
    """Evaluate one model: accuracy with its interval, cut-off and unanswered rates; keep every completion.

    Run the same command again to go on where it stopped; finished work is reused.
    """
    _collect_rarely()
    _evaluate(request, as_json)


def _collect_rarely() -> None:
    """The libraries' objects live as long as the process: searching them for garbage takes two seconds."""
    gc.set_threshold(200_000)
    atexit.register(gc.freeze)


def _evaluate(request: EvalRequest, as_json: bool) -> None:
    """Evaluates and prints: accuracies, warnings, the speed, where the run is; then lm-eval checks the completions."""
    from slmr.cli.display import BenchDisplay, tell
    from slmr.pipeline.bench import run_bench
    from slmr.pipeline.confirmation import confirm
    from slmr.results.export.first_page import speed_of
    from slmr.results.render.report import warnings
    from slmr.results.render.tables import eval_tables
    from slmr.results.runs.manifests import manifests_of
    from slmr.results.runs.method_results import MethodResult, RunRow
    from slmr.results.runs.suites import listed_suites

    with BenchDisplay("eval") as display:
        plan = plan_evaluation(request, tell)
        rows = run_bench(plan, display).rows
    result = MethodResult.of(RunRow(row, plan.folder) for row in rows)
    if as_json:
        print_json([{"name": row.task, **row.model_dump(mode="json")} for row in rows])
    else:
        terminal = console()
        for table in eval_tables(result, listed_suites(plan.folder), terminal.width):
            terminal.print(table)
    warn(warnings(rows))
    if not as_json:
        (manifest,) = manifests_of(result.run_rows).values()
        print_fields(
            _wording(plan)
            | {
                "Speed": speed_of(manifest) or "nothing was left to generate",
                "Run": plan.folder,
                "Look at it": f"slmr show {shlex.quote(str(plan.folder))}",
                "Leaderboard": f"slmr leaderboard --results {shlex.quote(str(request.out))}",
            }
        )
    sys.stdout.flush()  # the results stand before the check begins
    confirm(plan, tell)


def _wording(plan: Plan) -> dict[str, str]:
    """How the questions of a file are asked, which the file does not say, and where that can be changed."""
    folder = plan.folder.parent / "tasks"
    tasks = [task for task in plan.tasks if task.folder.parent == folder]
    if not tasks:
        return {}
    prompts = dict.fromkeys(json.dumps(task.template, ensure_ascii=False) for task in tasks)
    names = ",".join(task.name for task in tasks)
    files = ", ".join(str(task.folder / "task.yaml") for task in tasks)
    again = f"--tasks {names} --tasks-path {shlex.quote(str(folder))}"
    kinds = ", ".join(dict.fromkeys(task.kind for task in tasks))
    change = f"To ask otherwise, edit {files} and evaluate with {again}"
    return {"Checked as": kinds, "Asked as": f"{', '.join(prompts)}\n{change}"}
