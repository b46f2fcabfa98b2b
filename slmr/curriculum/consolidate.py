"""The RL set: the problems that the SFT-primed student solves sometimes."""

from __future__ import annotations

from random import Random

from slmr.config import Params
from slmr.curriculum.schema import (
    OUTCOMES,
    PROBLEMS,
    GroupOutcome,
    ProblemOutcome,
    counted,
    problems_by_id,
    rollouts_by_problem,
    tally,
)
from slmr.stage import StageContext, stage


class ConsolidateParams(Params):
    """Which problems RL trains on.

    Attributes:
        drop_all_correct: leave out groups in which every completion is right; they carry no gradient (ours).
        shuffle: take as many problems at random from the pool: the control of the selection (ours).
    """

    drop_all_correct: bool = True
    shuffle: bool = False


@stage("consolidate", ConsolidateParams, {"probe": "one", "problems": "one"}, random=True, version=2)
def consolidate_stage(context: StageContext, params: ConsolidateParams) -> None:
    """Writes the problems for RL, and every problem's outcome with the primed student."""
    problems = problems_by_id(context.input("problems"))
    counts = {name: tally(group) for name, group in rollouts_by_problem(context.input("probe")).items()}
    useful_outcomes = {"mixed"} if params.drop_all_correct else {"mixed", "all right"}
    selection = {name for name, count in counts.items() if outcome_of(*count) in useful_outcomes}
    if params.shuffle:
        selection = set(Random(context.seed).sample(list(problems), len(selection)))
    outcomes: list[ProblemOutcome] = [
        {
            "problem_id": name,
            "correct": correct,
            "k": k,
            "outcome": outcome_of(correct, k),
            "kept": name in selection,
        }
        for name, (correct, k) in counts.items()
    ]
    PROBLEMS.write(context.folder, [problem for name, problem in problems.items() if name in selection])
    OUTCOMES.write(context.folder, outcomes)
    context.stats |= {"problems": len(selection), "groups": counted(row["outcome"] for row in outcomes)}


def outcome_of(correct: int, k: int) -> GroupOutcome:
    """The outcome of a group in which `correct` of the `k` completions with a verdict are right."""
    if k == 0:
        return "no verdict"
    return "all wrong" if correct == 0 else "all right" if correct == k else "mixed"
