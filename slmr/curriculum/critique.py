"""Critique Fine-Tuning data: all-zero failures become diagnosis, repair and new-trace supervision.

From the paper: the three kinds of data, and that failures are RL's groups whose rewards are all zero. Ours: a probe's
all-zero groups count, too, if the recipe passes one; recycled traces accumulate over the rounds; how the first wrong
step is located; when a diagnosis counts as confirmed; the wording and the ratios.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Literal, NamedTuple

from pydantic import Field

from slmr.config import MAX_TOKENS
from slmr.curriculum.locators import (
    ArithmeticLocator,
    Locator,
    LocatorName,
    RolloutLocator,
    TeacherLocator,
    WrongStep,
)
from slmr.curriculum.schema import (
    CRITIQUES,
    FAILURES,
    TRACES,
    Critique,
    Failure,
    Problem,
    Rollout,
    Trace,
    counted,
    problems_by_id,
    rollouts_by_problem,
    trace,
)
from slmr.curriculum.soundness import Fault, Steps, fault_of, known_steps, refusals
from slmr.curriculum.teachers import Teacher, TeacherSettings, teacher_cost, worked_traces
from slmr.engines import Sampling, open_engine
from slmr.stage import StageContext, stage
from slmr.tasks import strict_form
from slmr.verify.trace_steps import beginning, conclusions, following, split_steps

# The first and last lines differ from the tasks' prompts; otherwise a student diagnoses when it should answer.
_ASK = "Find the first wrong step.\n{problem}\nAttempt: {attempt}\nFirst wrong step:\n"


class CritiqueParams(TeacherSettings):
    """How failures are recycled. All of it is ours.

    Attributes:
        locator: how the first wrong step of an attempt is found.
        otherwise: the locator that is used if the first finds none.
        attempts: maximal number of failed attempts per problem; those with steps come first.
        diag, repair, new: the share of the examples of each kind that is kept.
        continuations, temperature, max_tokens: how the rollout locator samples from each beginning.
        drop: the drop in the number of right continuations that the rollout locator takes for the error.
    """

    locator: LocatorName = "arithmetic"
    otherwise: Literal["none", "rollout", "teacher"] = "teacher"
    attempts: int = Field(default=1, ge=1)
    diag: float = Field(default=0.5, ge=0, le=1)
    repair: float = Field(default=1.0, ge=0, le=1)
    new: float = Field(default=1.0, ge=0, le=1)
    continuations: int = Field(default=8, ge=1)
    drop: float = Field(default=0.5, gt=0, le=1)
    temperature: float = Field(default=1.0, gt=0)
    max_tokens: int = Field(default=80, ge=1, le=MAX_TOKENS)


@stage(
    "critique",
    CritiqueParams,
    {"model": "one", "problems": "one", "failures": "many", "earlier": "optional"},
    random=True,
    uses_engine=True,
    version=7,
)
def critique_stage(context: StageContext, params: CritiqueParams) -> None:
    """Writes the recycled traces, including those of `earlier`, the previous round's critique.

    `critiques.parquet` holds every critique of this round and its sources.
    """
    pool = problems_by_id(context.input("problems"))
    failures = collect_failures(context.folders("failures"))
    cases = [(pool[i], text) for i, texts in failures.items() for text in preferred(texts)[: params.attempts]]
    problems, attempts = [problem for problem, _ in cases], [text for _, text in cases]
    teacher = params.open(context.engine)
    wrong = locate(problems, attempts, params, teacher, context)
    critiques = criticise(problems, attempts, wrong, teacher)
    examples = [row for p, critique in zip(problems, critiques, strict=True) for row in traces(p, critique)]
    rows = balance(examples, params, Random(context.seed))
    earlier = TRACES.read(context.input("earlier")) if context.inputs.get("earlier") else []
    together = without_duplicates([*earlier, *rows])
    CRITIQUES.write(context.folder, critiques)
    TRACES.write(context.folder, together)
    context.cost += teacher_cost(teacher, context.model("model"), [row["completion"] for row in rows])
    failed_in_rl = collect_failures([f for f in context.folders("failures") if (f / FAILURES).is_file()])
    context.stats |= {
        "failed_problems": len(failures),
        "failed_in_a_probe_only": len(failures.keys() - failed_in_rl.keys()),
        "attempts": len(cases),
        "traces": counted(row["source"] for row in together),
        "from_earlier_rounds": len(earlier),
        **critique_statistics(rows, critiques, wrong),
    }
    teacher.close()


def critique_statistics(
    rows: Sequence[Trace], critiques: Sequence[Critique], wrong: Sequence[WrongStep | None]
) -> dict[str, Any]:
    """This round's statistics; `from_worked` counts the traces that are a worked solution or the end of one."""
    worked = {critique["problem_id"] for critique in critiques if critique["worked"]}
    from_worked = [r for r in rows if r["source"] == "repair" or (r["source"] == "new" and r["problem_id"] in worked)]
    return {
        "located_by": counted(step.found_by if step else "nobody" for step in wrong),
        "diagnoses_confirmed": sum(c["confirmed"] for c in critiques),
        "diagnoses_dropped": sum(c["wrong_step"] is not None and not c["confirmed"] for c in critiques),
        "repairs_made": sum(c["repair"] is not None for c in critiques),
        "new_made": sum(c["new"] is not None for c in critiques),
        "from_worked": len(from_worked),
        "worked_problems": len({row["problem_id"] for row in from_worked}),
        "refused": refusals(fault for c in critiques for fault in (c["repair_fault"], c["new_fault"])),
    }


def without_duplicates(rows: Sequence[Trace]) -> list[Trace]:
    """The examples without duplicates, in their order."""
    return list({(row["prompt"], row["prefix"], row["completion"]): row for row in rows}.values())


def collect_failures(folders: Sequence[Path]) -> dict[str, list[str]]:
    """Distinct attempts of every problem with an all-zero group, from RL runs and (ours) from probes.

    The attempts of later folders come first, because they are from the most recent student.
    """
    failures: dict[str, dict[str, None]] = {}  # problem → its attempts, an ordered set
    for folder in reversed(folders):
        rows: Sequence[Failure | Rollout]
        if (folder / FAILURES).is_file():
            rows = FAILURES.read(folder)
        else:
            groups = rollouts_by_problem(folder).values()
            rows = [row for group in groups if not any(r["strict"] for r in group) for row in group]
        for row in rows:
            failures.setdefault(row["problem_id"], {})[row["completion"]] = None
    return {problem_id: list(attempts) for problem_id, attempts in failures.items()}


def preferred(attempts: Sequence[str]) -> list[str]:
    """The attempts, those with steps first: in a bare answer there is nothing to locate."""
    return sorted(attempts, key=lambda text: not split_steps(text))


def locate(
    problems: Sequence[Problem],
    attempts: Sequence[str],
    params: CritiqueParams,
    teacher: Teacher,
    context: StageContext,
) -> list[WrongStep | None]:
    """The first wrong step of each attempt, from the first locator, or from the second where the first finds none."""
    wrong: list[WrongStep | None] = [None] * len(attempts)
    for name in (params.locator, params.otherwise):
        missing = [i for i, step in enumerate(wrong) if step is None]
        if name == "none" or not missing:
            break
        locator = _locator(name, params, teacher, context)
        steps = locator.locate([problems[i] for i in missing], [attempts[i] for i in missing])
        for i, step in zip(missing, steps, strict=True):
            wrong[i] = step
        if isinstance(locator, RolloutLocator):
            context.cost += locator.cost
            locator.close()
    return wrong


def _locator(name: LocatorName, params: CritiqueParams, teacher: Teacher, context: StageContext) -> Locator:
    if name == "arithmetic":
        return ArithmeticLocator()
    if name == "teacher":
        return TeacherLocator(teacher)
    sampling = Sampling(params.temperature, params.max_tokens, context.seed)
    engine = open_engine(context.model("model"), context.engine)
    return RolloutLocator(engine, params.continuations, params.drop, sampling, context.progress)


def criticise(
    problems: Sequence[Problem], attempts: Sequence[str], wrong: Sequence[WrongStep | None], teacher: Teacher
) -> list[Critique]:
    """One row per attempt: the wrong step and the sources of each kind of supervision, or None.

    Repairs and new traces are sound. A diagnosis is confirmed if the teacher names the same step. If the teacher
    cannot tell, it is confirmed if the step's equation is false or the beginning before it can be repaired.
    """
    by_teacher, known = teacher.first_wrong(problems, attempts), known_steps(teacher, problems)
    # If the teacher sees an earlier error, the beginning before the located step may itself be wrong.
    starts = [
        beginning(text, step.index if named is None else min(step.index, named)) if step else None
        for text, step, named in zip(attempts, wrong, by_teacher, strict=True)
    ]
    rests = _continuations(problems, starts, teacher)
    repairs = [
        _check(start + rest if start and rest else None, problem, steps)
        for start, rest, problem, steps in zip(starts, rests, problems, known, strict=True)
    ]
    fresh = _fresh(problems, teacher, known)
    columns = zip(problems, attempts, wrong, by_teacher, starts, rests, repairs, fresh, strict=True)
    return [
        _critique(problem, attempt, step, named, start or "", rest, repair, new)
        for problem, attempt, step, named, start, rest, repair, new in columns
    ]


class _Target(NamedTuple):
    """A text to be learnt, None if it has a `fault` or there is none; `worked`: it is a worked solution."""

    text: str | None
    fault: Fault | None
    worked: bool = False


def _continuations(problems: Sequence[Problem], starts: Sequence[str | None], teacher: Teacher) -> list[str | None]:
    """The teacher's continuation of each beginning that is not None."""
    cases = [(i, start) for i, start in enumerate(starts) if start is not None]
    answers = teacher.continuations([problems[i] for i, _ in cases], [start for _, start in cases])
    rests = {
        i: following(start, answer, teacher.separator)
        for (i, start), answer in zip(cases, answers, strict=True)
        if answer is not None
    }
    return [rests.get(i) for i in range(len(starts))]


def _fresh(problems: Sequence[Problem], teacher: Teacher, known: Sequence[Steps]) -> list[_Target]:
    """The teacher's worked solution of each problem, or its raw trace if that solution is not sound."""
    worked = worked_traces(teacher, problems)
    fresh = [_check(text, problem, steps, True) for text, problem, steps in zip(worked, problems, known, strict=True)]
    missing = [i for i, new in enumerate(fresh) if new.text is None]
    if missing:
        raw = teacher.raw_traces([problems[i] for i in missing])
        for i, text in zip(missing, raw, strict=True):
            fresh[i] = _check(text, problems[i], known[i])
    return fresh


def _check(text: str | None, problem: Problem, known: Steps, worked: bool = False) -> _Target:
    fault = fault_of(text, problem, known) if text else None
    return _Target(None if fault else text, fault, worked)


def _critique(
    problem: Problem,
    attempt: str,
    wrong: WrongStep | None,
    by_teacher: int | None,
    start: str,
    rest: str | None,
    repaired: _Target,
    new: _Target,
) -> Critique:
    """One row; `by_teacher` is the step that the teacher names, `repaired` is `start` and its continuation `rest`."""
    repair = rest if repaired.text else None
    steps = split_steps(attempt)
    right, confirmed = "", False
    if wrong is not None:
        right = _right(wrong, rest, problem)
        confirmed = wrong.index == by_teacher if by_teacher is not None else bool(wrong.right or repair)
    return {
        "problem_id": problem["id"],
        "problem": problem["problem"],
        "attempt": attempt.strip(),
        "wrong_step": wrong.index if wrong else None,
        "found_by": wrong.found_by if wrong else None,
        "step_text": steps[wrong.index] if wrong and wrong.index < len(steps) else "",
        "right": right,
        "confirmed": confirmed,
        "diagnosis": _diagnosis(wrong, right) if wrong and confirmed else None,
        "repair_prefix": start if repair else "",
        "repair": repair,
        "repair_fault": repaired.fault,
        "new": new.text,
        "new_fault": new.fault,
        "worked": new.worked and new.text is not None,
    }


def _right(wrong: WrongStep, rest: str | None, problem: Problem) -> str:
    """What the wrong step should be: its own sum corrected, if the teacher's continuation reaches that value.

    Otherwise the first step of that continuation, or the closing answer if it has no steps.
    """
    steps = split_steps(rest or "")
    values = {value for step in steps for value in conclusions(step)}
    if rest is None or (wrong.right and values & set(conclusions(wrong.right))):
        return wrong.right
    return steps[0].rstrip(".") if steps else strict_form(problem["gold"], problem["kind"])


def _diagnosis(wrong: WrongStep, right: str) -> str:
    """The text to be learnt: the number of the first wrong step, what it says and what it should be."""
    number = wrong.index + 1
    if not right:
        return f"Step {number} is wrong: {wrong.says or 'the answer'} should not be."
    if not wrong.says:
        return f"Step {number} is wrong: it should be {right}."
    return f"Step {number} is wrong: {wrong.says} should be {right}."


def traces(problem: Problem, critique: Critique) -> list[Trace]:
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


def balance(rows: Sequence[Trace], params: CritiqueParams, rng: Random) -> list[Trace]:
    """Keeps a random share of each kind, without duplicates."""
    unique, sample = without_duplicates(rows), list[Trace]()
    for kind, share in (("diag", params.diag), ("repair", params.repair), ("new", params.new)):
        of_kind = [row for row in unique if row["source"] == kind]
        sample += rng.sample(of_kind, round(share * len(of_kind)))
    return sample
