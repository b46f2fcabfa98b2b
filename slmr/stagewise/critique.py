"""Critique Fine-Tuning data: all-zero failures become diagnosis, repair and new-trace supervision.

From the paper: the three kinds of data, and that failures are the groups whose rewards are all zero.
Ours: how the first wrong step is located, the wording, and the balance of the three kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from pydantic import Field

from slmr.stage import StageContext, stage
from slmr.stagewise.data import FAILURES, TRACES, Row, counted, problems_by_id, rollouts_by_problem, trace
from slmr.stagewise.steps import common_prefix, false_equation, split_steps
from slmr.stagewise.teachers import Teacher, TeacherSettings, teacher_tokens
from slmr.store import Cost, read_rows, write_rows
from slmr.tasks import strict_form
from slmr.verify import verify

_ASK = "{problem}\nAttempt: {attempt}\nFind the first wrong step.\nSolution:\n"


class CritiqueParams(TeacherSettings):
    """`diag`, `repair`, `new`: how many of each kind for one failed problem, at most one each if 1.

    `locator` finds the first wrong step: `arithmetic` is the first step with an equation that does not
    hold; where all hold, the first step that leaves the teacher's solution.
    """

    locator: Literal["arithmetic"] = "arithmetic"
    diag: float = Field(default=0.5, ge=0, le=1)
    repair: float = Field(default=1.0, ge=0, le=1)
    new: float = Field(default=1.0, ge=0, le=1)


@dataclass(frozen=True, slots=True)
class WrongStep:
    """The first wrong step of an attempt: its index from 0, what it says, what is right."""

    index: int
    says: str
    right: str
    found_by: Literal["arithmetic", "reference"]


@stage(
    "critique", CritiqueParams, {"model": "one", "problems": "one", "failures": "many"}, random=True
)  # fmt: skip
def critique_stage(context: StageContext, params: CritiqueParams) -> None:
    """Writes the recycled traces: `diag`, `repair` and `new`, balanced by the parameters."""
    problems = problems_by_id(context.input("problems"))
    failures = collect_failures(context.folders("failures"))
    teacher = params.open(context.engine)
    rows: list[Row] = []
    found: list[Row] = []
    for problem_id, attempts in failures.items():
        problem = problems[problem_id]
        wrong = locate(attempts[0], teacher.worked_steps([problem])[0] or [])
        rows += criticise(problem, attempts[0], wrong, teacher)
        found.append({"found_by": wrong.found_by})
    rows = balance(rows, params, Random(context.seed))
    write_rows(context.folder / TRACES, rows)
    tokens = teacher_tokens(teacher, context.model("model"), [row["completion"] for row in rows])
    context.cost += Cost(teacher_tokens=tokens)
    context.stats |= {"failed_problems": len(failures), "traces": counted(rows, "source"),
                      "located_by": counted(found, "found_by")}  # fmt: skip


def collect_failures(folders: Sequence[Path]) -> dict[str, list[str]]:
    """Distinct attempts of every problem with an all-zero group, from RL runs and from probes.

    A later folder's attempts stand first: they come from the student as it is now.
    """
    found: dict[str, list[str]] = {}
    for folder in reversed(folders):
        if (folder / FAILURES).is_file():
            rows = read_rows(folder / FAILURES)
        else:
            groups = rollouts_by_problem(folder).values()
            rows = [row for group in groups if not any(r["strict"] for r in group) for row in group]
        for row in rows:
            attempts = found.setdefault(row["problem_id"], [])
            if row["completion"] not in attempts:
                attempts.append(row["completion"])
    return found


def locate(attempt: str, reference: Sequence[str]) -> WrongStep:
    """The first wrong step of an attempt, given the teacher's steps.

    A missing step counts as wrong: an attempt that stops early is wrong where it should have gone on.
    """
    steps = split_steps(attempt)
    for index, step in enumerate(steps):
        false = false_equation(step)
        if false is not None:
            equation, value = false
            return WrongStep(index, equation, f"{equation.split('=')[0].strip()} = {value}", "arithmetic")
    index = common_prefix(steps, reference)
    says = steps[index].rstrip(".") if index < len(steps) else ""
    right = reference[index].rstrip(".") if index < len(reference) else ""
    return WrongStep(index, says, right, "reference")


def criticise(problem: Row, attempt: str, wrong: WrongStep, teacher: Teacher) -> list[Row]:
    """Diagnosis, repair and new trace of one failed attempt; those that end in an answer verify."""
    steps, closing = teacher.worked_steps([problem])[0] or [], strict_form(problem["gold"], problem["kind"])
    kept = min(wrong.index, common_prefix(split_steps(attempt), steps))
    prefix = " ".join([*steps[:kept], ""])
    ask = _ASK.format(problem=problem["problem"], attempt=attempt.strip())
    rows = [trace(problem, _diagnosis(wrong), "diag", prompt=ask)]
    if kept:
        rows.append(trace(problem, " ".join([*steps[kept:], closing]), "repair", prefix=prefix))
    rows.append(trace(problem, " ".join([*steps, closing]), "new"))
    return [
        row
        for row in rows
        if row["source"] == "diag"
        or verify(row["prefix"] + row["completion"], problem["gold"], problem["kind"]).strict
    ]


def _diagnosis(wrong: WrongStep) -> str:
    number = wrong.index + 1
    if not wrong.right:
        return f"Step {number} is wrong: {wrong.says} should not be."
    if not wrong.says:
        return f"Step {number} is wrong: it should be {wrong.right}."
    return f"Step {number} is wrong: {wrong.says} should be {wrong.right}."


def balance(rows: Sequence[Row], params: CritiqueParams, rng: Random) -> list[Row]:
    """Thins each kind to its share of the failed problems, without repeats."""
    kept: list[Row] = []
    for kind, share in (("diag", params.diag), ("repair", params.repair), ("new", params.new)):
        of_kind = [row for row in rows if row["source"] == kind]
        kept += rng.sample(of_kind, round(share * len(of_kind)))
    unique = {(row["prompt"], row["prefix"], row["completion"]): row for row in kept}
    return list(unique.values())
