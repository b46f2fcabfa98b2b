"""The history of a training run: one row per step, with names that mean the same for every trainer.

step               updates so far; 0 is before the first
loss, grad_norm, learning_rate
reward             mean over the completions trained on
accuracy, format   share of them that are strictly right, and that have the requested form, right or not
length, truncated  their mean tokens, and the share cut off at max_tokens
kl                 the trainer's own KL to its reference, nats per token; only if beta is above 0
entropy            nats per token, the mean over the step's passes
clip_ratio         share of tokens (with `ratio: sequence` of completions) whose probability ratio was clipped
all_right, all_wrong, mixed     shares of the groups trained on
zero_variance      share of them whose rewards are all equal
replaced           groups that were replaced so far
logprob_gap, logprob_gap_max    between sampler and trainer, nats per token
rollout_tokens, train_tokens, teacher_tokens    so far
validation_*       accuracy, format, length, truncated, kl (to the start, estimated) on held-out problems
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CURVE = "curve.parquet"

# Trainer's name → our name.
_NAMES = {
    "loss": "loss",
    "grad_norm": "grad_norm",
    "learning_rate": "learning_rate",
    "reward": "reward",
    "completions/mean_length": "length",
    "completions/clipped_ratio": "truncated",
    "kl": "kl",
    "entropy": "entropy",
    "clip_ratio/region_mean": "clip_ratio",
    "cispo_clip_ratio": "clip_ratio",
    "sampling/logprob_gap": "logprob_gap",
    "sampling/logprob_gap_max": "logprob_gap_max",
    "num_tokens": "train_tokens",
}

_SUMMARISED = ("loss", "reward", "accuracy", "format", "length", "entropy")


class Curve:
    """Rows by step; the values of different parts for one step are merged into one row."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[str, float]] = {}

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Adds these values to the step's row."""
        row = self._rows.setdefault(step, {"step": step})
        row |= {name: float(value) for name, value in values.items()}

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All rows in the order of the steps, with the same columns: None for missing values."""
        names = list(dict.fromkeys(name for row in self._rows.values() for name in row))
        return [{name: row.get(name) for name in names} for _, row in sorted(self._rows.items())]

    def latest(self, count: int) -> list[dict[str, float]]:
        """The rows of the last `count` steps."""
        return [self._rows[step] for step in sorted(self._rows)[-count:]]

    def state(self) -> list[dict[str, float]]:
        """The state for a checkpoint."""
        return list(self._rows.values())

    def restore(self, state: Sequence[dict[str, float]]) -> None:
        self._rows = {int(row["step"]): dict(row) for row in state}


def renamed(logs: Mapping[str, Any]) -> dict[str, float]:
    """A trainer's log with our names; other values are left out."""
    return {ours: number for theirs, ours in _NAMES.items() if (number := _number(logs.get(theirs))) is not None}


def _number(value: Any) -> float | None:
    """Of a number, or of its text: transformers 5 logs some as texts."""
    try:
        return float(value) if isinstance(value, int | float | str) else None
    except ValueError:
        return None


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """First and last value of the most important columns."""
    columns = {name: [row[name] for row in rows if row.get(name) is not None] for name in _SUMMARISED}
    return {name: {"first": values[0], "last": values[-1]} for name, values in columns.items() if values}
