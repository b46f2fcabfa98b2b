"""Rationalization (STaR, 2203.14465): the student retries failed problems with the answer given as a hint.

A completion that then reaches the answer without a false equation becomes a trace of the problem without the hint.
"""

from __future__ import annotations

from pydantic import Field

from slmr.config import MAX_TOKENS, Params
from slmr.curriculum.continuations import sample_continuations
from slmr.curriculum.schema import TRACES, Problem, problems_by_id, rollouts_by_problem, trace
from slmr.curriculum.soundness import fault_of, refusals
from slmr.engines import Sampling, open_engine
from slmr.stage import StageContext, stage


class RationalizeParams(Params):
    """`tries`: completions per problem with the hint; the first sound one is taken."""

    tries: int = Field(default=1, ge=1)
    temperature: float = Field(default=1.0, ge=0)
    max_tokens: int = Field(default=80, ge=1, le=MAX_TOKENS)


@stage(
    "rationalize",
    RationalizeParams,
    {"model": "one", "probe": "one", "problems": "one"},
    random=True,
    uses_engine=True,
    version=2,
)
def rationalize_stage(context: StageContext, params: RationalizeParams) -> None:
    """Writes a trace for each failed problem that the student solves with the hint."""
    problems = problems_by_id(context.input("problems"))
    rollouts = rollouts_by_problem(context.input("probe"))
    failed = [problems[name] for name, group in rollouts.items() if not any(r["strict"] for r in group)]
    engine = open_engine(context.sampled_model("model"), context.engine)
    sampling = Sampling(params.temperature, params.max_tokens, context.seed)
    completions, cost = sample_continuations(
        engine, [(with_hint(problem), "") for problem in failed], params.tries, sampling, context.progress
    )
    faults = [
        [fault_of(text.strip(), problem) for text in texts] for problem, texts in zip(failed, completions, strict=True)
    ]
    rows = [
        trace(problem, texts[of_problem.index(None)].strip(), "rationalized")
        for problem, texts, of_problem in zip(failed, completions, faults, strict=True)
        if None in of_problem
    ]
    TRACES.write(context.folder, rows)
    context.cost += cost
    refused = refusals(fault for of_problem in faults for fault in of_problem)
    context.stats |= {"failed_problems": len(failed), "traces": len(rows), "refused": refused}


def with_hint(problem: Problem) -> Problem:
    """The problem with its answer added to the prompt."""
    return {**problem, "prompt": f"{problem['prompt']}\nThe answer is {problem['gold']}."}
