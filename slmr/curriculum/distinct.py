"""Distinct reasoning paths (RFT, 2308.01825): keeps one of a problem's traces with the same equations.

From the paper: two paths are the same if they have the same equations in the same order, whatever their wording. Ours:
the first of them is kept, and steps are compared if a path states no equation.
"""

from __future__ import annotations

from slmr.config import Params
from slmr.curriculum.schema import TRACES
from slmr.stage import StageContext, stage
from slmr.verify.trace_steps import equations, split_steps


@stage("distinct", Params, {"traces": "many"}, random=False)
def distinct_stage(context: StageContext, params: Params) -> None:
    """Writes the traces of all inputs, one per problem and reasoning path, in their order."""
    rows = [row for folder in context.folders("traces") for row in TRACES.read(folder)]
    first = {(row["problem_id"], reasoning_path(row["prefix"] + row["completion"])): row for row in reversed(rows)}
    traces = list(reversed(first.values()))
    TRACES.write(context.folder, traces)
    context.stats |= {"traces": len(traces), "repeats": len(rows) - len(traces)}


def reasoning_path(text: str) -> tuple[str, ...]:
    """The equations of a trace in their order, without spaces; its steps if it has none."""
    steps = split_steps(text)
    stated = [f"{left} = {right}" for step in steps for left, right in equations(step)]
    return tuple("".join(part.split()) for part in stated or steps)
