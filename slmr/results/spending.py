"""What a method spent its tokens on: looking at what the student can do, a teacher, sampling in training, training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slmr.results.entries import Entry

PARTS = {
    "looked": "sampled to look",
    "taught": "from a teacher",
    "sampled": "sampled in training",
    "trained": "trained on",
}


@dataclass(frozen=True, slots=True)
class Spending:
    """Tokens of one method, mean over its seeds; the four together are what a budget counts.

    Attributes:
        looked: sampled in stages that train nothing, such as a probe.
        taught: taken from a teacher.
        sampled: sampled in stages that train, such as RL's rollouts.
        trained: gone through the model in training.
    """

    method: str
    looked: float
    taught: float
    sampled: float
    trained: float

    @property
    def total(self) -> float:
        return self.looked + self.taught + self.sampled + self.trained


def spending(found: Sequence[Entry]) -> list[Spending]:
    """Of every entry that spent something and kept a table of its stages for all of its seeds."""
    spent = []
    for entry in found:
        by_seed = [rows for seed in entry.seeds if (rows := entry.table("stages", seed))]
        if len(by_seed) == len(entry.seeds):
            one = _mean(entry.method, by_seed)
            spent += [one] if one.total else []
    return spent


def _mean(method: str, by_seed: Sequence[Sequence[Mapping[str, Any]]]) -> Spending:
    rows = [row for stages in by_seed for row in stages]
    training = [row for row in rows if row["train_tokens"]]
    looking = [row for row in rows if not row["train_tokens"]]

    def mean(of: Sequence[Mapping[str, Any]], name: str) -> float:
        return sum(row[name] for row in of) / len(by_seed)

    return Spending(
        method, mean(looking, "rollout_tokens"), mean(rows, "teacher_tokens"), mean(training, "rollout_tokens"),
        mean(training, "train_tokens"),
    )  # fmt: skip
