"""The process in which an audited reward function runs, so that a hang or crash does not affect the audit.

    python -m slmr.rewards.audit_worker

It reads an `AuditJob` as a line of JSON, then writes a `Message` when it begins a case and one when it has judged it.
The function's own output goes to standard error.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import multiprocessing
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Lock
from typing import IO, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from slmr.errors import RequestError, one_line
from slmr.rewards.calling import (
    BatchCall,
    Named,
    RewardCall,
    Style,
    batch_caller,
    caller,
    load,
    not_taken,
    score_of,
    scores_of,
    style_of,
)
from slmr.subprocesses import reserve_stdout

How = Literal["main thread", "threads", "event loop", "processes", "batches"]
AT_ONCE = 4  # threads, tasks or processes
BATCH = 8  # completions, of different problems


@dataclass(frozen=True)
class AuditJob:
    """A process's job: the function, how to call it, and the cases as (index, completion, gold).

    `warm_up` is judged first and does not count, because a function's first call may take long, for its imports.
    """

    function: str
    how: How
    style: str | None
    gold: str | None
    messages: bool | None
    field: str | None
    cases: list[tuple[int, str, str]]
    warm_up: tuple[str, str] | None = None


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="constants")


class Called(_Line):
    """How the function is called, and the arguments that its trainer would pass and that it does not accept."""

    type: Literal["called"] = "called"
    style: str
    not_taken: list[str]


class Refused(_Line):
    """The function cannot be called."""

    type: Literal["refused"] = "refused"
    reason: str


class Begun(_Line):
    """The function is called with this case; `case` is its index."""

    type: Literal["begun"] = "begun"
    case: int


class Judged(_Line):
    """The result of a case: a score or None (an abstention), or what the function raised."""

    type: Literal["judged"] = "judged"
    case: int
    ms: float
    score: float | None = None
    raised: str | None = None


class Finished(_Line):
    """All cases are judged."""

    type: Literal["finished"] = "finished"


Message = Annotated[Called | Refused | Begun | Judged | Finished, Field(discriminator="type")]
_MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)


def read_message(line: str) -> Message:
    return _MESSAGE.validate_json(line)


class _Out:
    """Writes messages to the audit; safe to use from several threads."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream, self._lock = stream, Lock()

    def send(self, message: Message) -> None:
        with self._lock:
            self._stream.write(message.model_dump_json() + "\n")
            self._stream.flush()


class _Judge:
    """Judges cases and reports the judgements."""

    def __init__(self, call: RewardCall, of_batch: BatchCall | None, style: Style, job: AuditJob, out: _Out) -> None:
        self.call, self.of_batch = call, of_batch
        self.style: Style = style
        self.field, self.warm_up, self.out = job.field, job.warm_up, out

    def warm(self) -> None:
        if self.warm_up:
            with suppress(Exception):  # if it raises here, it will raise again in the cases
                _await(self.call(*self.warm_up))

    def __call__(self, case: tuple[int, str, str]) -> None:
        index, text, gold = case
        with self._judging(index) as done:
            done(_await(self.call(text, gold)))

    async def within_a_loop(self, case: tuple[int, str, str]) -> None:
        index, text, gold = case
        with self._judging(index) as done:
            returned = self.call(text, gold)
            done(await returned if inspect.isawaitable(returned) else returned)

    @contextmanager
    def _judging(self, index: int) -> Iterator[Callable[[Any], None]]:
        """Measures and reports one case, which is judged inside the context: time, score or exception."""
        returned: list[Any] = []
        score, raised = None, None
        self.out.send(Begun(case=index))
        start = time.perf_counter()
        try:
            yield returned.append
        except Exception as error:
            raised = _exception(error)
        ms = 1000 * (time.perf_counter() - start)
        try:
            for value in returned:  # empty if it raised
                score = score_of(value, self.field, self.style)
        except (ValueError, TypeError) as fault:
            raised = one_line(fault)
        self.out.send(Judged(case=index, ms=ms, score=score, raised=raised))

    def batch(self, cases: Sequence[tuple[int, str, str]]) -> None:
        """Judges several cases by one call, as TRL does."""
        assert self.of_batch is not None
        for index, _, _ in cases:
            self.out.send(Begun(case=index))
        start = time.perf_counter()
        scores: Sequence[float | None] = [None] * len(cases)
        raised = None
        try:
            returned = _await(self.of_batch([text for _, text, _ in cases], [gold for _, _, gold in cases]))
            values = scores_of(returned, self.field)
            if len(values) != len(cases):
                raise ValueError(f"it returned {len(values)} scores for {len(cases)} completions")
            scores = [score_of([value], style=self.style) for value in values]
        except Exception as error:
            raised = _exception(error)
        ms = 1000 * (time.perf_counter() - start) / len(cases)
        for (index, _, _), score in zip(cases, scores, strict=True):
            self.out.send(Judged(case=index, ms=ms, score=score, raised=raised))


def _exception(error: Exception) -> str:
    return f"{type(error).__name__}: {one_line(error)}"[:300]


def _await(returned: Any) -> Any:
    """The returned value, awaited if necessary."""

    async def awaited(coming: Awaitable[Any]) -> Any:
        return await coming

    return asyncio.run(awaited(returned)) if inspect.isawaitable(returned) else returned


def _run(job: AuditJob, judge: _Judge) -> None:
    if job.how == "processes":  # each warms up by itself: threads of a first call do not survive a fork
        _run_in_processes(job.cases, judge)
    elif job.how == "main thread":
        _run_in_turn(job.cases, judge)
    elif job.how == "batches":
        judge.warm()
        for i in range(0, len(job.cases), BATCH):
            judge.batch(job.cases[i : i + BATCH])
    else:
        judge.warm()
        if job.how == "threads":
            with ThreadPoolExecutor(AT_ONCE) as threads:
                list(threads.map(judge, job.cases))
        else:
            asyncio.run(_run_in_loop(job.cases, judge))


async def _run_in_loop(cases: Sequence[tuple[int, str, str]], judge: _Judge) -> None:
    """Runs several cases at once on the event loop itself, as verifiers does."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(case: tuple[int, str, str]) -> None:
        async with limit:
            await judge.within_a_loop(case)

    await asyncio.gather(*map(one, cases))


def _run_in_processes(cases: Sequence[tuple[int, str, str]], judge: _Judge) -> None:
    """Runs the cases in daemon processes, which cannot have children, like data loaders and reward workers."""
    context = multiprocessing.get_context("fork")
    parts = [cases[i::AT_ONCE] for i in range(AT_ONCE)]
    workers = [context.Process(target=_run_in_turn, args=(part, judge), daemon=True) for part in parts if part]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def _run_in_turn(cases: Sequence[tuple[int, str, str]], judge: _Judge) -> None:
    judge.warm()
    for case in cases:
        judge(case)


def main() -> None:
    out = _Out(reserve_stdout())
    job = AuditJob(**json.loads(sys.stdin.readline()))
    try:
        function = load(Named.parse(job.function))
        style = style_of(function, job.style)
        messages = job.messages if job.messages is not None else style in ("trl", "verifiers")
        of_batch = batch_caller(function, job.gold, messages) if style == "trl" else None
        judge = _Judge(caller(function, style, job.gold, messages), of_batch, style, job, out)
    except RequestError as error:
        out.send(Refused(reason=str(error)))
        return
    out.send(Called(style=style, not_taken=not_taken(function, style)))
    _run(job, judge)
    out.send(Finished())


if __name__ == "__main__":
    main()
