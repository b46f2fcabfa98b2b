"""How many test problems share a long run of words with a training set.

The customary test (GPT-3, lm-evaluation-harness): both texts in lower case and without punctuation, cut at
white space, and one run of 13 words in common is a hit. A problem of fewer words is compared as a whole.
Numbers are words: a template with other numbers in it shares no run that spans one of them. One thing differs
from the custom: signs of arithmetic and decimal points stay, since `x + 3` is not `x - 3`.

A hit says that 13 words in a row stand in both texts, no more. It may be the same problem (`exact`, or a share
near 1), the same story with another question or other numbers, or a stock phrase (a share near 0): look at
the pairs, as `slmr tasks overlap --show 3` prints them, before calling it a leak. No hit is no proof that
there is none either: a paraphrase shares no run.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from slmr.tasks.task import Item, Task

RUN = 13  # words
LAB_POOL = 800  # the training pool of the lab profile; a lab task's training problems have no end

_PUNCTUATION = re.compile(r"[^\w\s.+\-*/=<>^]|_|\.(?!\d)|(?<!\d)\.")


@dataclass(frozen=True, slots=True)
class Hit:
    """A test problem that shares at least one run with the training set.

    `shared` of its distinct runs occur there, which is the `share` of them; `train_index` is the place of
    the first training problem that has one.
    """

    test_id: str
    shared: int
    share: float
    train_index: int


@dataclass(frozen=True)
class Overlap:
    """What a test set has in common with a training set. Hits are sorted, the largest share first."""

    n_train: int
    n_test: int
    hits: tuple[Hit, ...]
    exact: tuple[str, ...]

    @property
    def rate(self) -> float:
        """The share of the test problems that are hits."""
        return len(self.hits) / self.n_test if self.n_test else 0.0

    def as_row(self, train_name: str, test_name: str) -> dict[str, Any]:
        """For `summary.json`: counts, rate, and the ids of up to three hits."""
        return {
            "train": train_name, "test": test_name, "n_train": self.n_train, "n_test": self.n_test,
            "overlapping": len(self.hits), "exact": len(self.exact), "rate": self.rate,
            "examples": [hit.test_id for hit in self.hits[:3]],
        }  # fmt: skip


def overlap(train: Sequence[str], test: Sequence[Item], run: int = RUN) -> Overlap:
    """Compare the problem texts of a training set with the test problems.

    Linear in both: of runs only the test set's are kept, each with the first training problem that has it.
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
    """The first `size` training problems of a task; without a size all of them, of a lab task `LAB_POOL`.

    Raises:
        RequestError: the task has no training problems, or they are not there.
    """
    n = size or (LAB_POOL if task.lab_generator else None)
    return [item.problem for item in task.items("train", n)]


def normalised(text: str) -> str:
    """Lower case, no punctuation but the signs of arithmetic, one space between words."""
    return " ".join(_PUNCTUATION.sub("", text.lower()).split())


def _runs(text: str, run: int) -> set[str]:
    """The distinct runs of a normalised text; the text itself where it is shorter than one; none if empty."""
    words = text.split()
    if len(words) <= run:
        return {text} if text else set()
    return {" ".join(words[i : i + run]) for i in range(len(words) - run + 1)}
