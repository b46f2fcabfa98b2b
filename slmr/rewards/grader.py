"""What every trainer's reward is made of: the checker, what it pays, and an eye on the golds."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast, get_args

from slmr.errors import RequestError, unknown, visible
from slmr.rewards.messages import text_of
from slmr.rewards.payment import Form, Payment
from slmr.verify import Kind, Verdict, verify_batch

ENOUGH = 100  # golds, of which more than one in a hundred is worth a warning
_COUNTING = threading.Lock()  # of the whole process: a grader can then be sent to another


class Grader:
    """Judges completions of one kind of answer, and warns once if golds cannot be read.

    Args:
        task_or_kind: a task (`gsm8k_platinum`, `lab_math`, ...) or an answer kind (`numeric`, `math`, `choice`).
        gold: the column that holds the right answers.
        form: `strict` or `any`, see `Payment`.
        lenient_weight: what a right answer in another than the requested form pays.

    Raises:
        RequestError: neither a kind nor a known task, or not a payment.
    """

    def __init__(
        self, task_or_kind: str, gold: str = "gold", form: Form = "strict", lenient_weight: float = 0.0
    ) -> None:
        self.task = task_or_kind
        self.kind: Kind = kind_of(task_or_kind)
        self.gold = gold
        self.payment = Payment(form, lenient_weight)
        self._golds = self._unreadable = 0
        self._warned = False

    def judge(self, completions: Iterable[Any], golds: Sequence[Any]) -> list[Verdict]:
        """The verdicts on completions, each a text or a conversation, in order.

        Raises:
            ValueError: there are more of the one than of the other.
        """
        texts = ["" if gold is None else str(gold) for gold in golds]
        verdicts = verify_batch([text_of(completion) for completion in completions], texts, self.kind)
        self._watch(texts, verdicts)
        return verdicts

    def column(self, columns: Mapping[str, Any], others: Collection[str] = ()) -> Any:
        """The golds among a batch's columns, or a row's gold; `others` are not of the data.

        Raises:
            RequestError: there is no such column.
        """
        if self.gold in columns:
            return columns[self.gold]
        there = ", ".join(sorted(set(columns) - set(others))) or "none"
        raise RequestError(
            f"no column '{self.gold}' with the right answers; there are: {there}. Name it: gold='COLUMN'"
        )

    def _watch(self, golds: Sequence[str], verdicts: Sequence[Verdict]) -> None:
        """Warns once: all golds of a first batch are unreadable, or over one in a hundred later on."""
        unreadable = [i for i, verdict in enumerate(verdicts) if verdict.status == "malformed_gold"]
        with _COUNTING:
            self._golds += len(golds)
            self._unreadable += len(unreadable)
            enough = self._golds >= ENOUGH or self._golds == self._unreadable > 1
            if self._warned or not enough or not unreadable or 100 * self._unreadable <= self._golds:
                return
            self._warned = True
        warnings.warn(
            f"{self._unreadable} of {self._golds} golds cannot be read as {self.kind}, for example "
            f"{visible(golds[unreadable[0]][:80])!r}: completions of these problems get no reward and teach nothing. "
            f"Is '{self.task}' the kind of these answers and '{self.gold}' their column? If so, correct or drop them",
            stacklevel=4,
        )


@lru_cache(maxsize=256)
def kind_of(task_or_kind: str) -> Kind:
    """The answer kind that is named, or a task's.

    Raises:
        RequestError: neither a kind nor a known task.
    """
    if task_or_kind in get_args(Kind):
        return cast(Kind, task_or_kind)
    from slmr.tasks.registry import load_task, task_folders

    folders = task_folders()
    if task_or_kind not in folders:
        raise unknown("task or answer kind", str(task_or_kind), [*get_args(Kind), *folders])
    return load_task(task_or_kind).kind
