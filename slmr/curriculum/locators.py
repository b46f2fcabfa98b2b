"""Three ways to find the first wrong step of a failed attempt, with one interface. All of them are ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from slmr.artifacts import Cost
from slmr.curriculum.continuations import sample_continuations
from slmr.curriculum.schema import Problem
from slmr.curriculum.teachers import Teacher
from slmr.engines import Engine, Sampling
from slmr.stage import Progress
from slmr.verify import verify_batch
from slmr.verify.trace_steps import beginning, false_equation, split_steps

LocatorName = Literal["arithmetic", "rollout", "teacher"]


@dataclass(frozen=True, slots=True)
class WrongStep:
    """The first wrong step of an attempt.

    Attributes:
        index: from 0; the number of steps if all steps are right and only the closing answer is wrong.
        says: what is wrong in it: an equation, else the step; empty if a step is missing.
        right: what it should be, if the locator knows; may be empty.
    """

    index: int
    says: str
    right: str
    found_by: LocatorName


class Locator(Protocol):
    """Finds the first wrong step of each attempt; None if it cannot tell."""

    def locate(self, problems: Sequence[Problem], attempts: Sequence[str]) -> list[WrongStep | None]: ...


class ArithmeticLocator:
    """Finds the first step with a false equation. It cannot detect a correct calculation that is the wrong one to do.

    A calculation with numbers that occur neither in the problem nor in an earlier step is not taken for wrong: that
    would find more of the lab's failures, but half of GSM8K's own solutions have one (two shoes, 100 %).
    """

    def locate(self, problems: Sequence[Problem], attempts: Sequence[str]) -> list[WrongStep | None]:
        false = [[false_equation(step) is not None for step in split_steps(attempt)] for attempt in attempts]
        return named_steps(attempts, [which.index(True) if any(which) else None for which in false], "arithmetic")


class RolloutLocator:
    """Samples `n` continuations from every beginning of an attempt; the error is where they stop being right.

    `first_drop` decides which drop counts.

    Attributes:
        cost: of the sampling so far.
    """

    def __init__(
        self, engine: Engine, n: int, drop: float, sampling: Sampling, progress: Progress | None = None
    ) -> None:
        self._engine, self._n, self._drop, self._sampling = engine, n, drop, sampling
        self._progress = progress
        self.cost = Cost()

    def locate(self, problems: Sequence[Problem], attempts: Sequence[str]) -> list[WrongStep | None]:
        drops = [first_drop(right, self._drop) for right in self.right(problems, attempts)]
        return named_steps(attempts, drops, "rollout")

    def right(self, problems: Sequence[Problem], attempts: Sequence[str]) -> list[list[int]]:
        """How many of `n` continuations of each attempt's first 0, 1, 2, ... steps are right, sampled in one call."""
        starts = [[beginning(text, i) for i in range(len(split_steps(text)) + 1)] for text in attempts]
        pairs = [(p, start) for p, of_attempt in zip(problems, starts, strict=True) for start in of_attempt]
        completions, cost = sample_continuations(self._engine, pairs, self._n, self._sampling, self._progress)
        self.cost += cost
        cases = [(text, p) for (p, _), texts in zip(pairs, completions, strict=True) for text in texts]
        verdicts = iter(
            verify_batch([t for t, _ in cases], [p["gold"] for _, p in cases], [p["kind"] for _, p in cases])
        )
        return [[sum(next(verdicts).strict for _ in range(self._n)) for _ in of_attempt] for of_attempt in starts]

    def close(self) -> None:
        """Releases the engine's memory."""
        self._engine.close()


def first_drop(right: Sequence[int], drop: float) -> int:
    """The first wrong step, given how many continuations are right after 0, 1, 2, ... steps (ours).

    It is the first step after which the number of right ones falls below `drop` times the earlier maximum, or
    stays 0. If there is no such step, it is the closing answer (the index is the number of steps). The simpler
    rule, the first beginning from which none is right, gets worse with more samples: even from a wrong
    beginning a student sometimes guesses the answer or corrects the error.
    """
    most = right[0]
    for index, hits in enumerate(right[1:]):
        if hits < drop * most or hits == most == 0:
            return index
        most = max(most, hits)
    return len(right) - 1


class TeacherLocator:
    """Asks the teacher."""

    def __init__(self, teacher: Teacher) -> None:
        self._teacher = teacher

    def locate(self, problems: Sequence[Problem], attempts: Sequence[str]) -> list[WrongStep | None]:
        return named_steps(attempts, self._teacher.first_wrong(problems, attempts), "teacher")


def named_steps(
    attempts: Sequence[str], indices: Sequence[int | None], found_by: LocatorName
) -> list[WrongStep | None]:
    """The wrong step at each attempt's index; None for an index of None."""
    return [
        None if index is None else named_step(attempt, index, found_by)
        for attempt, index in zip(attempts, indices, strict=True)
    ]


def named_step(attempt: str, index: int, found_by: LocatorName) -> WrongStep:
    """The wrong step at an index, with its false equation if it has one."""
    steps = split_steps(attempt)
    if index >= len(steps):
        return WrongStep(len(steps), "", "", found_by)
    false = false_equation(steps[index])
    if false is None:
        return WrongStep(index, steps[index].rstrip("."), "", found_by)
    return WrongStep(index, false[0], f"{false[0].split('=')[0].strip()} = {false[1]}", found_by)
