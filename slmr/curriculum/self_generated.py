"""The student's own completions as data: right ones as traces, right beside wrong ones as preferences."""

from __future__ import annotations

from random import Random

from pydantic import Field

from slmr.config import Params
from slmr.curriculum.schema import PAIRS, TRACES, Row, problems_by_id, rollouts_by_problem, trace
from slmr.io import write_rows
from slmr.stage import StageContext, stage


class OwnCorrectParams(Params):
    """Rejection sampling (RFT, 2308.01825): distinct own correct completions, at most so many a problem."""

    per_problem: int = Field(default=4, ge=1)


@stage("own_correct", OwnCorrectParams, {"probe": "one", "problems": "one"}, random=False)
def own_correct_stage(context: StageContext, params: OwnCorrectParams) -> None:
    """Writes the student's own verified completions as traces."""
    problems = problems_by_id(context.input("problems"))
    rows = []
    for problem_id, rollouts in rollouts_by_problem(context.input("probe")).items():
        distinct = _distinct(rollouts, right=True)
        rows += [trace(problems[problem_id], text, "own") for text in distinct[: params.per_problem]]
    write_rows(context.folder / TRACES, rows)
    context.stats |= {"traces": len(rows), "problems": len({row["problem_id"] for row in rows})}


class OwnPairsParams(Params):
    """At most so many pairs of a right and a wrong own completion a problem, drawn by the seed."""

    per_problem: int = Field(default=2, ge=1)


@stage("own_pairs", OwnPairsParams, {"probe": "one", "problems": "one"}, random=True)
def own_pairs_stage(context: StageContext, params: OwnPairsParams) -> None:
    """Writes pairs of the student's own completions, no text in two pairs of a problem."""
    problems = problems_by_id(context.input("problems"))
    rng = Random(context.seed)
    rows: list[Row] = []
    for problem_id, rollouts in rollouts_by_problem(context.input("probe")).items():
        right, wrong = _distinct(rollouts, right=True), _distinct(rollouts, right=False)
        count = min(params.per_problem, len(right), len(wrong))
        rows += [
            {"problem_id": problem_id, "prompt": problems[problem_id]["prompt"], "chosen": chosen, "rejected": rejected}
            for chosen, rejected in zip(rng.sample(right, count), rng.sample(wrong, count), strict=True)
        ]  # fmt: skip
    write_rows(context.folder / PAIRS, rows)
    context.stats |= {"pairs": len(rows), "problems": len({row["problem_id"] for row in rows})}


def _distinct(rollouts: list[Row], right: bool) -> list[str]:
    """The texts of the right completions, or of the wrong ones, without repeats; an abstention is neither."""
    wanted = [r for r in rollouts if (r["strict"] if right else r["status"] in ("wrong", "no_answer"))]
    return [text for text in dict.fromkeys(r["completion"].strip() for r in wanted) if text]
