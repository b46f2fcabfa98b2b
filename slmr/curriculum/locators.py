"""Finding the first wrong step of a failed attempt: three ways behind one interface. All of them are ours."""

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
        index: from 0; the number of steps where the steps are right and only the closing answer is not.
        says: what is wrong in it: an equation, else the step; empty where a step is missing.
        right: what it should be, as far as the locator knows; may be empty.
    """

    index: int
    says: str
    right: str
    found_by: LocatorName


class Locator(Protocol):
    """Finds the first wrong step of each attempt; None where it cannot tell."""

    def locate(self, problems: Sequence[Problem], attempts: Sequence[str]) -> list[WrongStep | None]: ...


class ArithmeticLocator:
    """The first step with an equation that does not hold. It cannot see a right sum that is the wrong one to do.

    A sum of numbers that stand neither in the problem nor in a step before is not taken for wrong: on the
    lab's failures that would find more, but half of GSM8K's own solutions have such a sum (two shoes, 100 %).
    """

    def locate(self, problems: Sequence[Problem], attempts: Sequence[str]) -> list[WrongStep | None]:
        false = [[false_equation(step) is not None for step in split_steps(attempt)] for attempt in attempts]
        return named_steps(
            attempts, [which.index(True) if any(which) else None for which in false], "arithmetic"
        )


class RolloutLocator:
    """Samples `n` continuations from every beginning of an attempt; where they stop coming out right, it went wrong.

    Which drop is taken for the error is `first_drop`'s choice.

    Attributes:
        cost: of what has been sampled so far.
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
        """How many of `n` continuations are right from an attempt's first 0, 1, 2, ... steps: all in one call."""
        starts = [[beginning(text, i) for i in range(len(split_steps(text)) + 1)] for text in attempts]
        pairs = [(p, start) for p, of_attempt in zip(problems, starts, strict=True) for start in of_attempt]
        completions, cost = sample_continuations(self._engine, pairs, self._n, self._sampling, self._progress)
        self.cost += cost
        cases = [(text, p) for (p, _), texts in zip(pairs, completions, strict=True) for text in texts]
        verdicts = iter(
            verify_batch([t for t, _ in cases], [p["gold"] for _, p in cases], [p["kind"] for _, p in cases])
        )
        return [
            [sum(next(verdicts).strict for _ in range(self._n)) for _ in of_attempt] for of_attempt in starts
        ]

    def close(self) -> None:
        """Gives the engine's memory back."""
        self._engine.close()


def first_drop(right: Sequence[int], drop: float) -> int:
    """The first wrong step, from how many continuations are right after 0, 1, 2, ... steps (ours).

    It is the first step after which fewer are right than the share `drop` of the most that were so before it,
    or none is and none was; where there is no such step, the closing answer (the index is the number of steps).
    The plain rule, the first beginning from which none is right, gets worse the more is sampled: from a wrong
    beginning, too, a student now and then guesses the answer, or makes good for the error.
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
    """The step at the index in each attempt; None where there is none."""
    return [
        None if index is None else named_step(attempt, index, found_by)
        for attempt, index in zip(attempts, indices, strict=True)
    ]


def named_step(attempt: str, index: int, found_by: LocatorName) -> WrongStep:
    """The step at an index, with what is false in it where an equation is."""
    steps = split_steps(attempt)
    if index >= len(steps):
        return WrongStep(len(steps), "", "", found_by)
    false = false_equation(steps[index])
    if false is None:
        return WrongStep(index, steps[index].rstrip("."), "", found_by)
    return WrongStep(index, false[0], f"{false[0].split('=')[0].strip()} = {false[1]}", found_by)
