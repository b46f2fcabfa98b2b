"""The teacher's raw traces as a stage: what every method that imitates a teacher starts from."""

from __future__ import annotations

from typing import Literal

from slmr.artifacts import Cost
from slmr.curriculum.schema import PROBLEMS, TRACES, Problem, Trace, counted, ids_in_groups, trace, verifies
from slmr.curriculum.teachers import TeacherSettings, teacher_counts, teacher_tokens, worked_traces
from slmr.errors import RequestError
from slmr.stage import StageContext, stage


class TeacherParams(TeacherSettings):
    """For which difficulty groups of the partition traces are wanted (none: the whole pool).

    `worked` asks for the fully worked solution instead of the raw trace.
    """

    groups: tuple[Literal["simple", "medium", "hard"], ...] = ()
    worked: bool = False


@stage(
    "teacher", TeacherParams, {"problems": "one", "partition": "optional", "model": "one"}, random=False,
    version=2,
)  # fmt: skip
def teacher_stage(context: StageContext, params: TeacherParams) -> None:
    """Writes the teacher's traces that verify; the others are left out and counted."""
    problems = PROBLEMS.read(context.input("problems"))
    if params.groups:
        if not context.inputs["partition"]:
            raise RequestError("stage teacher: groups are named but no partition is given")
        wanted = set(ids_in_groups(context.input("partition"), params.groups))
        problems = [problem for problem in problems if problem["id"] in wanted]
    teacher = params.open(context.engine)
    texts = worked_traces(teacher, problems) if params.worked else teacher.raw_traces(problems)
    rows = verified(problems, texts, "worked" if params.worked else "raw")
    TRACES.write(context.folder, rows)
    tokens = teacher_tokens(teacher, context.model("model"), [text for text in texts if text])
    context.cost += Cost(teacher_tokens=tokens)
    context.stats |= {"traces": len(rows), "left_out": len(problems) - len(rows),
                      "difficulty": counted(p["difficulty"] for p in problems), **teacher_counts(teacher)}  # fmt: skip
    teacher.close()


def verified(problems: list[Problem], texts: list[str | None], source: str) -> list[Trace]:
    """The traces that a checker accepts in the strict form."""
    return [
        trace(problem, text, source)
        for problem, text in zip(problems, texts, strict=True)
        if text and verifies(text, problem)
    ]
