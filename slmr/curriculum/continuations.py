"""What the student makes of a beginning: continuations of many, drawn in one call."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from slmr.artifacts import Cost
from slmr.curriculum.schema import Row
from slmr.engines import Engine, Prompt, Sampling
from slmr.stage import Progress


def continued(
    engine: Engine,
    starts: Sequence[tuple[Row, str]],
    n: int,
    sampling: Sampling,
    progress: Progress | None = None,
) -> tuple[list[list[str]], Cost]:
    """For each (problem, beginning) `n` whole texts, the beginning included; and what drawing them cost."""
    prompts = [Prompt(problem["prompt"], start, draw=k) for problem, start in starts for k in range(n)]
    if not prompts:
        return [], Cost()
    heard = count(1)
    done = engine.generate(
        prompts, sampling, lambda *_: progress(next(heard), len(prompts), "rollouts") if progress else None
    )
    tokens = sum(completion.tokens for completion in done)
    texts = [
        [start + completion.text for completion in done[i * n : (i + 1) * n]]
        for i, (_, start) in enumerate(starts)
    ]
    return texts, Cost(rollout_tokens=tokens, flops=2.0 * engine.parameters * tokens)
