"""Counts test problems that share a long run of words with a training set.

The usual test (GPT-3, lm-evaluation-harness): both texts in lower case, without punctuation, split at white space;
a common run of 13 words is a hit. A problem with fewer words is compared as a whole. Numbers are words: the same
template with other numbers shares no run that spans one of them. One difference from the usual test: arithmetic
signs and decimal points are kept, because `x + 3` is not `x - 3`.

A hit only says that both texts contain the same 13 consecutive words. It may be the same problem (`exact`, or a
share near 1), the same story with another question or other numbers, or a stock phrase (a share near 0): look at
the pairs, as printed by `slmr tasks overlap --show 3`, before calling it a leak. The absence of hits proves nothing
either: a paraphrase shares no run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from slmr.tasks.task import Item, Task

RUN = 13  # words
LAB_POOL = 800  # size of the lab profile's training pool; a lab task's training problems are endless

_PUNCTUATION = re.compile(r"[^\w\s.+\-*/=<>^]|_|\.(?!\d)|(?<!\d)\.")


@dataclass(frozen=True, slots=True)
class Hit:
    """A test problem that shares at least one run with the training set.

    Attributes:
        shared, share: number and share of its distinct runs that occur in the training set.
        train_index: index of the first training problem with one of them.
    """

    test_id: str
    shared: int
    share: float
    train_index: int


@dataclass(frozen=True)
class Overlap:
    """The overlap of a test set with a training set. Hits are sorted by share, the largest first."""

    n_train: int
    n_test: int
    hits: tuple[Hit, ...]
    exact: tuple[str, ...]

    @property
    def rate(self) -> float:
        """The share of the test problems that are hits."""
        return len(self.hits) / self.n_test if self.n_test else 0.0

    def as_row(self, train_name: str, test_name: str) -> dict[str, Any]:
        """A row for `summary.json`: counts, rate, and the ids of up to three hits."""
        return {
            "train": train_name,
            "test": test_name,
            "n_train": self.n_train,
            "n_test": self.n_test,
            "overlapping": len(self.hits),
            "exact": len(self.exact),
            "rate": self.rate,
            "examples": [hit.test_id for hit in self.hits[:3]],
        }


def overlap(train: Sequence[str], test: Sequence[Item], run: int = RUN) -> Overlap:
    """Compares the problem texts of a training set with the test problems, in linear time.

    Only the test set's runs are stored, each with the first training problem that contains it.
    """
    training, texts = [normalised(text) for text in train], [normalised(item.problem) for item in test]
    runs = [_runs(text, run) for text in texts]
    first: dict[str, int | None] = dict.fromkeys(chain.from_iterable(runs))
    for index, text in enumerate(training):
        for words in _runs(text, run):
            if words in first and first[words] is None:
                first[words] = index
    hits = []
    for item, item_runs in zip(test, runs, strict=True):
        shared = [index for words in item_runs if (index := first[words]) is not None]
        if shared:
            hits.append(Hit(item.id, len(shared), len(shared) / len(item_runs), min(shared)))
    hits.sort(key=lambda hit: -hit.share)
    whole = set(training) - {""}
    exact = tuple(item.id for item, text in zip(test, texts, strict=True) if text in whole)
    return Overlap(len(training), len(test), tuple(hits), exact)


def training_problems(task: Task, size: int | None = None) -> list[str]:
    """The first `size` training problems of a task; by default all, or `LAB_POOL` for a lab task.

    Raises:
        RequestError: the task has no training problems, or their data is missing.
    """
    n = size or (LAB_POOL if task.lab_generator else None)
    return [item.problem for item in task.items("train", n)]


def normalised(text: str) -> str:
    """The text in lower case, without punctuation except arithmetic signs, with one space between words."""
    return " ".join(_PUNCTUATION.sub("", text.lower()).split())


def _runs(text: str, run: int) -> set[str]:
    """The distinct runs of a normalised text; the text itself if it is shorter than a run; none if it is empty."""
    words = text.split()
    if len(words) <= run:
        return {text} if text else set()
    return {" ".join(words[i : i + run]) for i in range(len(words) - run + 1)}
