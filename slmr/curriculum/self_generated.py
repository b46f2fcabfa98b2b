"""The student's own completions as data: right ones as traces, pairs of right and wrong ones as preferences.

Only sound completions are used (`slmr.curriculum.soundness`). No teacher is asked, so soundness is judged by their
equations.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from pydantic import Field

from slmr.config import Params
from slmr.curriculum.partition import chosen_problems
from slmr.curriculum.schema import (
    PAIRS,
    TRACES,
    Group,
    Pair,
    Rollout,
    distinct_texts,
    problems_by_id,
    rollouts_by_problem,
    trace,
)
from slmr.curriculum.soundness import fault_of_steps, refusals
from slmr.stage import StageContext, stage


class SelfGeneratedTracesParams(Params):
    """Rejection sampling (RFT, 2308.01825): distinct sound completions, at most `per_problem` per problem.

    Attributes:
        groups: the difficulty groups that they are taken from; empty for the whole pool.
        share: the share of the problems with a sound completion that is used, drawn by the seed.
    """

    per_problem: int = Field(default=4, ge=1)
    groups: tuple[Group, ...] = ()
    share: float = Field(default=1.0, ge=0, le=1)


@stage(
    "own_correct",
    SelfGeneratedTracesParams,
    {"probe": "one", "problems": "one", "partition": "optional"},
    random=True,
    version=2,
)
def self_generated_traces_stage(context: StageContext, params: SelfGeneratedTracesParams) -> None:
    """Writes the student's sound completions as traces.

    Raises:
        RequestError: groups are named, but no partition is given.
    """
    problems = chosen_problems(context, params.groups)
    refused, sound_texts = list[str](), dict[str, list[str]]()
    for name, rollouts in rollouts_by_problem(context.input("probe")).items():
        if name in problems and (texts := _sound(rollouts, refused)):
            sound_texts[name] = texts
    count = round(params.share * len(sound_texts))
    selection = set(Random(context.seed).sample(list(sound_texts), count))
    rows = [
        trace(problems[name], text, "own")
        for name, texts in sound_texts.items()
        if name in selection
        for text in texts[: params.per_problem]
    ]
    TRACES.write(context.folder, rows)
    context.stats |= {"traces": len(rows), "problems": count, "refused": refusals(refused)}


class SelfGeneratedPairsParams(Params):
    """At most `per_problem` pairs of a sound and a wrong completion per problem, chosen by the seed."""

    per_problem: int = Field(default=2, ge=1)


@stage("own_pairs", SelfGeneratedPairsParams, {"probe": "one", "problems": "one"}, random=True, version=2)
def self_generated_pairs_stage(context: StageContext, params: SelfGeneratedPairsParams) -> None:
    """Writes pairs of the student's completions; no text occurs in two pairs of a problem."""
    problems = problems_by_id(context.input("problems"))
    rng, refused = Random(context.seed), list[str]()
    rows: list[Pair] = []
    for problem_id, rollouts in rollouts_by_problem(context.input("probe")).items():
        right, wrong = _sound(rollouts, refused), distinct_texts(rollouts, right=False)
        count = min(params.per_problem, len(right), len(wrong))
        rows += [
            Pair(problem_id=problem_id, prompt=problems[problem_id]["prompt"], chosen=chosen, rejected=rejected)
            for chosen, rejected in zip(rng.sample(right, count), rng.sample(wrong, count), strict=True)
        ]
    PAIRS.write(context.folder, rows)
    context.stats |= {
        "pairs": len(rows),
        "problems": len({row["problem_id"] for row in rows}),
        "refused": refusals(refused),
    }


def _sound(rollouts: Sequence[Rollout], refused: list[str]) -> list[str]:
    """The distinct texts of the sound completions; appends the faults of other right ones to `refused`.

    The probe has already verified the answers.
    """
    texts = distinct_texts(rollouts, right=True)
    faults = [fault_of_steps(text) for text in texts]
    refused += [fault for fault in faults if fault]
    return [text for text, fault in zip(texts, faults, strict=True) if not fault]
