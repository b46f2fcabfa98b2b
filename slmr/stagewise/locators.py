"""Finding the first wrong step of a failed attempt: three ways behind one interface. All of them are ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from slmr.engines import Engine, Prompt, Sampling
from slmr.stagewise.data import Row
from slmr.stagewise.steps import beginning, false_equation, split_steps
from slmr.stagewise.teachers import Teacher
from slmr.verify import verify

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

    def locate(self, problems: Sequence[Row], attempts: Sequence[str]) -> list[WrongStep | None]: ...


class ArithmeticLocator:
    """The first step with an equation that does not hold. It cannot see a right sum that is the wrong one to do."""

    def locate(self, problems: Sequence[Row], attempts: Sequence[str]) -> list[WrongStep | None]:
        return [self._first(split_steps(attempt)) for attempt in attempts]

    @staticmethod
    def _first(steps: Sequence[str]) -> WrongStep | None:
        for index, step in enumerate(steps):
            false = false_equation(step)
            if false is not None:
                equation, value = false
                right = f"{equation.split('=')[0].strip()} = {value}"
                return WrongStep(index, equation, right, "arithmetic")
        return None


class RolloutLocator:
    """From every beginning of an attempt `n` continuations are drawn; where they stop coming out right, it went wrong.

    The first wrong step is the one after the longest beginning from which at least `least` continuations are
    right. Not the first beginning from which none is: with few draws a hard problem fails from a right
    beginning, too, and a later success proves that beginning right after all. `least` keeps a lucky guess
    from counting as such a proof.

    Attributes:
        tokens: sampled so far.
    """

    def __init__(self, engine: Engine, n: int, least: int, sampling: Sampling) -> None:
        self._engine, self._n, self._least, self._sampling = engine, n, least, sampling
        self.tokens = 0

    def locate(self, problems: Sequence[Row], attempts: Sequence[str]) -> list[WrongStep | None]:
        asked = [
            (i, length, beginning(attempt, length))
            for i, attempt in enumerate(attempts)
            for length in range(1, len(split_steps(attempt)) + 1)
        ]
        prompts = [
            Prompt(problems[i]["prompt"], start, draw=k) for i, _, start in asked for k in range(self._n)
        ]
        done = self._engine.generate(prompts, self._sampling) if prompts else []
        self.tokens += sum(completion.tokens for completion in done)
        sound = [0] * len(attempts)
        for place, (i, length, start) in enumerate(asked):
            texts = [start + c.text for c in done[place * self._n : (place + 1) * self._n]]
            right = sum(verify(t, problems[i]["gold"], problems[i]["kind"]).strict for t in texts)
            if right >= self._least:
                sound[i] = max(sound[i], length)
        return [named_step(attempt, index, "rollout") for attempt, index in zip(attempts, sound, strict=True)]


class TeacherLocator:
    """Asks the teacher."""

    def __init__(self, teacher: Teacher) -> None:
        self._teacher = teacher

    def locate(self, problems: Sequence[Row], attempts: Sequence[str]) -> list[WrongStep | None]:
        return [
            None if index is None else named_step(attempt, index, "teacher")
            for attempt, index in zip(attempts, self._teacher.first_wrong(problems, attempts), strict=True)
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
