"""Critiques that solve the problem again: the data of Critique Fine-Tuning (2501.17703).

From the paper: the student reads a problem with an attempt, right or wrong, and learns a stronger model's critique of
it, which works through the problem and concludes whether the attempt is right; no part of the attempt is a target.
Ours: the attempts are the student's own; the critique is the teacher's trace, names the wrong step, and closes with the
answer in the requested form, so that every target can be verified; the wording. Targets that state a false equation
are dropped, and so are right attempts that state one.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from slmr.curriculum.schema import (
    TRACES,
    Problem,
    Trace,
    counted,
    distinct_texts,
    problems_by_id,
    rollouts_by_problem,
    trace,
)
from slmr.curriculum.soundness import fault_of, known_steps
from slmr.curriculum.teachers import (
    Teacher,
    TeacherSettings,
    teacher_cost,
    teacher_counts,
    worked_traces,
)
from slmr.stage import StageContext, stage
from slmr.tasks import strict_form
from slmr.verify.trace_steps import split_steps

_ASK = "{problem}\nAttempt: {attempt}\nSolve the problem. Is the attempt right?\nCritique:\n"


class FullCritiqueParams(TeacherSettings):
    """Which attempts are criticised, and with which solution.

    Attributes:
        attempts: maximal number of right attempts, and of wrong attempts, per problem.
        worked: use the fully worked solution instead of the raw trace.
    """

    attempts: int = Field(default=1, ge=1)
    worked: bool = False


@stage(
    "full_critique",
    FullCritiqueParams,
    {"model": "one", "problems": "one", "probe": "one"},
    random=False,
    version=2,
)
def full_critique_stage(context: StageContext, params: FullCritiqueParams) -> None:
    """Writes a critique of each chosen attempt as a trace; unsound ones are left out and counted."""
    pool = problems_by_id(context.input("problems"))
    problems, attempts, right = list[Problem](), list[str](), list[bool]()
    for name, group in rollouts_by_problem(context.input("probe")).items():
        for strict in (True, False):
            chosen = distinct_texts(group, strict)[: params.attempts]
            problems += [pool[name]] * len(chosen)
            attempts += chosen
            right += [strict] * len(chosen)
    teacher = params.open(context.engine)
    solutions = worked_traces(teacher, problems) if params.worked else teacher.raw_traces(problems)
    rows = critiques(teacher, problems, attempts, right, solutions)
    TRACES.write(context.folder, rows)
    context.cost += teacher_cost(teacher, context.model("model"), [row["completion"] for row in rows])
    context.stats |= {
        "traces": counted(row["source"] for row in rows),
        "left_out": len(attempts) - len(rows),
        **teacher_counts(teacher),
    }
    teacher.close()


def critiques(
    teacher: Teacher,
    problems: Sequence[Problem],
    attempts: Sequence[str],
    right: Sequence[bool],
    solutions: Sequence[str | None],
) -> list[Trace]:
    """The critique of each attempt whose problem has a sound solution; `right` says which attempts are right."""
    first_wrong, known = teacher.first_wrong(problems, attempts), known_steps(teacher, problems)
    rows = []
    columns = zip(problems, attempts, right, solutions, first_wrong, known, strict=True)
    for problem, attempt, is_right, solution, index, only in columns:
        # An attempt with a false equation must not be called right, even if its answer is.
        if not solution or fault_of(solution, problem, only) or (is_right and fault_of(attempt, problem)):
            continue
        steps = split_steps(solution)
        closing = strict_form(problem["gold"], problem["kind"])
        text = teacher.separator.join([*steps, _conclusion(attempt, is_right, index), closing])
        if fault_of(text, problem) is None:
            ask = _ASK.format(problem=problem["problem"], attempt=attempt)
            rows.append(trace(problem, text, "right" if is_right else "wrong", prompt=ask))
    return rows


def _conclusion(attempt: str, right: bool, index: int | None) -> str:
    """The critique's conclusion; `index` is the attempt's first wrong step according to the teacher."""
    if right:
        return "The attempt is right."
    if index is None or index >= len(split_steps(attempt)):
        return "The attempt is wrong."
    return f"Step {index + 1} of the attempt is wrong."
