"""`slmr eval`: one model as it is, scored on tasks."""

from __future__ import annotations

import atexit
import gc
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from slmr.pipeline.bench import Plan
    from slmr.pipeline.evaluation import EvalRequest

EXAMPLES = (
    "slmr eval lab-llama",
    "slmr eval smollm2 --tasks gsm8k_platinum --limit 50 --data-dir DIR",
    "slmr eval lab-qwen --tasks quiz.csv --name mine",
    "slmr eval http://127.0.0.1:8000/v1 --tasks paper --k 4",
)


Model = Annotated[
    str,
    typer.Argument(help="A lab student, model folder, LoRA adapter, GGUF file, hub id, or server URL."),
]
Name = Annotated[
    str | None,
    typer.Option(help="Name to list the model under; its own by default.", metavar="LABEL"),
]
Tasks = Annotated[
    str,
    typer.Option(help="lab, paper, names separated by commas, or a file of your questions (.csv, .jsonl)."),
]
MaxTokens = Annotated[int | None, typer.Option(min=1, help="Tokens per completion, instead of each task's budget.")]
ChatTemplateKwargs = Annotated[
    str | None,
    typer.Option(help="Variables of the chat template: '{\"enable_thinking\": false}'.", metavar="JSON"),
]
CompileSteps = Annotated[
    bool,
    typer.Option("--compile", help="Compile the model first: takes minutes, pays off in long runs on a GPU."),
]
TrustRemoteCode = Annotated[bool, typer.Option("--trust-remote-code", help="Run code that comes with the model.")]


def eval_command(
    model: Model,
    name: Name = None,
    tasks: Tasks = "lab",
    k: Annotated[int, typer.Option(min=1, help="Completions per item; 1 decodes greedily.")] = 1,
    temperature: Annotated[float | None, typer.Option(min=0, help="By default 0 if k is 1, else 1.")] = None,
    top_p: Annotated[
        float, typer.Option(min=0, max=1, help="Draw from the most likely tokens with this total probability.")
    ] = 1.0,
    top_k: Annotated[int, typer.Option(min=0, help="Draw from this many of the most likely tokens; 0 is all.")] = 0,
    min_p: Annotated[
        float, typer.Option(min=0, max=1, help="Draw from tokens this likely, as a share of the most likely one's.")
    ] = 0.0,
    stop: Annotated[
        list[str] | None, typer.Option(help="Text that ends a completion, besides the task's; repeatable.")
    ] = None,
    fewshot: Annotated[int, typer.Option(min=0, help="Worked examples before each question.")] = 0,
    system: Annotated[str, typer.Option(help="A system message before each question.")] = "",
    max_tokens: MaxTokens = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most N items per task.")] = None,
    seed: Seed = 0,
    engine: Annotated[str, typer.Option(help="auto, transformers, vllm or server.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32 or bfloat16; auto is float32 on a CPU.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    batch_size: Annotated[str, typer.Option(help="auto, or how many completions to sample at once.")] = "auto",
    concurrency: Annotated[int, typer.Option(min=1, help="Requests to a server at the same time.")] = 16,
    served_name: ServedName = None,
    api_key_env: ApiKeyEnv = None,
    chat_template_kwargs: ChatTemplateKwargs = None,
    compile_steps: CompileSteps = False,
    trust_remote_code: TrustRemoteCode = False,
    data_dir: DataDir = None,
    out: Out = Path("runs"),
    tasks_path: TasksPath = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate one model: accuracy with its interval, cut-off and unanswered rates; keep every completion.

    Run the same command again to go on where it stopped; finished work is reused.
    """
    _collect_rarely()
    from slmr.pipeline.evaluation import EvalRequest

    request = EvalRequest(
        model=model,
        name=name,
        tasks=tasks,
        k=k,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        min_p=min_p,
        stop=tuple(stop or ()),
        fewshot=fewshot,
        system=system,
        max_tokens=max_tokens,
        engine=engine,
        dtype=dtype,
        device=device,
        batch_size=batch_size,
        concurrency=concurrency,
        served_name=served_name,
        api_key_env=api_key_env,
        chat_template_kwargs=chat_template_kwargs,
        compile=compile_steps,
        trust_remote_code=trust_remote_code,
        limit=limit,
        seed=seed,
        data_dir=data_dir,
        out=out,
        tasks_paths=tuple(tasks_path or ()),
    )
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
    from slmr.pipeline.evaluation import plan_evaluation
    from slmr.results.export.first_page import speed_of
    from slmr.results.export.publish import manifests_of
    from slmr.results.render.report import warnings
    from slmr.results.render.tables import eval_tables
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
            _asked(plan)
            | {
                "Speed": speed_of(manifest) or "nothing was left to generate",
                "Run": plan.folder,
                "Look at it": f"slmr show {shlex.quote(str(plan.folder))}",
                "Leaderboard": f"slmr leaderboard --results {shlex.quote(str(request.out))}",
            }
        )
    sys.stdout.flush()  # the results stand before the check begins
    confirm(plan, tell)


def _asked(plan: Plan) -> dict[str, str]:
    """How the questions of a file are asked, which the file does not say, and where that can be changed."""
    made = plan.folder.parent / "tasks"
    written = [task for task in plan.tasks if task.folder.parent == made]
    prompts = dict.fromkeys(json.dumps(task.template, ensure_ascii=False) for task in written)
    if not written:
        return {}
    names = ",".join(task.name for task in written)
    files = ", ".join(str(task.folder / "task.yaml") for task in written)
    again = f"--tasks {names} --tasks-path {shlex.quote(str(made))}"
    kinds = ", ".join(dict.fromkeys(task.kind for task in written))
    change = f"To ask otherwise, edit {files} and evaluate with {again}"
    return {"Checked as": kinds, "Asked as": f"{', '.join(prompts)}\n{change}"}
