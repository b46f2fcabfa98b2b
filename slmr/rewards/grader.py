"""The grader behind every trainer's reward: the checker, the payment, and a warning about unreadable gold answers."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast, get_args

from slmr.errors import RequestError, check_known, visible
from slmr.rewards.messages import text_of
from slmr.rewards.payment import Form, Payment
from slmr.verify import Kind, Verdict, verify_batch

MIN_GOLDS = 100  # gold answers before a share of unreadable ones above 1 % causes a warning
_LOCK = threading.Lock()  # global, because a grader with its own lock could not be pickled


class Grader:
    """Judges completions of one kind of answer, and warns once if gold answers cannot be read.

    Args:
        task_or_kind: a task (`gsm8k_platinum`, `lab_math`, ...) or an answer kind (`numeric`, `math`, `choice`).
        gold: the column that holds the right answers.
        form: `strict` or `any`, see `Payment`.
        lenient_weight: reward for a right answer in a form other than the requested one.

    Raises:
        RequestError: neither a kind nor a known task, or an invalid payment.
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
            ValueError: there are more completions than gold answers, or fewer; or either is no list.
        """
        for name, batch in (("completions", completions), ("gold answers", golds)):
            if isinstance(batch, str) or not isinstance(batch, Iterable):  # a text's characters are no batch
                raise ValueError(f"the {name} are {batch!r:.40}: give a list with one for each completion")
        answers = [text_of(completion) for completion in completions]
        texts = [_as_text(gold) for gold in golds]
        if len(answers) != len(texts):
            raise ValueError(f"completions: {len(answers)}, gold answers: {len(texts)}: give one for each completion")
        verdicts = verify_batch(answers, texts, self.kind)
        self._watch(texts, verdicts)
        return verdicts

    def column(self, columns: Mapping[str, Any], others: Collection[str] = ()) -> Any:
        """The gold answers of a batch's columns, or of a row; `others` are names that are no columns of the data.

        Raises:
            RequestError: there is no such column.
        """
        if self.gold in columns:
            return columns[self.gold]
        existing = ", ".join(sorted(set(columns) - set(others))) or "none"
        raise RequestError(
            f"no column '{self.gold}' with the right answers (columns: {existing}). Name it: gold='COLUMN'"
        )

    def _watch(self, golds: Sequence[str], verdicts: Sequence[Verdict]) -> None:
        """Warns once if all gold answers of the first batch, or later more than 1 %, are unreadable."""
        unreadable = [i for i, verdict in enumerate(verdicts) if verdict.status == "malformed_gold"]
        with _LOCK:
            self._golds += len(golds)
            self._unreadable += len(unreadable)
            enough = self._golds >= MIN_GOLDS or self._golds == self._unreadable > 1
            if self._warned or not enough or not unreadable or 100 * self._unreadable <= self._golds:
                return
            self._warned = True
        warnings.warn(
            f"{self._unreadable} of {self._golds} gold answers cannot be read as {self.kind}, for example "
            f"{visible(golds[unreadable[0]][:80])!r}: completions of these problems get no reward and teach nothing. "
            f"Is '{self.task}' the kind of these answers and '{self.gold}' their column? If so, correct or drop them",
            stacklevel=4,
        )


def _as_text(gold: Any) -> str:
    """A gold answer as text; one of an array or a tensor is its number."""
    number = gold.item() if hasattr(gold, "item") else gold
    return "" if number is None else str(number)


@lru_cache(maxsize=256)
def kind_of(task_or_kind: str) -> Kind:
    """The named answer kind, or that of the named task.

    Raises:
        RequestError: neither a kind nor a known task.
    """
    if task_or_kind in get_args(Kind):
        return cast(Kind, task_or_kind)
    from slmr.tasks.registry import load_task, task_folders

    folders = task_folders()
    check_known("task or answer kind", task_or_kind, [*get_args(Kind), *folders])
    return load_task(task_or_kind).kind
