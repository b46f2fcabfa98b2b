"""Environments for verifiers: a taskset for version 0.4 (and 0.3), a rubric for versions before 0.4."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from slmr.errors import RequestError, one_line
from slmr.rewards.grader import Grader
from slmr.rewards.messages import text_of
from slmr.rewards.payment import Form, measures
from slmr.verify import Verdict, verify

if TYPE_CHECKING:
    from verifiers import Rubric
    from verifiers.v1 import Taskset

DatasetRow = Mapping[str, Any]


def taskset(
    task_or_kind: str,
    rows: Iterable[DatasetRow] | Callable[[], Iterable[DatasetRow]],
    gold: str = "answer",
    form: Form = "strict",
    lenient_weight: float = 0.0,
) -> type[Taskset]:
    """The taskset of an environment for verifiers 0.4 (and 0.3); the environment's package exports it in `__all__`.

    The reward `paid` is that of the last reply, 0.0 for an abstention. There are also the metrics `strict`, `lenient`,
    `no_answer`, `abstained` and `cut_off`, and the trace's `info` contains `extracted` and `reason`. `validate` checks
    that each task's gold answer can be read.

    Args:
        task_or_kind: the task or answer kind whose checker judges.
        rows: mappings with `prompt` (a text or messages) or else `question`, and the gold answer; or a function that
            returns them.
        gold: the rows' key of the right answer.
        form: as for `slmr.rewards.reward`.
        lenient_weight: as for `slmr.rewards.reward`.

    Raises:
        RequestError: as `reward`, or verifiers is not installed or too old; when loaded: a row has no prompt or gold.
    """
    vf = _import_verifiers()
    judge = _Judge(Grader(task_or_kind, gold, form, lenient_weight))
    source = rows if callable(rows) else list(rows)  # it may be loaded more than once

    class AnswerData(vf.TaskData):
        gold: str

    class AnswerTask(vf.Task[AnswerData]):
        @vf.reward
        async def paid(self, trace: Any) -> float:
            return judge.paid(await judge.verdict(trace.last_reply, self.data.gold))

        @vf.metric
        async def verdict(self, trace: Any) -> dict[str, float]:
            verdict = await judge.verdict(trace.last_reply, self.data.gold)
            trace.info |= {"extracted": verdict.extracted, "reason": verdict.reason}
            return measures(verdict) | {"cut_off": float(trace.is_truncated)}

        async def validate(self, runtime: Any) -> bool:
            return verify("", self.data.gold, judge.grader.kind).status != "malformed_gold"

    class AnswerTaskset(vf.Taskset[AnswerTask, vf.TasksetConfig]):
        def load(self) -> Iterable[AnswerTask]:
            for index, row in enumerate(source() if callable(source) else source):
                data = AnswerData(idx=index, prompt=_prompt(row), gold=str(judge.grader.column(row)))
                yield AnswerTask(data, self.config.task)

    return AnswerTaskset


def rubric(task_or_kind: str, gold: str = "answer", form: Form = "strict", lenient_weight: float = 0.0) -> Rubric:
    """A rubric for environments of verifiers 0.1 to 0.3; later versions have no rubrics, see `taskset`.

    It pays 0.0 for an abstention, and counts `accuracy` (strict), `lenient`, `no_answer` and `abstained`.

    Args:
        task_or_kind: the task or answer kind whose checker judges.
        gold: the dataset's column of right answers.
        form: as for `slmr.rewards.reward`.
        lenient_weight: as for `slmr.rewards.reward`.

    Raises:
        RequestError: as `reward`, or verifiers is not installed or has no rubrics.
    """
    try:
        from verifiers import Rubric
    except ImportError:
        raise RequestError(
            "the installed verifiers has no rubrics: pip install 'verifiers<0.4', or use slmr.rewards.taskset"
        ) from None
    judge = _Judge(Grader(task_or_kind, gold, form, lenient_weight))

    async def verdict(completion: Any, state: Mapping[str, Any]) -> Verdict:
        row = {"answer": state.get("answer", ""), **(state.get("input") or {}), **state}
        return await judge.verdict(text_of(completion), judge.grader.column(row))

    async def paid(completion: Any, state: Any) -> float:
        return judge.paid(await verdict(completion, state))

    def metric(name: str, measure: str) -> Callable[..., Any]:
        async def function(completion: Any, state: Any) -> float:
            return measures(await verdict(completion, state))[measure]

        function.__name__ = name
        return function

    metrics = {"accuracy": "strict", "lenient": "lenient", "no_answer": "no_answer", "abstained": "abstained"}
    functions = [paid, *(metric(*names) for names in metrics.items())]
    return Rubric(funcs=functions, weights=[1.0] + [0.0] * len(metrics))


class _Judge:
    """An asynchronous grader that caches verdicts, because several functions ask for the same one."""

    def __init__(self, grader: Grader) -> None:
        self.grader = grader
        self._cached_verdict = lru_cache(maxsize=1024)(lambda text, gold: grader.judge([text], [gold])[0])

    async def verdict(self, text: str, gold: Any) -> Verdict:
        return await asyncio.to_thread(self._cached_verdict, text, str(gold))

    def paid(self, verdict: Verdict) -> float:
        """The reward; 0.0 for an abstention, which verifiers does not have."""
        return self.grader.payment.reward(verdict) or 0.0


def _import_verifiers() -> Any:
    """The verifiers module with tasksets.

    Raises:
        RequestError: verifiers is not installed or too old.
    """
    try:
        import verifiers.v1 as vf
    except ImportError as error:
        raise RequestError(
            f"the installed verifiers has no tasksets ({one_line(error)}): pip install 'verifiers>=0.4'"
        ) from None
    return vf


def _prompt(row: DatasetRow) -> Any:
    """A row's prompt.

    Raises:
        RequestError: it has none.
    """
    for name in ("prompt", "question"):
        if row.get(name):
            return row[name]
    raise RequestError(f"a row has no 'prompt' or 'question' (keys: {', '.join(sorted(row)) or 'none'})")
