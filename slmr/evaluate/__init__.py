"""Scores a model on tasks: the engine answers, and every completion is saved and judged when it arrives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from slmr.config import MAX_K, MAX_TOKENS, Params, StopText, Truncation
from slmr.engines import Completion, Prompt, Sampling, open_engine
from slmr.evaluate.metrics import VERDICT_FIELDS, Judge, task_metrics, write_metrics
from slmr.evaluate.recorder import Question, Recorder
from slmr.evaluate.redraw import redraw
from slmr.io import Stopwatch, write_rows
from slmr.stage import StageContext, stage
from slmr.tasks import Item, Task
from slmr.tasks.fewshot import examples_by_item
from slmr.tasks.registry import load_task
from slmr.verify.reading.completion import closes_unopened_thought, has_thought

__all__ = ["METRICS", "SAMPLES", "VERDICT_FIELDS", "EvaluateParams", "evaluate"]

SAMPLES, METRICS = "samples.parquet", "metrics.json"


class EvaluateParams(Truncation, Params):
    """What is evaluated and how completions are sampled.

    Attributes:
        temperature: by default 0 (greedy) for one completion per item, 1 for several.
        max_tokens: replaces each task's own limit.
        redraws: how often a completion without steps is drawn again, for the reference `never_guess`.
        system: a system message in front of each question; empty for none.
        stop: texts that end a completion, besides each task's own.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"system", "stop", *Truncation.model_fields})

    tasks: tuple[str, ...]
    task_digests: tuple[str, ...] = ()
    limit: int | None = Field(default=None, ge=1)
    k: int = Field(default=1, ge=1, le=MAX_K)
    temperature: float | None = Field(default=None, ge=0)
    eval_seed: int = 0
    fewshot: int = Field(default=0, ge=0, le=1000)
    max_tokens: int | None = Field(default=None, ge=1, le=MAX_TOKENS)
    redraws: int = Field(default=0, ge=0, le=1000)
    system: str = ""
    stop: tuple[StopText, ...] = ()

    @model_validator(mode="after")
    def _truncates_what_is_drawn(self) -> Self:
        if self.cuts and self._temperature == 0:
            by_default = " (the default for one completion per item)" if self.temperature is None else ""
            raise ValueError(
                f"{', '.join(self.cuts)}: without effect at temperature 0{by_default}, which is greedy: set a"
                " temperature above 0"
            )
        return self

    @property
    def _temperature(self) -> float:
        return self.temperature if self.temperature is not None else 0.0 if self.k == 1 else 1.0

    def sampling(self, task: Task) -> Sampling:
        """How a task's completions are sampled."""
        max_tokens, stop = self.max_tokens or task.max_tokens, (*task.stop, *self.stop)
        return Sampling(self._temperature, max_tokens, self.eval_seed, stop, self.truncation)


@stage("evaluate", EvaluateParams, {"model": "one"}, random=False, uses_engine=True, version=3)
def evaluate_stage(context: StageContext, params: EvaluateParams) -> None:
    """Writes the completions and verdicts of every task to `samples.parquet`, their summary to `metrics.json`."""
    tasks = [load_task(name, context.tasks_paths) for name in params.tasks]
    evaluate(context.sampled_model("model"), tasks, params, context)


def evaluate(model: Path | str, tasks: Sequence[Task], params: EvaluateParams, context: StageContext) -> None:
    """Evaluates a model folder or a server's model, and writes samples and metrics into the context's folder.

    `slmr.evaluate.agreement` compares the finished files with lm-eval.
    """
    questions = [question for task in tasks for question in questions_of(task, params)]
    with closing(Judge({task.name: task for task in tasks})) as judge:
        recorder: Recorder[dict[str, Any]] = Recorder(context.folder, context.progress, on_row=judge.add)
        recorder.add(questions)
        record = partial(_record, recorder, model, context)
        rows = judge.judged(with_thoughts_begun(redraw(recorder, questions, params.k, params.redraws, record)))
    metrics = {task.name: task_metrics([r for r in rows if r["task"] == task.name], task) for task in tasks}
    write_rows(context.folder / SAMPLES, rows)
    write_metrics(context.folder / METRICS, metrics)
    recorder.clear()


def with_thoughts_begun(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Adds the opening thought tag to truncated completions, if the server's template puts that tag into the prompt.

    Completions that close a thought without opening it show that the template does so.
    """
    if not any(closes_unopened_thought(row["completion"]) for row in rows):
        return list(rows)
    return [
        row | {"completion": f"<think>{row['completion']}"}
        if row["finish_reason"] == "length" and not has_thought(row["completion"])
        else row
        for row in rows
    ]


def _record(recorder: Recorder, model: Path | str, context: StageContext) -> None:
    """Asks the missing questions; opens the engine only if there are any."""
    if recorder.missing():
        watch = Stopwatch()
        with closing(open_engine(model, context.engine)) as engine:
            context.stats["load_s"] = round(watch.seconds, 2)
            recorder.announce(engine)
            context.stats["engine"] = recorder.record(engine, engine.unit)


def questions_of(task: Task, params: EvaluateParams) -> list[Question[dict[str, Any]]]:
    """The task's test items, k times each, in the order of the task."""
    sampling = params.sampling(task)
    questions = []
    for item, first in prompts_of(task, params):
        for k in range(params.k):
            prompt = replace(first, sample_index=k)
            questions.append(Question(prompt, sampling, task.name, partial(_sample, task, item, prompt)))
    return questions


def prompts_of(task: Task, params: EvaluateParams) -> Iterator[tuple[Item, Prompt]]:
    """The task's test items and their prompts, with few-shot examples."""
    examples = examples_by_item(task, params.fewshot, params.eval_seed)
    for item in task.test_items(params.limit):
        yield item, Prompt(task.prompt(item.problem), examples=examples(item), system=params.system)


def _sample(task: Task, item: Item, prompt: Prompt, completion: Completion) -> dict[str, Any]:
    """A row of the samples, without a verdict."""
    return {
        "task": task.name,
        "item_id": item.id,
        "difficulty": item.difficulty,
        "reach": item.exposure,
        "k_index": prompt.sample_index,
        "prompt": prompt.user,
        "completion": completion.text,
        "gold": item.gold,
        "finish_reason": completion.finish_reason,
        "tokens": completion.tokens,
        "logprob": sum(completion.logprobs) if completion.logprobs else None,
    }
