"""The data's own solutions as the teacher. GSM8K marks its calculations as `<<a op b=c>>`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from slmr.curriculum.schema import Problem
from slmr.errors import RequestError
from slmr.tasks import strict_form
from slmr.verify import verify
from slmr.verify.trace_steps import departure, split_steps

_MARK = re.compile(r"<<([^<>]*)>>")
_CLOSED = re.compile(r"^[ \t]*####[ \t]*(\S.*)$", re.MULTILINE)
_OPERATION = re.compile(r"(?<=[\d)])\s*([-+*/])\s*(?=[\d(.])")


class DatasetTeacher:
    """Reads the column `solution` of the problems; it has no answer for a problem without one."""

    separator = "\n"
    generated = 0
    exact = False

    def raw_traces(self, problems: Sequence[Problem]) -> list[str | None]:
        return [
            _close([_MARK.sub("", line) for line in lines], p) if lines else None
            for p, lines in zip(problems, self._marked_steps(problems), strict=True)
        ]

    def rewrites(self, problems: Sequence[Problem], raw: Sequence[str]) -> list[dict[str, str]]:
        worked = self.worked_steps(problems)
        return [{"filled in": _close(s, p)} if s else {} for p, s in zip(problems, worked, strict=True)]

    def worked_steps(self, problems: Sequence[Problem]) -> list[list[str] | None]:
        """Every line as a step; calculations that appear only in a line's marks are written before it."""
        return [[_explicit(line) for line in lines] if lines else None for lines in self._marked_steps(problems)]

    def continuations(self, problems: Sequence[Problem], prefixes: Sequence[str]) -> list[str | None]:
        return [
            _close(steps[departure(split_steps(prefix), steps)[1] :], problem) if steps else None
            for problem, prefix, steps in zip(problems, prefixes, self.worked_steps(problems), strict=True)
        ]

    def first_wrong(self, problems: Sequence[Problem], attempts: Sequence[str]) -> list[int | None]:
        """Compares the values with the marked calculations; a different, right solution counts as wrong."""
        return [
            departure(split_steps(attempt), steps)[0] if steps else None
            for attempt, steps in zip(attempts, self.worked_steps(problems), strict=True)
        ]

    def close(self) -> None:
        pass

    def _marked_steps(self, problems: Sequence[Problem]) -> list[list[str] | None]:
        solutions = [p["solution"] for p in problems]
        if problems and not any(solutions):
            raise RequestError(
                f"the dataset teacher needs worked solutions, but {problems[0]['task']} has none;"
                " take another teacher (oracle, local, server)"
            )
        return [_body(solution) if solution else None for solution in solutions]


def _body(solution: str) -> list[str]:
    """The lines of a solution before its closing answer."""
    lines = [line.strip() for line in solution.strip().splitlines()]
    return [line for line in lines if line and not line.startswith("####")]


def _explicit(line: str) -> str:
    """A line with the equations of its marks written before it, unless the text already states them."""
    text = _MARK.sub("", line)
    bare = re.sub(r"[\s$,]", "", text).replace("x", "*")
    unstated = [mark for mark in _MARK.findall(line) if re.sub(r"\s", "", mark) not in bare]
    equations = [_OPERATION.sub(r" \1 ", mark).replace("=", " = ") for mark in unstated]
    return " ".join([*(f"{equation}." for equation in equations), text])


def _close(steps: Sequence[str], problem: Problem) -> str:
    return "\n".join([*steps, _closing(problem)])


def _closing(problem: Problem) -> str:
    """The closing answer: the gold one, unless the solution ends with a different one, which must show as wrong."""
    kind, gold = problem["kind"], strict_form(problem["gold"], problem["kind"])
    stated = _CLOSED.findall(problem["solution"] or "")
    closing = strict_form(stated[-1].rstrip(), kind) if stated else gold
    return gold if verify(closing, problem["gold"], kind).strict else closing
