"""Critique Fine-Tuning data: all-zero failures become diagnosis, repair and new-trace supervision.

From the paper: the three kinds of data, and that failures are the groups whose rewards are all zero.
Ours: how the first wrong step is located, when a diagnosis is believed, the wording, and the ratios.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Literal

from pydantic import Field

from slmr.artifacts import Cost
from slmr.curriculum.locators import (
    ArithmeticLocator,
    Locator,
    LocatorName,
    RolloutLocator,
    TeacherLocator,
    WrongStep,
)
from slmr.curriculum.schema import (
    FAILURES,
    ROLLOUTS,
    TRACES,
    Row,
    counted,
    problems_by_id,
    rollouts_by_problem,
    trace,
    verifies,
)
from slmr.curriculum.teachers import Teacher, TeacherSettings, teacher_tokens, worked_traces
from slmr.engines import Sampling, open_engine
from slmr.io import read_rows, write_rows
from slmr.stage import StageContext, stage
from slmr.tasks import strict_form
from slmr.verify.trace_steps import beginning, conclusions, following, split_steps

CRITIQUES = "critiques.parquet"
_ASK = "{problem}\nAttempt: {attempt}\nFind the first wrong step.\nSolution:\n"


class CritiqueParams(TeacherSettings):
    """How failures are recycled. All of it is ours.

    Attributes:
        locator: finds the first wrong step of an attempt.
        otherwise: who is asked where it finds none.
        attempts: at most so many failed attempts of a problem; those with steps come first.
        every: of every problem with a failed attempt, and not of all-zero groups alone.
        right: as many diagnoses of right attempts, that say so, as there are of wrong ones, at most.
        diag, repair, new: the share of what was made of each kind that is kept.
        continuations, temperature, max_tokens: how the rollout locator samples from each beginning.
        drop: the fall of the share of right continuations that it takes for the error.
    """

    locator: LocatorName = "arithmetic"
    otherwise: Literal["none", "rollout", "teacher"] = "teacher"
    attempts: int = Field(default=1, ge=1)
    every: bool = False
    right: bool = False
    diag: float = Field(default=0.5, ge=0, le=1)
    repair: float = Field(default=1.0, ge=0, le=1)
    new: float = Field(default=1.0, ge=0, le=1)
    continuations: int = Field(default=8, ge=1)
    drop: float = Field(default=0.5, gt=0, le=1)
    temperature: float = Field(default=1.0, gt=0)
    max_tokens: int = Field(default=80, ge=1)


@stage(
    "critique", CritiqueParams, {"model": "one", "problems": "one", "failures": "many"}, random=True,
    uses_engine=True, version=6,
)  # fmt: skip
def critique_stage(context: StageContext, params: CritiqueParams) -> None:
    """Writes the recycled traces, and every critique with what it was made from in `critiques.parquet`."""
    pool = problems_by_id(context.input("problems"))
    failures = collect_failures(context.folders("failures"), params.every)
    cases = [(pool[i], text) for i, texts in failures.items() for text in preferred(texts)[: params.attempts]]
    problems, attempts = [problem for problem, _ in cases], [text for _, text in cases]
    teacher = params.open(context.engine)
    wrong = locate(problems, attempts, params, teacher, context)
    critiques = criticise(problems, attempts, wrong, teacher)
    made = [row for p, critique in zip(problems, critiques, strict=True) for row in traces(p, critique)]
    rng = Random(context.seed)
    rows = balance(made, params, rng)
    if params.right:
        praised = praises(context.folders("failures"), pool)
        rows += rng.sample(praised, min(len(praised), sum(row["source"] == "diag" for row in rows)))
    write_rows(context.folder / CRITIQUES, critiques)
    write_rows(context.folder / TRACES, rows)
    tokens = teacher_tokens(teacher, context.model("model"), [row["completion"] for row in rows])
    context.cost += Cost(teacher_tokens=tokens)
    context.stats |= {
        "failed_problems": len(failures), "attempts": len(cases), "traces": counted(rows, "source"),
        "located_by": counted([{"by": w.found_by if w else "nobody"} for w in wrong], "by"),
        "diagnoses_confirmed": sum(c["confirmed"] for c in critiques),
        "diagnoses_dropped": sum(c["wrong_step"] is not None and not c["confirmed"] for c in critiques),
        "repairs_made": sum(c["repair"] is not None for c in critiques),
        "new_made": sum(c["new"] is not None for c in critiques),
    }  # fmt: skip
    teacher.close()


def collect_failures(folders: Sequence[Path], every: bool = False) -> dict[str, list[str]]:
    """Distinct attempts of every problem with an all-zero group, from RL runs and from probes.

    `every`: of probes the wrong attempts of all problems.
    A later folder's attempts stand first: they come from the student as it is now.
    """
    found: dict[str, list[str]] = {}
    for folder in reversed(folders):
        if (folder / FAILURES).is_file():
            rows = read_rows(folder / FAILURES)
        else:
            groups = rollouts_by_problem(folder).values()
            chosen = [group for group in groups if every or not any(r["strict"] for r in group)]
            rows = [row for group in chosen for row in group if not row["strict"]]
        for row in rows:
            attempts = found.setdefault(row["problem_id"], [])
            if row["completion"] not in attempts:
                attempts.append(row["completion"])
    return found


def praises(folders: Sequence[Path], pool: Mapping[str, Row]) -> list[Row]:
    """For each problem that a probe solved, its first right attempt and a diagnosis that finds nothing wrong."""
    rows = []
    for folder in folders:
        if (folder / ROLLOUTS).is_file():
            for name, group in rollouts_by_problem(folder).items():
                if right := next((row["completion"] for row in group if row["strict"]), None):
                    ask = _ASK.format(problem=pool[name]["problem"], attempt=right.strip())
                    rows.append(trace(pool[name], "The answer is right.", "right", prompt=ask))
    return rows


def preferred(attempts: Sequence[str]) -> list[str]:
    """Attempts with steps before bare answers, in which there is nothing to locate; else in their order."""
    return sorted(attempts, key=lambda text: not split_steps(text))


def locate(
    problems: Sequence[Row], attempts: Sequence[str], params: CritiqueParams, teacher: Teacher,
    context: StageContext,
) -> list[WrongStep | None]:  # fmt: skip
    """The first wrong step of each attempt, by the locator, and by the other one where that finds none."""
    found: list[WrongStep | None] = [None] * len(attempts)
    for name in (params.locator, params.otherwise):
        left = [i for i, wrong in enumerate(found) if wrong is None]
        if name == "none" or not left:
            break
        locator = _locator(name, params, teacher, context)
        answers = locator.locate([problems[i] for i in left], [attempts[i] for i in left])
        for i, answer in zip(left, answers, strict=True):
            found[i] = answer
        if isinstance(locator, RolloutLocator):
            context.cost += locator.cost
            locator.close()
    return found


def _locator(name: LocatorName, params: CritiqueParams, teacher: Teacher, context: StageContext) -> Locator:
    if name == "arithmetic":
        return ArithmeticLocator()
    if name == "teacher":
        return TeacherLocator(teacher)
    sampling = Sampling(params.temperature, params.max_tokens, context.seed)
    engine = open_engine(context.model("model"), context.engine)
    return RolloutLocator(engine, params.continuations, params.drop, sampling, context.progress)


def criticise(
    problems: Sequence[Row], attempts: Sequence[str], wrong: Sequence[WrongStep | None], teacher: Teacher
) -> list[Row]:
    """One row an attempt: the wrong step, and what each kind of supervision is made of; None where it is not.

    Repairs and new traces verify. A diagnosis is believed if the teacher names the same step; if the teacher
    cannot tell, if the step's equation is false or what was right before it can be continued to the answer.
    """
    told = teacher.first_wrong(problems, attempts)
    # What precedes the named step may be wrong itself, if the teacher sees an earlier one.
    starts = [
        beginning(text, w.index if by_teacher is None else min(w.index, by_teacher)) if w else None
        for text, w, by_teacher in zip(attempts, wrong, told, strict=True)
    ]
    rests = _continued(problems, starts, teacher)
    fresh = _fresh(problems, teacher)
    return [
        _critique(problem, attempt, w, by_teacher, start or "", rest) | {"new": new}
        for problem, attempt, w, by_teacher, start, rest, new in zip(
            problems, attempts, wrong, told, starts, rests, fresh, strict=True
        )
    ]


def _continued(problems: Sequence[Row], starts: Sequence[str | None], teacher: Teacher) -> list[str | None]:
    """The teacher's continuation of each beginning that there is, apart from what an attempt broke off with."""
    asked = [(i, start) for i, start in enumerate(starts) if start is not None]
    answers = teacher.continuations([problems[i] for i, _ in asked], [start for _, start in asked])
    found: list[str | None] = [None] * len(starts)
    for (i, start), answer in zip(asked, answers, strict=True):
        found[i] = None if answer is None else following(start, answer, teacher.separator)
    return found


def _fresh(problems: Sequence[Row], teacher: Teacher) -> list[str | None]:
    """The teacher's worked solution of each problem, its raw trace where that does not verify, else None."""
    worked = worked_traces(teacher, problems)
    found = [text if text and verifies(text, p) else None for p, text in zip(problems, worked, strict=True)]
    left = [i for i, text in enumerate(found) if text is None]
    for i, text in zip(left, teacher.raw_traces([problems[i] for i in left]) if left else [], strict=True):
        found[i] = text if text and verifies(text, problems[i]) else None
    return found


def _critique(
    problem: Row, attempt: str, wrong: WrongStep | None, told: int | None, start: str, rest: str | None
) -> Row:
    """One row but for the new trace; `told` is the step that the teacher names, `rest` its continuation."""
    repair = rest if rest and start and verifies(start + rest, problem) else None
    steps = split_steps(attempt)
    row: Row = {
        "problem_id": problem["id"], "problem": problem["problem"], "attempt": attempt.strip(),
        "wrong_step": None, "found_by": None, "step_text": "", "right": "", "confirmed": False,
        "diagnosis": None, "repair_prefix": start if repair else "", "repair": repair,
    }  # fmt: skip
    if wrong is None:
        return row
    believed = wrong.index == told if told is not None else bool(wrong.right or repair)
    right = _right(wrong, rest, problem)
    return row | {
        "wrong_step": wrong.index, "found_by": wrong.found_by, "right": right, "confirmed": believed,
        "step_text": steps[wrong.index] if wrong.index < len(steps) else "",
        "diagnosis": _diagnosis(wrong, right) if believed else None,
    }  # fmt: skip


def _right(wrong: WrongStep, rest: str | None, problem: Row) -> str:
    """What the wrong step should be: its own sum done right if the teacher's continuation comes to that value.

    Else the first step of that continuation, or the closing answer where it has no more steps.
    """
    following = split_steps(rest or "")
    values = {value for step in following for value in conclusions(step)}
    if rest is None or (wrong.right and values & set(conclusions(wrong.right))):
        return wrong.right
    return following[0].rstrip(".") if following else strict_form(problem["gold"], problem["kind"])


def _diagnosis(wrong: WrongStep, right: str) -> str:
    """What is taught: the number of the first wrong step, what it says and what it should be."""
    number = wrong.index + 1
    if not right:
        return f"Step {number} is wrong: {wrong.says or 'the answer'} should not be."
    if not wrong.says:
        return f"Step {number} is wrong: it should be {right}."
    return f"Step {number} is wrong: {wrong.says} should be {right}."


def traces(problem: Row, critique: Row) -> list[Row]:
    """The SFT examples of one critique."""
    rows = []
    if critique["diagnosis"]:
        ask = _ASK.format(problem=problem["problem"], attempt=critique["attempt"])
        rows.append(trace(problem, critique["diagnosis"], "diag", prompt=ask))
    if critique["repair"]:
        rows.append(trace(problem, critique["repair"], "repair", prefix=critique["repair_prefix"]))
    if critique["new"]:
        rows.append(trace(problem, critique["new"], "new"))
    return rows


def balance(rows: Sequence[Row], params: CritiqueParams, rng: Random) -> list[Row]:
    """Thins each kind to its share, without repeats."""
    unique: dict[Any, Row] = {(row["prompt"], row["prefix"], row["completion"]): row for row in rows}
    kept: list[Row] = []
    for kind, share in (("diag", params.diag), ("repair", params.repair), ("new", params.new)):
        of_kind = [row for row in unique.values() if row["source"] == kind]
        kept += rng.sample(of_kind, round(share * len(of_kind)))
    return kept
