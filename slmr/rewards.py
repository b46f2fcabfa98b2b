"""The checkers as rewards for other people's trainers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast, get_args

from slmr.verify import Kind, verify

Reward = Callable[..., list[float | None]]


def reward(task_or_kind: str) -> Reward:
    """The reward of a task (`gsm8k_platinum`, `lab_math`, ...) or of an answer kind (`numeric`, ...).

    For `trl.GRPOTrainer(reward_funcs=[reward("numeric")])` with a dataset that has a column `gold`.
    Pays 1.0 for a right answer in the requested form, 0.0 for anything else, and None where the
    checker abstains, which TRL leaves out of the advantage.

    Raises:
        RequestError: neither a kind nor a known task.
    """
    is_kind = task_or_kind in get_args(Kind)
    kind = cast(Kind, task_or_kind) if is_kind else _kind_of_task(task_or_kind)

    def score(completions: Sequence[Any], gold: Sequence[str], **_: object) -> list[float | None]:
        verdicts = [verify(_text(c), str(g), kind) for c, g in zip(completions, gold, strict=True)]
        return [None if v.abstained else float(v.strict) for v in verdicts]

    score.__name__ = f"{task_or_kind}_accuracy"
    return score


def _kind_of_task(name: str) -> Kind:
    from slmr.tasks import load_task

    return load_task(name).kind


def _text(completion: Any) -> str:
    """The text of a completion: a string, or a conversation whose last turn is the assistant's."""
    return completion if isinstance(completion, str) else str(completion[-1]["content"] or "")
