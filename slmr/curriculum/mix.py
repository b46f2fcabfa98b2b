"""Combining traces: Mix Distillation, and the control of critique, which repeats the same traces."""

from __future__ import annotations

from random import Random

from pydantic import Field

from slmr.config import Params
from slmr.curriculum.schema import TRACES, Trace
from slmr.stage import StageContext, stage


class MixParams(Params):
    """Mix Distillation (2502.12143): strong and easy traces in a fixed ratio.

    `strong_share` of the problems get the strong teacher's trace; 0.2 is the paper's ratio.
    """

    strong_share: float = Field(default=0.2, ge=0, le=1)


@stage("mix", MixParams, {"strong": "one", "easy": "one"}, random=True)
def mix_stage(context: StageContext, params: MixParams) -> None:
    """Writes one trace per problem; if one teacher has none, the other's."""
    strong, easy = (
        {trace["problem_id"]: trace for trace in TRACES.read(context.input(name))} for name in ("strong", "easy")
    )
    names = list(strong | easy)
    preferred = set(Random(context.seed).sample(names, round(params.strong_share * len(names))))
    from_strong = {name for name in names if name in strong and (name in preferred or name not in easy)}
    rows = [strong[name] if name in from_strong else easy[name] for name in names]
    TRACES.write(context.folder, rows)
    context.stats |= {"traces": len(rows), "strong": len(from_strong), "easy": len(rows) - len(from_strong)}


@stage("more", Params, {"like": "one", "traces": "many"}, random=True)
def more_stage(context: StageContext, params: Params) -> None:
    """Writes as many traces as `like` has, drawn from `traces`: each is used once before any is repeated."""
    rng, rows = Random(context.seed), list[Trace]()
    pool = [row for folder in context.folders("traces") for row in TRACES.read(folder)]
    count = len(TRACES.read(context.input("like")))
    while pool and len(rows) < count:
        rows += rng.sample(pool, min(len(pool), count - len(rows)))
    TRACES.write(context.folder, rows)
    context.stats |= {"traces": len(rows), "drawn_from": len(pool)}
