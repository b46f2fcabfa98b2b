"""Scores a model on tasks: lm-eval asks and grades, the engine answers, every completion is kept."""

from __future__ import annotations

import contextlib
import io
import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from slmr.engines import Completion, Engine, Prompt, Sampling, open_engine
from slmr.errors import WorkError
from slmr.stage import Params, StageContext, stage
from slmr.stats import Estimate, mean_with_interval
from slmr.store import read_rows, write_json, write_rows
from slmr.tasks import Task, load_task
from slmr.verify import checker_version

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

SAMPLES, METRICS = "samples.parquet", "metrics.json"
_CHUNK = 512  # completions that are flushed together; a killed run loses at most these


class EvaluateParams(Params):
    """What is evaluated and how completions are drawn.

    One completion an item is drawn greedily, more of them at `temperature`.
    """

    tasks: tuple[str, ...]
    task_digests: tuple[str, ...] = ()
    limit: int | None = Field(default=None, ge=1)
    k: int = Field(default=1, ge=1)
    temperature: float = Field(default=1.0, gt=0)
    eval_seed: int = 0


@stage("evaluate", EvaluateParams, {"model": "one"}, random=False, uses_engine=True)
def evaluate_stage(context: StageContext, params: EvaluateParams) -> None:
    """Completions and verdicts of every task in `samples.parquet`, their summary in `metrics.json`."""
    tasks = [load_task(name, context.tasks_paths) for name in params.tasks]
    model = model_folder(context.input("model"))
    evaluate(model, tasks, params, context)


def model_folder(artefact: Path) -> Path:
    """Where the model is in an artefact, or the folder itself if it is a model already."""
    inner = artefact / "model"
    return inner if inner.is_dir() else artefact


def evaluate(model: Path, tasks: Sequence[Task], params: EvaluateParams, context: StageContext) -> None:
    """Evaluate a model folder on tasks and write samples and metrics into the context's folder.

    Raises:
        WorkError: lm-eval's own mean differs from the one of the kept verdicts.
    """
    engine = open_engine(model, context.engine)
    recorder = _Recorder(engine, tasks, params, context)
    graded = _run_lm_eval(recorder, tasks, params)
    rows = recorder.graded_rows(tasks)
    metrics = {task.name: task_metrics([r for r in rows if r["task"] == task.name], task) for task in tasks}
    for task in tasks:
        theirs = graded[task.name]
        if not math.isclose(theirs, metrics[task.name]["accuracy"], abs_tol=1e-9):
            raise WorkError(
                f"{task.name}: lm-eval reports accuracy {theirs}, the kept verdicts {metrics[task.name]['accuracy']}"
            )
    write_rows(context.folder / SAMPLES, rows)
    write_json(context.folder / METRICS, metrics)
    recorder.clear()


def task_metrics(rows: Sequence[Mapping[str, Any]], task: Task) -> dict[str, Any]:
    """What a leaderboard row says of one task, from the verdicts of its completions."""
    strict = _by_item(rows, "strict")
    estimate = mean_with_interval(strict)
    return {
        "n_items": strict.shape[0],
        "k": strict.shape[1],
        "accuracy": estimate.mean,
        "accuracy_lenient": float(_by_item(rows, "lenient").mean()),
        "stderr": estimate.stderr,
        "ci95": [estimate.low, estimate.high],
        "truncated_rate": float(np.mean([row["finish_reason"] == "length" for row in rows])),
        "no_answer_rate": float(np.mean([row["status"] == "no_answer" for row in rows])),
        "mean_tokens": float(np.mean([row["tokens"] for row in rows])),
        "statuses": {s: sum(row["status"] == s for row in rows) for s in sorted({r["status"] for r in rows})},
        "task_version": f"{task.version}-{task.digest}",
        "checker_version": checker_version(task.kind),
        "edition": task.edition,
    }


def _by_item(rows: Sequence[Mapping[str, Any]], column: str) -> np.ndarray:
    """A column as [items, k], items in the order of the task."""
    groups = [[float(r[column]) for r in group] for _, group in groupby(rows, key=lambda r: r["item_id"])]
    return np.array(groups)


def mean_estimate(metrics: Sequence[Mapping[str, Any]]) -> Estimate:
    """The unweighted mean of task accuracies; tasks are independent, so variances add."""
    mean = float(np.mean([m["accuracy"] for m in metrics]))
    stderr = math.sqrt(sum(m["stderr"] ** 2 for m in metrics)) / len(metrics)
    return Estimate(mean, stderr, mean - 1.96 * stderr, mean + 1.96 * stderr)


class _Recorder:
    """Answers lm-eval's requests with the engine and keeps each answer as it is made.

    Requests are answered in chunks of one fixed composition, so a run that goes on after a kill meets
    the same batches, and the same arithmetic, as one that was never stopped.
    """

    def __init__(
        self, engine: Engine, tasks: Sequence[Task], params: EvaluateParams, context: StageContext
    ) -> None:
        self._engine, self._params, self._context = engine, params, context
        self._tasks = {task.name: task for task in tasks}
        self._folder = context.folder / "chunks"
        self._folder.mkdir(exist_ok=True)
        self._rows: list[dict[str, Any]] = []

    def answer(self, requests: Sequence[Instance]) -> list[str]:
        """The completions of lm-eval's requests, in order."""
        for task, group in groupby(requests, key=lambda r: r.task_name):
            self._answer_task(str(task), list(group), len(requests))
        return [row["completion"] for row in self._rows]

    def _answer_task(self, name: str, requests: Sequence[Instance], total: int) -> None:
        for start in range(0, len(requests), _CHUNK):
            file = self._folder / f"{name}-{start:06d}.parquet"
            if file.is_file():
                rows = read_rows(file)
            else:
                rows = self._generate(name, requests[start : start + _CHUNK], start, total)
                write_rows(file, rows)
            self._rows += rows
            self._context.progress(len(self._rows), total, "completions")

    def _generate(
        self, name: str, requests: Sequence[Instance], start: int, total: int
    ) -> list[dict[str, Any]]:
        task, k = self._tasks[name], self._params.k
        temperature = self._params.temperature if k > 1 else 0.0
        sampling = Sampling(temperature, task.max_tokens, self._params.eval_seed + start, task.stop)
        prompts = [Prompt(str(request.args[0])) for request in requests]
        done = len(self._rows)

        def heard(n: int) -> None:
            self._context.progress(done + n, total, "completions")

        completions = self._engine.generate(prompts, sampling, heard)
        return [
            _row(name, request, (start + i) % k, prompt, completion)
            for i, (request, prompt, completion) in enumerate(
                zip(requests, prompts, completions, strict=True)
            )
        ]

    def graded_rows(self, tasks: Sequence[Task]) -> list[dict[str, Any]]:
        """The kept completions with their verdicts."""
        by_name = {task.name: task for task in tasks}
        rows = []
        for row in self._rows:
            verdict = by_name[row["task"]].verify(row["completion"], row["gold"])
            rows.append({**row, "status": verdict.status, "strict": verdict.strict, "lenient": verdict.lenient,
                         "extracted": verdict.extracted, "reason": verdict.reason,
                         "elapsed_ms": verdict.elapsed_ms})  # fmt: skip
        return rows

    def clear(self) -> None:
        """Forget the chunks, once the samples are written."""
        for file in self._folder.iterdir():
            file.unlink()
        self._folder.rmdir()


def _row(
    task: str, request: Instance, k_index: int, prompt: Prompt, completion: Completion
) -> dict[str, Any]:
    return {
        "task": task,
        "item_id": str(request.doc.get("id", request.doc_id)),
        "difficulty": request.doc.get("difficulty"),
        "k_index": k_index,
        "prompt": prompt.user,
        "completion": completion.text,
        "gold": str(request.doc["gold"]),
        "finish_reason": completion.finish_reason,
        "tokens": completion.tokens,
    }


def _run_lm_eval(recorder: _Recorder, tasks: Sequence[Task], params: EvaluateParams) -> dict[str, float]:
    """lm-eval's own mean accuracy of each task."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    from lm_eval.api.model import LM
    from lm_eval.evaluator import evaluate as evaluate_tasks
    from lm_eval.filters import build_filter_ensemble
    from lm_eval.tasks import TaskManager

    class RecordingLM(LM):
        """lm-eval's view of the engine."""

        def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
            return recorder.answer(requests)

        def loglikelihood(
            self, requests: list[Instance], disable_tqdm: bool = False
        ) -> list[tuple[float, bool]]:
            raise WorkError("slmr evaluates tasks that generate; this one asks for log-likelihoods")

        def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
            raise WorkError("slmr evaluates tasks that generate; this one asks for log-likelihoods")

    roots: list[str | Path] = sorted({task.folder.parent for task in tasks})
    with _quiet_progress():
        manager = TaskManager(include_path=roots, include_defaults=False)
        loaded = manager.load([task.name for task in tasks])
        for task in loaded["tasks"].values():
            if task.get_config("num_fewshot") is None:
                task.set_config("num_fewshot", 0)
            if params.k > 1:  # k completions an item, all of them graded
                task.set_config("repeats", params.k)
                task._filters = [build_filter_ensemble("all", [("take_first_k", {"k": params.k})])]
        # Not simple_evaluate: around this call it only draws up the environment, for seconds.
        results = evaluate_tasks(
            RecordingLM(), loaded, limit=params.limit, bootstrap_iters=0, log_samples=False
        )
    found = (results or {}).get("results", {})
    return {task.name: _metric(found[task.name], "accuracy") for task in tasks}


def _metric(results: Mapping[str, Any], name: str) -> float:
    """A metric under any filter's name: lm-eval keys are `metric,filter`."""
    return float(next(value for key, value in results.items() if key.split(",")[0] == name))


@contextlib.contextmanager
def _quiet_progress() -> Iterator[None]:
    """Keeps lm-eval's tqdm bars and prints off the screen, where our own display is."""
    before = os.environ.get("TQDM_DISABLE")
    os.environ["TQDM_DISABLE"] = "1"
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        if before is None:
            del os.environ["TQDM_DISABLE"]
        else:
            os.environ["TQDM_DISABLE"] = before
