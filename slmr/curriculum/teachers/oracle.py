"""The lab's solver as the teacher: it knows every step of every item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slmr.curriculum.schema import Problem
from slmr.errors import RequestError
from slmr.verify.trace_steps import departure, split_steps

if TYPE_CHECKING:
    from slmr.lab.items import LabItem


class OracleTeacher:
    """Draws each item again from its id and writes the answer from its solution."""

    separator = " "
    generated = 0
    exact = True

    def __init__(self, merge_share: float, word_share: float) -> None:
        self._merge_share, self._word_share = merge_share, word_share

    def raw_traces(self, problems: Sequence[Problem]) -> list[str | None]:
        return [_item(p).raw(self._merge_share, self._word_share) for p in problems]

    def rewrites(self, problems: Sequence[Problem], raw: Sequence[str]) -> list[dict[str, str]]:
        solutions = [_item(p).solution for p in problems]
        return [{"filled in": s.teacher(), "own style": s.plain()} for s in solutions]

    def worked_steps(self, problems: Sequence[Problem]) -> list[list[str] | None]:
        return [_item(p).solution.plain_steps() for p in problems]

    def continuations(self, problems: Sequence[Problem], prefixes: Sequence[str]) -> list[str | None]:
        solutions = [_item(problem).solution for problem in problems]
        return [
            solution.plain(departure(split_steps(prefix), solution.plain_steps())[1])
            for solution, prefix in zip(solutions, prefixes, strict=True)
        ]

    def first_wrong(self, problems: Sequence[Problem], attempts: Sequence[str]) -> list[int | None]:
        return [
            departure(split_steps(attempt), _item(problem).solution.plain_steps())[0]
            for problem, attempt in zip(problems, attempts, strict=True)
        ]

    def close(self) -> None:
        pass


def _item(problem: Problem) -> LabItem:
    from slmr import lab

    item = lab.item(problem["id"])
    if item is None:
        raise RequestError(f"the oracle teacher knows lab problems only, not {problem['id']}")
    return item
