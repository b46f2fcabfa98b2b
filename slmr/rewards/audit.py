"""Audits a user's reward function against labelled cases: what it wrongly pays, what it misses, where it breaks."""

from __future__ import annotations

import json
import math
import queue
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from slmr.errors import RequestError, WorkError
from slmr.rewards.audit_worker import (
    BATCH,
    AuditJob,
    Begun,
    Called,
    Finished,
    How,
    Judged,
    Message,
    Refused,
    read_message,
)
from slmr.rewards.calling import Named
from slmr.rewards.cases import AuditCase, audit_cases
from slmr.subprocesses import ChildProcess
from slmr.verify import Kind

# For the function's imports and its first call, which does not count: at least so many seconds, or times the timeout.
START_S, START_TIMEOUTS = 60.0, 30
MOST_HANGS = 20  # per way of running; after that, the remaining cases are not judged
HANGS_ALWAYS = 3  # so many cases that hang, and none that does not
SAMPLE = 240  # cases that are judged again in each other way


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """What is audited, against which cases, and how the function is called.

    Attributes:
        style: the trainer whose conventions the function follows; None to infer it from the parameters' names.
        gold: the parameter, column or field that takes the gold answer; None to infer it.
        gold_as: how gold answers are written for the function; `GOLD` stands for the text, as in `$GOLD$`.
        messages: whether completions are lists of messages; None to follow the style.
        field: the field of the returned mapping that holds the score.
        accept_at: the lowest score that counts as paid.
        timeout: seconds for one case, after which it counts as hanging.
        ways: additional ways to run a sample of the cases again, besides the main thread of another process.
    """

    function: str
    kinds: tuple[Kind, ...] = ("numeric", "math", "choice")
    per_family: int = 40
    seed: int = 0
    style: str | None = None
    gold: str | None = None
    gold_as: str = "GOLD"
    messages: bool | None = None
    field: str | None = None
    accept_at: float = 0.5
    timeout: float = 10.0
    ways: tuple[How, ...] = ("threads", "event loop", "processes")

    def __post_init__(self) -> None:
        """Raises RequestError if no score could be compared with `accept_at`."""
        if not math.isfinite(self.accept_at):
            raise RequestError(f"--accept-at {self.accept_at}: it should be a finite number")


@dataclass(frozen=True, slots=True)
class Judgement:
    """The result of one case: a score or None (an abstention), unless the function raised or hung."""

    score: float | None = None
    ms: float = 0.0
    raised: str | None = None
    hung: bool = False

    def same_as(self, other: Judgement) -> bool:
        """Whether both have the same outcome; messages of exceptions may differ."""
        if bool(self.raised) != bool(other.raised) or self.hung != other.hung:
            return False
        if self.score is None or other.score is None:
            return self.score is other.score
        return abs(self.score - other.score) < 1e-9


@dataclass(frozen=True, slots=True)
class Again:
    """The same cases judged in another way: the number of different results, and of exceptions and hangs among them."""

    how: str
    cases: int
    differing: int
    raised: int
    hung: int
    example: str | None


@dataclass(frozen=True)
class Audit:
    """All judgements in the main thread, by case, and the results of the other ways for a sample.

    Attributes:
        not_taken: arguments that its trainer would pass by name and the function does not accept.
    """

    request: AuditRequest
    style: str
    cases: list[AuditCase]
    judgements: list[Judgement]
    again: list[Again]
    left_out: int
    not_taken: list[str] = field(default_factory=list)

    def accepted(self, i: int) -> bool:
        score = self.judgements[i].score
        return score is not None and score >= self.request.accept_at

    def is_wrong(self, i: int) -> bool:
        """Whether a case is wrongly paid or wrongly not paid; abstentions, exceptions and hangs are not paid."""
        return self.accepted(i) != self.cases[i].accept


def audit(request: AuditRequest, say: Callable[[str], None] = lambda _: None) -> Audit:
    """Runs the function's file in separate processes, and judges the function.

    Raises:
        RequestError: there is no such function, it cannot be called, or it raises in every case.
        WorkError: its process ends before the first case, or the first cases all hang.
    """
    Named.parse(request.function)
    if "GOLD" not in request.gold_as:
        raise RequestError(f"--gold-as '{request.gold_as}' must contain GOLD, which stands for the gold answer")
    cases = audit_cases(request.kinds, request.seed, request.per_family)
    say(f"{len(cases)} cases, one after the other")
    called, judged = _judge(request, "main thread", cases, range(len(cases)))
    style = called.style
    if all(j.raised for j in judged.values()):
        raise RequestError(_never_works(request, style, str(next(iter(judged.values())).raised)))
    # Cases that hang would hang in the other ways, too.
    sound = [i for i, j in judged.items() if not j.hung and j.ms < 1000 * request.timeout / 2]
    sample = sound[:: max(1, len(sound) // SAMPLE)]
    again = []
    of_trl: tuple[How, ...] = ("batches",) if style == "trl" else ()
    ways: tuple[How, ...] = ("main thread", *request.ways, *of_trl)
    for how in ways if sample else ():
        name = {"main thread": "another process, in reverse", "batches": f"batches of {BATCH}"}.get(how, how)
        say(f"{len(sample)} of them again: {name}")
        order = sample[::-1] if how == "main thread" else sample
        again.append(_again(request, name, how, cases, order, judged))
    order = sorted(judged)
    return Audit(
        request,
        style,
        [cases[i] for i in order],
        [judged[i] for i in order],
        again,
        len(cases) - len(judged),
        called.not_taken,
    )


def _never_works(request: AuditRequest, style: str, fault: str) -> str:
    """What is said of a function that raises in every case, with what to try."""
    messages = request.messages if request.messages is not None else style in ("trl", "verifiers")
    if column := re.fullmatch(r"KeyError: '(\w+)'", fault):
        tip = f"if that is the name of the gold, say --gold {column[1]}"
    elif messages and fault.startswith(("TypeError", "AttributeError")):
        tip = "it was called with messages: if it takes plain texts, say --texts"
    elif request.messages is False and style == "trl":
        tip = "it was called with plain texts: if it takes messages, say --messages"
    else:
        tip = "see --style, --gold, --messages"
    return f"{request.function} raises in every case, as {style}: {fault}; {tip}"


def _again(
    request: AuditRequest,
    name: str,
    how: How,
    cases: Sequence[AuditCase],
    sample: Sequence[int],
    before: Mapping[int, Judgement],
) -> Again:
    _, after = _judge(request, how, cases, sample)
    other = [i for i in after if not after[i].same_as(before[i])]
    raised = [i for i in other if after[i].raised]
    example = cases[(raised or other)[0]].id if other else None
    if raised:
        example = f"{example}: {after[raised[0]].raised}"
    return Again(name, len(after), len(other), len(raised), sum(after[i].hung for i in other), example)


# --- processes -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Broken:
    """Cases that a process had begun when it hung or died, and their judgement."""

    cases: frozenset[int]
    judgement: Judgement


def _judge(
    request: AuditRequest, how: How, cases: Sequence[AuditCase], indices: Sequence[int]
) -> tuple[Called, dict[int, Judgement]]:
    """How the function is called, and index → judgement; a new process replaces one that hangs or dies."""
    judged: dict[int, Judgement] = {}
    called = Called(style="", not_taken=[])
    broken = 0
    first = next((case for case in cases if case.accept), cases[0])
    plain = first.completion, request.gold_as.replace("GOLD", first.gold)
    while (remaining := [i for i in indices if i not in judged]) and broken < MOST_HANGS:
        texts = [(i, cases[i].completion, request.gold_as.replace("GOLD", cases[i].gold)) for i in remaining]
        job = AuditJob(
            request.function, how, request.style, request.gold, request.messages, request.field, texts, plain
        )
        for message in _messages(job, request.timeout, seed=len(judged) + indices[0]):
            if isinstance(message, Called):
                called = message
            elif isinstance(message, Judged):
                judged[message.case] = Judgement(message.score, message.ms, message.raised)
            elif isinstance(message, _Broken):
                judged |= dict.fromkeys(message.cases, message.judgement)
                broken += len(message.cases)
        if broken == HANGS_ALWAYS == len(judged) and all(judgement.hung for judgement in judged.values()):
            raise WorkError(f"{job.function}: each of the first {broken} cases took more than {request.timeout:g} s")
    return called, judged


def _messages(job: AuditJob, timeout: float, seed: int) -> Iterator[Message | _Broken]:
    """A process's messages, and the cases that it had begun if it hangs or dies."""
    lines: queue.Queue[str | None] = queue.Queue()  # None at the end
    process = ChildProcess(
        "slmr.rewards.audit_worker",
        on_line=lines.put,
        on_end=lambda code: lines.put(None),
        environment={"PYTHONHASHSEED": str(seed)},  # varies the order of sets, which must not matter
    )
    begun: frozenset[int] = frozenset()
    wait = max(START_S, START_TIMEOUTS * timeout)
    try:
        process.send_last(json.dumps(asdict(job)))
        while True:
            try:
                line = lines.get(timeout=wait)
            except queue.Empty:
                if not begun:
                    raise WorkError(
                        f"{job.function}: its imports and first call took more than {wait:.0f} s ({job.how}); if that"
                        " is no hang, raise --timeout"
                    ) from None
                yield _Broken(begun, Judgement(ms=1000 * timeout, hung=True))
                return
            if line is None:
                end = process.end_of_log()[-500:] or "it printed nothing"
                fault = f"its process ended (exit code {process.wait()}): {end}"
                if not begun:
                    raise WorkError(f"{job.function}: {fault}")
                yield _Broken(begun, Judgement(raised=fault))
                return
            message = read_message(line)
            if isinstance(message, Refused):
                raise RequestError(message.reason)
            if isinstance(message, Finished):
                return
            if isinstance(message, Begun):
                begun |= {message.case}
            elif isinstance(message, Judged):
                begun -= {message.case}
            wait = timeout if begun or isinstance(message, Judged) else wait
            yield message
    finally:
        process.end()
