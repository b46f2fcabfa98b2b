"""The student's self-generated completions as data: right ones as traces, right beside wrong ones as preferences."""

from __future__ import annotations

from random import Random

from pydantic import Field

from slmr.config import Params
from slmr.curriculum.schema import PAIRS, TRACES, Pair, Rollout, problems_by_id, rollouts_by_problem, trace
from slmr.stage import StageContext, stage


class SelfGeneratedTracesParams(Params):
    """Rejection sampling (RFT, 2308.01825): distinct correct completions, at most so many a problem."""

    per_problem: int = Field(default=4, ge=1)


@stage("own_correct", SelfGeneratedTracesParams, {"probe": "one", "problems": "one"}, random=False)
def self_generated_traces_stage(context: StageContext, params: SelfGeneratedTracesParams) -> None:
    """Writes the student's verified completions as traces."""
    problems = problems_by_id(context.input("problems"))
    rows = [
        trace(problems[problem_id], text, "own")
        for problem_id, rollouts in rollouts_by_problem(context.input("probe")).items()
        for text in _distinct(rollouts, right=True)[: params.per_problem]
    ]
    TRACES.write(context.folder, rows)
    context.stats |= {"traces": len(rows), "problems": len({row["problem_id"] for row in rows})}


class SelfGeneratedPairsParams(Params):
    """At most so many pairs of a right and a wrong completion a problem, chosen by the seed."""

    per_problem: int = Field(default=2, ge=1)


@stage("own_pairs", SelfGeneratedPairsParams, {"probe": "one", "problems": "one"}, random=True)
def self_generated_pairs_stage(context: StageContext, params: SelfGeneratedPairsParams) -> None:
    """Writes pairs of the student's completions, no text in two pairs of a problem."""
    problems = problems_by_id(context.input("problems"))
    rng = Random(context.seed)
    rows: list[Pair] = []
    for problem_id, rollouts in rollouts_by_problem(context.input("probe")).items():
        right, wrong = _distinct(rollouts, right=True), _distinct(rollouts, right=False)
        count = min(params.per_problem, len(right), len(wrong))
        rows += [
            Pair(
                problem_id=problem_id, prompt=problems[problem_id]["prompt"], chosen=chosen, rejected=rejected
            )
            for chosen, rejected in zip(rng.sample(right, count), rng.sample(wrong, count), strict=True)
        ]
    PAIRS.write(context.folder, rows)
    context.stats |= {"pairs": len(rows), "problems": len({row["problem_id"] for row in rows})}


def _distinct(rollouts: list[Rollout], right: bool) -> list[str]:
    """The texts of the right completions, or of the wrong ones, without repeats; an abstention is neither."""
    wanted = [r for r in rollouts if (r["strict"] if right else r["status"] in ("wrong", "no_answer"))]
    return [text for text in dict.fromkeys(r["completion"].strip() for r in wanted) if text]
