"""The teacher's raw traces as a stage: the starting point of every method that imitates a teacher."""

from __future__ import annotations

from slmr.curriculum.partition import chosen_problems
from slmr.curriculum.schema import TRACES, Group, counted, trace
from slmr.curriculum.soundness import fault_of, known_steps, refusals
from slmr.curriculum.teachers import TeacherSettings, teacher_cost, teacher_counts, worked_traces
from slmr.stage import StageContext, stage


class TeacherParams(TeacherSettings):
    """Which traces to ask for.

    Attributes:
        groups: difficulty groups of the partition; empty for the whole pool.
        worked: ask for the fully worked solution instead of the raw trace.
    """

    groups: tuple[Group, ...] = ()
    worked: bool = False


@stage(
    "teacher",
    TeacherParams,
    {"problems": "one", "partition": "optional", "model": "one"},
    random=False,
    version=3,
)
def teacher_stage(context: StageContext, params: TeacherParams) -> None:
    """Writes the teacher's sound traces; the others are left out and counted."""
    problems = list(chosen_problems(context, params.groups).values())
    teacher = params.open(context.engine)
    texts = worked_traces(teacher, problems) if params.worked else teacher.raw_traces(problems)
    cases = list(zip(problems, texts, known_steps(teacher, problems), strict=True))
    faults = [fault_of(text, problem, known) if text else None for problem, text, known in cases]
    source = "worked" if params.worked else "raw"
    rows = [trace(p, t, source) for (p, t, _), fault in zip(cases, faults, strict=True) if t and not fault]
    TRACES.write(context.folder, rows)
    context.cost += teacher_cost(teacher, context.model("model"), [text for text in texts if text])
    context.stats |= {
        "traces": len(rows),
        "left_out": len(problems) - len(rows),
        "refused": refusals(faults),
        "difficulty": counted(p["difficulty"] for p in problems),
        **teacher_counts(teacher),
    }
    teacher.close()
