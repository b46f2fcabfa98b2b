"""The RL set: the problems that the SFT-primed student can partly do."""

from __future__ import annotations

from random import Random
from typing import Literal

from slmr.config import Params
from slmr.curriculum.schema import (
    OUTCOMES,
    PROBLEMS,
    counted,
    problems_by_id,
    rollouts_by_problem,
    tally,
)
from slmr.io import write_rows
from slmr.stage import StageContext, stage

Outcome = Literal["all wrong", "mixed", "all right", "no verdict"]


class ConsolidateParams(Params):
    """`drop_all_correct`: leave out groups that are right throughout; they carry no gradient (ours).

    `shuffle`: as many problems, but drawn from the pool at random: the control of the selection (ours).
    """

    drop_all_correct: bool = True
    shuffle: bool = False


@stage("consolidate", ConsolidateParams, {"probe": "one", "problems": "one"}, random=True, version=2)
def consolidate_stage(context: StageContext, params: ConsolidateParams) -> None:
    """Writes the problems whose group, sampled by the primed student, is not all wrong; and every outcome."""
    problems = problems_by_id(context.input("problems"))
    rows = []
    for problem_id, rollouts in rollouts_by_problem(context.input("probe")).items():
        correct, k = tally(rollouts)
        rows.append({"problem_id": problem_id, "correct": correct, "k": k, "outcome": outcome_of(correct, k)})
    wanted = {"mixed"} if params.drop_all_correct else {"mixed", "all right"}
    kept = {row["problem_id"] for row in rows if row["outcome"] in wanted}
    if params.shuffle:
        kept = set(Random(context.seed).sample(list(problems), len(kept)))
    write_rows(context.folder / PROBLEMS, [row for name, row in problems.items() if name in kept])
    write_rows(context.folder / OUTCOMES, [row | {"kept": row["problem_id"] in kept} for row in rows])
    context.stats |= {"problems": len(kept), "groups": counted(rows, "outcome")}


def outcome_of(correct: int, k: int) -> Outcome:
    """What a group's rewards are, with `correct` of the `k` completions with a verdict right."""
    if k == 0:
        return "no verdict"
    return "all wrong" if correct == 0 else "all right" if correct == k else "mixed"
