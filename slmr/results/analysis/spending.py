"""Divides a method's tokens into probing, teacher, sampling during training, and training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slmr.results.runs.method_results import MethodResult

PARTS = {
    "probed": "probing",
    "taught": "from a teacher",
    "sampled": "sampled in training",
    "trained": "trained on",
}


@dataclass(frozen=True, slots=True)
class Spending:
    """Tokens of one method, mean over its seeds; a budget counts the sum of the four.

    Attributes:
        probed: sampled in stages that train nothing, such as a probe.
        taught: taken from a teacher.
        sampled: sampled in stages that train, such as RL's rollouts.
        trained: gone through the model in training.
    """

    method: str
    probed: float
    taught: float
    sampled: float
    trained: float

    @property
    def total(self) -> float:
        return self.probed + self.taught + self.sampled + self.trained


def spending(results: Sequence[MethodResult]) -> list[Spending]:
    """The spending of each result that spent tokens and has a table of its stages for all seeds."""
    tables = [(r.method, [r.table("stages", seed) for seed in r.seeds]) for r in results]
    spendings = [_mean(method, by_seed) for method, by_seed in tables if all(by_seed)]
    return [s for s in spendings if s.total]


def _mean(method: str, by_seed: Sequence[Sequence[Mapping[str, Any]]]) -> Spending:
    """The mean over the seeds, from their tables of stages."""
    rows = [row for stages in by_seed for row in stages]
    training = [row for row in rows if row["train_tokens"]]
    probing = [row for row in rows if not row["train_tokens"]]

    def mean(stages: Sequence[Mapping[str, Any]], name: str) -> float:
        return sum(row[name] for row in stages) / len(by_seed)

    return Spending(
        method,
        mean(probing, "rollout_tokens"),
        mean(rows, "teacher_tokens"),
        mean(training, "rollout_tokens"),
        mean(training, "train_tokens"),
    )
