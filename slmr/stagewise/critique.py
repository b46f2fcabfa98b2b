"""Critique Fine-Tuning data: all-zero failures become diagnosis, repair and new-trace supervision.

From the paper: the three kinds of data, and that failures are the groups whose rewards are all zero.
Ours: how the first wrong step is located, when a diagnosis is believed, the wording, and the ratios.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Literal

from pydantic import Field

from slmr.engines import Sampling, open_engine
from slmr.stage import StageContext, stage
from slmr.stagewise.data import FAILURES, TRACES, Row, counted, problems_by_id, rollouts_by_problem, trace
from slmr.stagewise.locators import (
    ArithmeticLocator,
    Locator,
    LocatorName,
    RolloutLocator,
    TeacherLocator,
    WrongStep,
)
from slmr.stagewise.steps import beginning, split_steps
from slmr.stagewise.teachers import Teacher, TeacherSettings, teacher_tokens
from slmr.store import Cost, read_rows, write_rows
from slmr.tasks import strict_form
from slmr.verify import verify

CRITIQUES = "critiques.parquet"
_ASK = "{problem}\nAttempt: {attempt}\nFind the first wrong step.\nSolution:\n"


class CritiqueParams(TeacherSettings):
    """How failures are recycled. All of it is ours.

    Attributes:
        locator: finds the first wrong step of an attempt.
        otherwise: who is asked where it finds none.
        attempts: at most so many failed attempts of a problem; those with steps come first.
        diag, repair, new: the share of what was made of each kind that is kept.
        continuations, least: of the rollout locator, see there.
    """

    locator: LocatorName = "arithmetic"
    otherwise: Literal["none", "rollout", "teacher"] = "teacher"
    attempts: int = Field(default=1, ge=1)
    diag: float = Field(default=0.5, ge=0, le=1)
    repair: float = Field(default=1.0, ge=0, le=1)
    new: float = Field(default=1.0, ge=0, le=1)
    continuations: int = Field(default=8, ge=1)
    least: int = Field(default=2, ge=1)
    max_tokens: int = Field(default=80, ge=1)


@stage(
    "critique", CritiqueParams, {"model": "one", "problems": "one", "failures": "many"}, random=True,
    uses_engine=True, version=2,
)  # fmt: skip
def critique_stage(context: StageContext, params: CritiqueParams) -> None:
    """Writes the recycled traces, and every critique with what it was made from in `critiques.parquet`."""
    pool = problems_by_id(context.input("problems"))
    failures = collect_failures(context.folders("failures"))
    cases = [(pool[i], text) for i, texts in failures.items() for text in preferred(texts)[: params.attempts]]
    problems, attempts = [p for p, _ in cases], [text for _, text in cases]
    teacher = params.open(context.engine)
    wrong = locate(problems, attempts, params, teacher, context)
    critiques = criticise(problems, attempts, wrong, teacher)
    made = [
        row
        for problem, critique in zip(problems, critiques, strict=True)
        for row in traces(problem, critique)
    ]
    rows = balance(made, params, Random(context.seed))
    write_rows(context.folder / CRITIQUES, critiques)
    write_rows(context.folder / TRACES, rows)
    tokens = teacher_tokens(teacher, context.model("model"), [row["completion"] for row in rows])
    context.cost += Cost(teacher_tokens=tokens)
    context.stats |= {
        "failed_problems": len(failures), "attempts": len(cases), "traces": counted(rows, "source"),
        "located_by": counted([{"by": w.found_by if w else "nobody"} for w in wrong], "by"),
        "diagnoses_dropped": sum(c["wrong_step"] is not None and not c["confirmed"] for c in critiques),
    }  # fmt: skip
    teacher.close()


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
        found = [answers[left.index(i)] if i in left else wrong for i, wrong in enumerate(found)]
        if isinstance(locator, RolloutLocator):
            context.cost += Cost(rollout_tokens=locator.tokens)
    return found


def _locator(name: LocatorName, params: CritiqueParams, teacher: Teacher, context: StageContext) -> Locator:
    if name == "arithmetic":
        return ArithmeticLocator()
    if name == "teacher":
        return TeacherLocator(teacher)
    sampling = Sampling(1.0, params.max_tokens, context.seed)
    engine = open_engine(context.model("model"), context.engine)
    return RolloutLocator(engine, params.continuations, params.least, sampling)


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
        beginning(text, w.index if teachers is None else min(w.index, teachers)) if w else ""
        for text, w, teachers in zip(attempts, wrong, told, strict=True)
    ]
    located = [i for i, w in enumerate(wrong) if w]
    answers = teacher.continuations([problems[i] for i in located], [starts[i] for i in located])
    rests = [dict(zip(located, answers, strict=True)).get(i) for i in range(len(problems))]
    fresh = [
        _new(p, steps, teacher) for p, steps in zip(problems, teacher.worked_steps(problems), strict=True)
    ]
    rows = []
    for problem, attempt, w, start, rest, new, teachers in zip(
        problems, attempts, wrong, starts, rests, fresh, told, strict=True
    ):
        repair = rest if rest and start and _verifies(start + rest, problem) else None
        believed = w is not None and (
            w.index == teachers if teachers is not None else bool(w.right) or repair is not None
        )
        steps = split_steps(attempt)
        right = _right(w, rest) if w else ""
        rows.append({
            "problem_id": problem["id"], "problem": problem["problem"], "attempt": attempt.strip(),
            "wrong_step": w.index if w else None, "found_by": w.found_by if w else None,
            "step_text": steps[w.index] if w and w.index < len(steps) else "", "right": right,
            "confirmed": believed, "diagnosis": _diagnosis(w, right) if w and believed else None,
            "repair_prefix": start if repair else "", "repair": repair, "new": new,
        })  # fmt: skip
    return rows


def _new(problem: Row, steps: list[str] | None, teacher: Teacher) -> str | None:
    """A fresh trace, if it verifies."""
    if not steps:
        return None
    text = teacher.separator.join([*steps, strict_form(problem["gold"], problem["kind"])])
    return text if _verifies(text, problem) else None


def _verifies(text: str, problem: Row) -> bool:
    return verify(text, problem["gold"], problem["kind"]).strict


def _right(wrong: WrongStep, rest: str | None) -> str:
    """What the wrong step should be: the true equation, else the first step of the teacher's continuation."""
    following = split_steps(rest or "")
    return wrong.right or (following[0].rstrip(".") if following else "")


def _diagnosis(wrong: WrongStep, right: str) -> str:
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
