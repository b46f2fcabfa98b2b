"""The student's own right completions as traces, for rejection sampling."""

from __future__ import annotations

from pydantic import Field

from slmr.stage import Params, StageContext, stage
from slmr.stagewise.data import TRACES, problems_by_id, rollouts_by_problem, trace
from slmr.store import write_rows


class OwnCorrectParams(Params):
    """Rejection sampling (RFT, 2308.01825): distinct own correct completions, at most so many a problem."""

    per_problem: int = Field(default=4, ge=1)


@stage("own_correct", OwnCorrectParams, {"probe": "one", "problems": "one"}, random=False)
def own_correct_stage(context: StageContext, params: OwnCorrectParams) -> None:
    """Writes the student's own verified completions as traces."""
    problems = problems_by_id(context.input("problems"))
    rows = []
    for problem_id, rollouts in rollouts_by_problem(context.input("probe")).items():
        distinct = list(dict.fromkeys(r["completion"].strip() for r in rollouts if r["strict"]))
        rows += [trace(problems[problem_id], text, "own") for text in distinct[: params.per_problem]]
    write_rows(context.folder / TRACES, rows)
    context.stats |= {"traces": len(rows), "problems": len({row["problem_id"] for row in rows})}
