"""Rationalization (STaR, 2203.14465): what the student failed on it tries again with the answer given as a hint.

A completion that then ends in the answer becomes a trace of the problem without the hint.
"""

from __future__ import annotations

from itertools import count

from pydantic import Field

from slmr.artifacts import Cost
from slmr.config import Params
from slmr.curriculum.schema import TRACES, problems_by_id, rollouts_by_problem, trace, verifies
from slmr.engines import Prompt, Sampling, open_engine
from slmr.io import write_rows
from slmr.stage import StageContext, stage

_HINT = "{prompt}\nThe answer is {gold}."


class RationalizeParams(Params):
    """`tries`: completions with the hint a problem; the first that verifies is taken."""

    tries: int = Field(default=1, ge=1)
    temperature: float = Field(default=1.0, ge=0)
    max_tokens: int = Field(default=80, ge=1)


@stage(
    "rationalize", RationalizeParams, {"model": "one", "probe": "one", "problems": "one"}, random=True,
    uses_engine=True,
)  # fmt: skip
def rationalize_stage(context: StageContext, params: RationalizeParams) -> None:
    """Writes a trace for each problem without a right completion that the hint brings to its answer."""
    problems = problems_by_id(context.input("problems"))
    rollouts = rollouts_by_problem(context.input("probe"))
    failed = [problems[name] for name, group in rollouts.items() if not any(r["strict"] for r in group)]
    engine = open_engine(context.sampled_model("model"), context.engine)
    prompts = [Prompt(_HINT.format(**p), draw=k) for p in failed for k in range(params.tries)]
    heard = count(1)
    done = engine.generate(
        prompts, Sampling(params.temperature, params.max_tokens, context.seed),
        lambda *_: context.progress(next(heard), len(prompts), "rollouts"),
    )  # fmt: skip
    rows = []
    for i, problem in enumerate(failed):
        texts = [d.text.strip() for d in done[i * params.tries : (i + 1) * params.tries]]
        right = next((text for text in texts if verifies(text, problem)), None)
        if right is not None:
            rows.append(trace(problem, right, "rationalized"))
    write_rows(context.folder / TRACES, rows)
    tokens = sum(completion.tokens for completion in done)
    context.cost += Cost(rollout_tokens=tokens, flops=2.0 * engine.parameters * tokens)
    context.stats |= {"failed_problems": len(failed), "traces": len(rows)}
