"""Scores a model on tasks: the engine answers, every completion is kept, lm-eval grades beside us."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import Field

from slmr.config import Params
from slmr.engines import open_engine
from slmr.errors import WorkError
from slmr.evaluate.lm_eval import lm_eval_accuracy
from slmr.evaluate.metrics import VERDICT_FIELDS, judged, task_metrics
from slmr.evaluate.recorder import Question, Recorder, questions_of
from slmr.io import Stopwatch, write_json, write_rows
from slmr.stage import StageContext, stage
from slmr.tasks import Task
from slmr.tasks.registry import load_task
from slmr.verify import symbolic

__all__ = ["METRICS", "SAMPLES", "VERDICT_FIELDS", "EvaluateParams", "evaluate"]

SAMPLES, METRICS = "samples.parquet", "metrics.json"


class EvaluateParams(Params):
    """What is evaluated and how completions are drawn.

    `temperature`: where none is given, one completion an item is greedy, several are drawn at 1.
    `max_tokens`: instead of each task's own budget.
    """

    tasks: tuple[str, ...]
    task_digests: tuple[str, ...] = ()
    limit: int | None = Field(default=None, ge=1)
    k: int = Field(default=1, ge=1)
    temperature: float | None = Field(default=None, ge=0)
    eval_seed: int = 0
    fewshot: int = Field(default=0, ge=0)
    max_tokens: int | None = Field(default=None, ge=1)

    def drawn_at(self) -> float:
        """The temperature in force."""
        if self.temperature is not None:
            return self.temperature
        return 0.0 if self.k == 1 else 1.0


@stage("evaluate", EvaluateParams, {"model": "one"}, random=False, uses_engine=True, version=2)
def evaluate_stage(context: StageContext, params: EvaluateParams) -> None:
    """Completions and verdicts of every task in `samples.parquet`, their summary in `metrics.json`."""
    tasks = [load_task(name, context.tasks_paths) for name in params.tasks]
    evaluate(context.sampled_model("model"), tasks, params, context)


def evaluate(model: Path | str, tasks: Sequence[Task], params: EvaluateParams, context: StageContext) -> None:
    """Evaluate a model folder, or a server's model, and write samples and metrics into the context's folder.

    lm-eval is imported after the last completion, since it would keep the first one waiting, and beside the
    verdicts, some of which wait for symbolic workers.

    Raises:
        WorkError: lm-eval's own mean differs from the one of the kept verdicts.
    """
    questions = [q for task in tasks for q in questions_of(task, params.limit, params.k, params.fewshot)]
    if any(task.kind == "math" for task in tasks):
        symbolic.POOL.warm()  # ready by the time that the engine is
    answers = _answers(model, questions, params, context)
    with ThreadPoolExecutor(1) as beside:
        beside.submit(importlib.import_module, "lm_eval.evaluator")
        rows = judged(answers, {task.name: task for task in tasks})
    metrics = {task.name: task_metrics([r for r in rows if r["task"] == task.name], task) for task in tasks}
    graded = lm_eval_accuracy(tasks, rows, params.limit, params.k)
    for task in tasks:
        ours = metrics[task.name]["accuracy"]
        if not math.isclose(graded[task.name], ours, abs_tol=1e-9):
            raise WorkError(
                f"{task.name}: lm-eval reports accuracy {graded[task.name]}, the kept verdicts {ours}"
            )
    write_rows(context.folder / SAMPLES, rows)
    write_json(context.folder / METRICS, metrics)
    Recorder.clear(context.folder)


def _answers(
    model: Path | str, questions: Sequence[Question], params: EvaluateParams, context: StageContext
) -> list[dict]:
    """One row a question, without a verdict; the engine is not even opened where all are kept already."""
    recorder = Recorder(context.folder, questions, params, context.progress)
    if recorder.left():
        watch = Stopwatch()
        engine = open_engine(model, context.engine)
        try:
            context.stats["load_s"] = round(watch.seconds, 2)
            context.stats["engine"] = recorder.record(engine)
        finally:
            engine.close()
    return recorder.rows()
