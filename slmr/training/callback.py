"""Evaluation inside any trainer: the same items at every point, paired with the start."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
import torch
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from slmr.engines import Prompt, Sampling
from slmr.engines.decode import Generation
from slmr.engines.sampler import Sampler
from slmr.engines.transformers import encode, first_stop
from slmr.errors import RequestError
from slmr.stats import Difference, bounded_mean, paired_difference
from slmr.stats.formats import percent, points
from slmr.tasks import Item, Task
from slmr.tasks.registry import select_tasks
from slmr.verify import verify_batch

_HALVES = 500  # number of random splits of the items into halves


@dataclass(frozen=True, slots=True)
class Point:
    """One task at one step: which items are right [items], and the change of accuracy since the start."""

    step: int
    task: str
    right: np.ndarray
    change: Difference

    @property
    def accuracy(self) -> float:
        return float(self.right.mean())


@dataclass(frozen=True, slots=True)
class Best:
    """The best point of a task. Its accuracy is too high, because the same items selected the point.

    Attributes:
        optimism: the expected loss on other items, see `optimism`.
    """

    task: str
    step: int
    accuracy: float
    optimism: float


@dataclass
class _Questions:
    task: Task
    items: list[Item]
    points: list[Point] = field(default_factory=list)


class SlmrCallback(TrainerCallback):
    """Evaluates the model in training, greedily, on fixed items: at the start, every few steps, and at the end.

    For trainers of transformers and TRL. The results are in `points` and in the trainer's `log_history`; after
    `follow(trainer)` its trackers get them, too. The callback does not change the training.

    Args:
        tasks: names of tasks or suites, separated by commas, or a list of them.
        every: steps between two evaluations.
        items: number of items per task, drawn once by `seed`.
        split: the items' split; None is `validation` if the task has one, else `test`.
        max_tokens: limit of an answer; None is the task's own.
        seed: of the draw.

    Raises:
        RequestError: a task is unknown or has no data, or a number is invalid.
    """

    def __init__(
        self,
        tasks: str | Sequence[str],
        every: int,
        *,
        items: int = 100,
        split: str | None = None,
        max_tokens: int | None = None,
        seed: int = 0,
    ) -> None:
        if every < 1 or items < 2:
            raise RequestError(f"every must be at least 1 and items at least 2, not {every} and {items}")
        names = tasks if isinstance(tasks, str) else ",".join(tasks)
        self.every, self._max_tokens = every, max_tokens
        self._questions = [_Questions(t, _draw_items(t, items, split, seed)) for t in select_tasks(names)]
        self._trainer: Any = None

    def follow(self, trainer: Any) -> None:
        """Sends the results to the trainer's trackers, too."""
        self._trainer = trainer

    @property
    def points(self) -> list[Point]:
        """All points so far, by task and step."""
        return [point for questions in self._questions for point in questions.points]

    def best(self) -> list[Best]:
        """The first of the best points of each task after the start, with its optimism."""
        return [_best(q.task.name, q.points[1:]) for q in self._questions if len(q.points) > 1]

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if args.world_size > 1 and (args.fsdp or args.deepspeed):
            raise RequestError("SlmrCallback needs the whole model in a process: neither FSDP nor DeepSpeed")
        self._evaluate(state, kwargs)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if state.global_step % self.every == 0 or state.global_step == state.max_steps:
            should_log = control.should_log
            self._evaluate(state, kwargs)
            control.should_log = should_log  # logging to the trackers has reset it, as if the step had been logged

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        for best in self.best() if state.is_world_process_zero else []:
            print(
                f"{best.task}: best at step {best.step}, {percent(best.accuracy)} %, of which about"
                f" {100 * best.optimism:.1f} points come from choosing the best step:"
                f" {percent(best.accuracy - best.optimism)} % is to be expected on other items",
                file=sys.stderr,
            )

    def _evaluate(self, state: TrainerState, kwargs: dict[str, Any]) -> None:
        """Evaluates in the first process; the others wait for it at the next step."""
        if not state.is_world_process_zero:
            return
        model, tokenizer = getattr(kwargs["model"], "module", kwargs["model"]), _tokenizer(kwargs)
        metrics: dict[str, float] = {}
        with torch.random.fork_rng():
            sampler = Sampler(model, tokenizer)
            for questions in self._questions:
                metrics |= self._measure(questions, _answers(sampler, tokenizer, questions, self._max_tokens), state)
        if self._trainer is not None:  # a subclass's own `log` may clear metrics gathered for a step
            Trainer.log(self._trainer, metrics)
        else:
            state.log_history.append(metrics | {"step": state.global_step})

    def _measure(self, questions: _Questions, texts: list[str], state: TrainerState) -> dict[str, float]:
        task, golds = questions.task, [item.gold for item in questions.items]
        right = np.array([v.strict for v in verify_batch(texts, golds, task.kind)], dtype=float)
        start = questions.points[0].right if questions.points else right
        point = Point(state.global_step, task.name, right, paired_difference(right[:, None], start[:, None]))
        questions.points.append(point)
        estimate = bounded_mean(right)
        print(
            f"step {point.step}, {task.name}: {percent(estimate.mean, estimate.low, estimate.high)} %, since the start"
            f" {points(point.change.mean, point.change.low, point.change.high)}",
            file=sys.stderr,
        )
        name = f"slmr/{task.name}"
        return {
            f"{name}/accuracy": estimate.mean,
            f"{name}/change": point.change.mean,
            f"{name}/change_low": point.change.low,
            f"{name}/change_high": point.change.high,
        }


def _draw_items(task: Task, count: int, split: str | None, seed: int) -> list[Item]:
    """Draws `count` items, the same for every model; all if there are fewer."""
    chosen: Any = split or ("validation" if task.has_split("validation") and task.has_data("validation") else "test")
    if task.lab_generator:  # an endless stream
        return task.items(chosen, count)
    items = task.items(chosen)
    return Random(f"{seed} {task.name}").sample(items, min(count, len(items)))


def _tokenizer(kwargs: dict[str, Any]) -> Any:
    processor = kwargs.get("processing_class") or kwargs.get("tokenizer")
    tokenizer = getattr(processor, "tokenizer", processor)
    if tokenizer is None:
        raise RequestError("the trainer has no tokenizer: give it one as processing_class")
    return tokenizer


def _answers(sampler: Sampler, tokenizer: Any, questions: _Questions, max_tokens: int | None) -> list[str]:
    task = questions.task
    prompts = [encode(tokenizer, Prompt(task.prompt(item.problem))) for item in questions.items]
    rows = [Generation(i, tuple(prompt), i) for i, prompt in enumerate(prompts)]
    sampler.fill(rows, Sampling(0.0, max_tokens or task.max_tokens, 0, task.stop))
    texts = [str(text) for text in tokenizer.batch_decode([row.ids for row in rows], skip_special_tokens=True)]
    return [text[: first_stop(text, task.stop)] for text in texts]


def _best(task: str, points: Sequence[Point]) -> Best:
    best = max(points, key=lambda point: point.accuracy)
    return Best(task, best.step, best.accuracy, optimism(np.stack([point.right for point in points])))


def optimism(right: np.ndarray, seed: int = 0) -> float:
    """How much better the best of several points looks on the items that selected it than on other items.

    The best point is selected on a random half of the items and measured on the other half. The mean difference over
    many splits holds for n / 2 items; with n items the noise is smaller by the square root of 2. This is exact if no
    point is truly better than another; otherwise noise decides less, in the halves as in the whole.

    Args:
        right: [points, items], 1 for a right item.
        seed: of the random splits.
    """
    points_, items = right.shape
    if points_ < 2 or items < 4:
        return 0.0
    rng = np.random.default_rng(seed)
    losses = []
    for _ in range(_HALVES):
        order = rng.permutation(items)
        selection, other = (right[:, half].mean(axis=1) for half in np.array_split(order, 2))
        ties = np.flatnonzero(selection == selection.max())
        losses.append(selection.max() - other[ties].mean())
    return max(0.0, float(np.mean(losses)) / 2**0.5)
