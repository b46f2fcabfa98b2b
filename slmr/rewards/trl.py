"""Rewards for TRL's GRPO and related trainers, with metrics for TRL's logs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from slmr.rewards.grader import Grader
from slmr.rewards.payment import Form, measures
from slmr.verify import Verdict

Reward = Callable[..., list[float | None]]
AsyncReward = Callable[..., Coroutine[Any, Any, list[float | None]]]

# Arguments that TRL passes besides the dataset's columns.
_TRAINER_ARGUMENTS = ("prompts", "trainer_state", "environments")


class _TrlReward:
    """The reward function. It is a class because TRL's asynchronous trainers pickle rewards, and closures cannot be."""

    def __init__(self, grader: Grader) -> None:
        self.grader = grader
        self.__name__ = f"{grader.task}_{'lenient' if grader.payment.form == 'any' else 'accuracy'}"

    def __repr__(self) -> str:
        return f"<slmr reward {self.__name__}>"

    def __call__(
        self,
        completions: Sequence[Any],
        *,
        completion_ids: Sequence[Sequence[int]] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        log_extra: Callable[[str, list[Any]], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        golds = self.grader.column(columns, others=_TRAINER_ARGUMENTS)
        verdicts = self.grader.judge(completions, golds)
        if verdicts and log_metric and self._logs(log_metric):
            log_metrics(verdicts, log_metric)
            if (share := truncated_share(completion_ids, log_metric)) is not None:
                log_metric("cut_off", share)
        if verdicts and log_extra and self._logs(log_extra):
            log_extra("extracted", [verdict.extracted for verdict in verdicts])
            log_extra("reason", [verdict.reason for verdict in verdicts])
            # With them `slmr diagnose` needs no other file.
            log_extra("gold", ["" if gold is None else str(gold) for gold in golds])
        return [self.grader.payment.reward(verdict) for verdict in verdicts]

    def _logs(self, log: Callable[..., None]) -> bool:
        """Whether this reward is the one that logs for the trainer that `log` belongs to."""
        try:
            return _LOGGERS.setdefault(getattr(log, "__self__", None), self) is self
        except TypeError:  # `log` is a function, or a method of an object without weak references
            return True


# TRL merges what several rewards log under one name, so only the first of our rewards logs for each trainer.
_LOGGERS: WeakKeyDictionary[Any, _TrlReward] = WeakKeyDictionary()


def reward(task_or_kind: str, gold: str = "gold", form: Form = "strict", lenient_weight: float = 0.0) -> Reward:
    """TRL's reward function of a task (`gsm8k_platinum`, `lab_math`, ...) or of an answer kind (`numeric`, ...).

    For `trl.GRPOTrainer(reward_funcs=[reward("numeric")])`. An abstention is None. If TRL passes its `log_metric` and
    `log_extra`, the shares `strict`, `lenient`, `no_answer`, `abstained` and `cut_off` are logged, and `extracted`,
    `reason` and `gold` appear in its table of completions.

    Args:
        task_or_kind: the task or answer kind whose checker judges.
        gold: the dataset's column of right answers.
        form: `strict` pays 1 for a right answer in the requested form, `any` for one in any recognisable form.
        lenient_weight: with `strict`, the reward for a right answer in another form, from 0 to 1.

    Raises:
        RequestError: neither a kind nor a known task, an unknown form, or an invalid weight; when called: there is no
            column `gold`.
    """
    return _TrlReward(Grader(task_or_kind, gold, form, lenient_weight))


def async_reward(
    task_or_kind: str, gold: str = "gold", form: Form = "strict", lenient_weight: float = 0.0
) -> AsyncReward:
    """`reward` as a coroutine function, which TRL awaits together with other rewards without blocking its event loop.

    Raises:
        RequestError: as `reward`.
    """
    score = _TrlReward(Grader(task_or_kind, gold, form, lenient_weight))

    async def score_async(**columns: Any) -> list[float | None]:
        return await asyncio.to_thread(score, **columns)

    score_async.__name__ = score.__name__
    return score_async


def log_metrics(verdicts: Sequence[Verdict], log_metric: Callable[[str, float], None]) -> None:
    """Logs the mean of every measure over a batch with at least one verdict."""
    rows = [measures(verdict) for verdict in verdicts]
    for name in rows[0]:
        log_metric(name, sum(row[name] for row in rows) / len(rows))


def truncated_share(
    completion_ids: Sequence[Sequence[int]] | None, log_metric: Callable[[str, float], None]
) -> float | None:
    """The share of completions that do not end with an end token; None if the end tokens are unknown.

    This matches TRL's `completions/clipped_ratio`. TRL passes token ids but not the end tokens, so they are taken from
    the trainer, of which `log_metric` is a method.
    """
    trainer = getattr(log_metric, "__self__", None)
    processing = getattr(trainer, "processing_class", None)
    tokenizer = getattr(processing, "tokenizer", processing)
    ends = {*getattr(trainer, "eos_token_ids", ()), getattr(tokenizer, "eos_token_id", None)} - {None}
    if not completion_ids or not ends:
        return None
    ends.add(getattr(tokenizer, "pad_token_id", None))
    return sum(not ids or ids[-1] not in ends for ids in completion_ids) / len(completion_ids)
