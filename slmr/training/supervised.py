"""What trainers on a fixed data set share: parameters, which row comes when, settings, the count of tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from random import Random
from typing import Any, TypeVar

from pydantic import Field

from slmr.config import MAX_SIDE_BY_SIDE, TrainingSettings
from slmr.stage import StageContext
from slmr.training.trainer import Run, trainer_settings
from slmr.training.validation import ValidationParams

_Row = TypeVar("_Row")


class SupervisedParams(ValidationParams):
    """`max_length` is of prompt and completion in training, `max_tokens` of a completion in validation."""

    learning_rate: float = Field(default=5e-4, gt=0)
    epochs: float = Field(default=3.0, gt=0, le=10_000)
    batch_size: int = Field(default=32, ge=1, le=MAX_SIDE_BY_SIDE)
    warmup_share: float = Field(default=0.1, ge=0, lt=1)
    max_length: int = Field(default=512, ge=8)

    def fits(self, training: TrainingSettings) -> None:
        training.share(self.batch_size, "batch_size")


def schedule(lengths: Sequence[int], steps: int, batch_size: int, seed: int) -> list[int]:
    """Which row is trained on when: `steps` batches, each of rows of similar length, in random order.

    Every pass takes each row once; the whole plan is fixed by the seed, so that a run that goes on from a
    checkpoint sees what it would have seen.
    """
    rng, order = Random(seed), []
    while len(order) < steps * batch_size:
        rows = list(range(len(lengths)))
        rng.shuffle(rows)
        # Sorted within stretches of some batches: little padding, and yet another batch in every pass.
        stretch = 50 * batch_size
        for start in range(0, len(rows), stretch):
            rows[start : start + stretch] = sorted(rows[start : start + stretch], key=lambda i: -lengths[i])
        batches = [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)]
        rng.shuffle(batches)
        order += [i for batch in batches for i in batch]
    return order[: steps * batch_size]


def scheduled(
    rows: Sequence[_Row], length: Callable[[_Row], int], params: SupervisedParams, seed: int,
    share: float = 1.0, epoch: int | None = None,
) -> list[_Row]:  # fmt: skip
    """The rows of all steps, in the order of `schedule`; `share` of the epochs are trained, of `epoch` rows each.

    An epoch is all rows unless another number is given.
    """
    steps = updates(len(rows) if epoch is None else epoch, params, share)
    return [rows[i] for i in schedule(list(map(length, rows)), steps, params.batch_size, seed)]


def updates(epoch: int, params: SupervisedParams, share: float = 1.0) -> int:
    """How many steps a training takes whose epochs have so many rows."""
    return max(1, round(epoch * params.epochs * share / params.batch_size))


def supervised_settings(
    context: StageContext, params: SupervisedParams, rows: Sequence[object]
) -> dict[str, Any]:
    """`trainer_settings` with those of a trainer on scheduled rows."""
    return trainer_settings(context) | {
        "max_steps": len(rows) // params.batch_size,
        "per_device_train_batch_size": context.training.share(params.batch_size, "batch_size"),
        "learning_rate": params.learning_rate,
        "warmup_steps": params.warmup_share,
        "lr_scheduler_type": "cosine",
        "max_length": params.max_length,
        "train_sampling_strategy": "sequential",
    }


def train_on(run: Run, trainer: Any, tokens: Sequence[int], batch_size: int) -> int:
    """Trains on rows of so many tokens each, in their order; returns how many tokens were trained on."""
    so_far = list(accumulate(tokens))
    run.train(trainer, lambda step: {"train_tokens": so_far[step * batch_size - 1]})
    return so_far[trainer.state.global_step * batch_size - 1]
