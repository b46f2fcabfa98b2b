"""The checkers as rewards, for our GRPO stages and for other people's trainers: TRL, verl, verifiers.

Strict accuracy is paid: 1.0 for a right answer in the requested form, 0.0 for anything else. Where the checker
abstains (unreadable gold, timeout), TRL gets None, which enters no advantage; verl and verifiers know no None
and get 0.0 with `abstained` beside it, so that it is counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast, get_args

from slmr.verify import Kind, Verdict, verify, verify_batch

if TYPE_CHECKING:
    from verifiers import Rubric

Reward = Callable[..., list[float | None]]
AsyncReward = Callable[..., Coroutine[Any, Any, list[float | None]]]


def reward_of(verdict: Verdict) -> float | None:
    """What a verdict pays: 1 if strict, else 0; None for an abstention, which TRL lets enter no advantage."""
    return None if verdict.abstained else float(verdict.strict)


def text_of(completion: Any) -> str:
    """The text of a completion: a string, or a conversation whose last turn is the assistant's."""
    if isinstance(completion, str):
        return completion
    last = completion[-1]
    content = last["content"] if isinstance(last, dict) else last.content
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content or ())


def reward(task_or_kind: str) -> Reward:
    """TRL's reward function of a task (`gsm8k_platinum`, `lab_math`, ...) or of an answer kind (`numeric`, ...).

    For `trl.GRPOTrainer(reward_funcs=[reward("numeric")])` with a dataset that has a column `gold`.

    Raises:
        RequestError: neither a kind nor a known task.
    """
    kind = _kind(task_or_kind)

    def score(completions: Sequence[Any], gold: Sequence[str], **_: object) -> list[float | None]:
        verdicts = verify_batch([text_of(c) for c in completions], [str(g) for g in gold], kind)
        return [reward_of(verdict) for verdict in verdicts]

    score.__name__ = f"{task_or_kind}_accuracy"
    return score


def async_reward(task_or_kind: str) -> AsyncReward:
    """`reward` as a coroutine function: TRL awaits it beside other rewards, and the event loop stays free.

    Raises:
        RequestError: neither a kind nor a known task.
    """
    score = reward(task_or_kind)

    async def score_async(**columns: Any) -> list[float | None]:
        return await asyncio.to_thread(score, **columns)

    score_async.__name__ = f"{task_or_kind}_accuracy"
    return score_async


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: str,
    extra_info: dict[str, Any] | None = None,
    **_: object,
) -> dict[str, Any]:
    """verl's `custom_reward_function`. `data_source` is a task's name or an answer kind.

    A data source of another name needs the kind in `extra_info["kind"]`.

    Returns: `score` and `acc` (strict), `lenient`, `abstained`, `no_answer` as numbers, for verl's metrics.

    Raises:
        RequestError: neither tells the answer kind.
    """
    kind = _kind((extra_info or {}).get("kind") or data_source)
    verdict = verify(solution_str, str(ground_truth), kind)
    return {"score": float(verdict.strict), "acc": float(verdict.strict), "lenient": float(verdict.lenient),
            "abstained": float(verdict.abstained), "no_answer": float(verdict.status == "no_answer")}  # fmt: skip


def rubric(task_or_kind: str) -> Rubric:
    """A rubric for environments of verifiers (0.1 to 0.3): pays strict accuracy, and counts abstentions.

    The dataset's column `answer` holds gold.

    Raises:
        RequestError: neither a kind nor a known task.
    """
    from verifiers import Rubric

    kind = _kind(task_or_kind)

    @lru_cache(maxsize=1024)
    def judge(text: str, gold: str) -> Verdict:  # both functions below ask for the same one
        return verify(text, gold, kind)

    async def verdict(completion: Any, answer: str) -> Verdict:
        return await asyncio.to_thread(judge, text_of(completion), str(answer))

    async def accuracy(completion: Any, answer: str) -> float:
        return float((await verdict(completion, answer)).strict)

    async def abstained(completion: Any, answer: str) -> float:
        return float((await verdict(completion, answer)).abstained)

    return Rubric(funcs=[accuracy, abstained], weights=[1.0, 0.0])


@lru_cache(maxsize=256)
def _kind(task_or_kind: str) -> Kind:
    if task_or_kind in get_args(Kind):
        return cast(Kind, task_or_kind)
    from slmr.tasks.registry import load_task

    return load_task(task_or_kind).kind
