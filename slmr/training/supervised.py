"""The common part of trainers on a fixed data set: parameters, the order of rows, settings, token counts."""

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

_Example = TypeVar("_Example")


class SupervisedParams(ValidationParams):
    """`max_length` limits prompt plus completion in training, `max_tokens` a completion in validation."""

    learning_rate: float = Field(default=5e-4, gt=0)
    epochs: float = Field(default=3.0, gt=0, le=10_000)
    batch_size: int = Field(default=32, ge=1, le=MAX_SIDE_BY_SIDE)
    warmup_share: float = Field(default=0.1, ge=0, lt=1)
    max_length: int = Field(default=512, ge=8)

    def fits(self, training: TrainingSettings) -> None:
        training.share(self.batch_size, "batch_size")


def batch_order(lengths: Sequence[int], steps: int, batch_size: int, seed: int) -> list[int]:
    """The order of the rows: `steps` batches of rows with similar lengths, in random order.

    Every pass contains each row once. The seed fixes the whole order, so that a run resumed from a checkpoint sees
    the same rows.
    """
    rng, order = Random(seed), []
    while len(order) < steps * batch_size:
        rows = list(range(len(lengths)))
        rng.shuffle(rows)
        # Sorting within stretches of 50 batches: little padding, but other batches in every pass.
        stretch = 50 * batch_size
        for start in range(0, len(rows), stretch):
            rows[start : start + stretch] = sorted(rows[start : start + stretch], key=lambda i: -lengths[i])
        batches = [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)]
        rng.shuffle(batches)
        order += [i for batch in batches for i in batch]
    return order[: steps * batch_size]


def schedule_rows(
    rows: Sequence[_Example],
    length: Callable[[_Example], int],
    params: SupervisedParams,
    seed: int,
    share: float = 1.0,
    epoch: int | None = None,
) -> list[_Example]:
    """The rows of all steps, in the order of `batch_order`, for `share` of the epochs.

    `epoch` is the number of rows per epoch; None for all.
    """
    steps = updates(len(rows) if epoch is None else epoch, params, share)
    return [rows[i] for i in batch_order(list(map(length, rows)), steps, params.batch_size, seed)]


def updates(epoch: int, params: SupervisedParams, share: float = 1.0) -> int:
    """The number of steps of a training whose epochs have `epoch` rows."""
    return max(1, round(epoch * params.epochs * share / params.batch_size))


def supervised_settings(context: StageContext, params: SupervisedParams, rows: Sequence[object]) -> dict[str, Any]:
    """`trainer_settings`, with the settings for scheduled rows."""
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
    """Trains on the rows in order, where `tokens` are their lengths; returns the number of tokens trained on."""
    total = list(accumulate(tokens))
    run.train(trainer, lambda step: {"train_tokens": total[step * batch_size - 1]})
    return total[trainer.state.global_step * batch_size - 1]
