"""Samples the student's completions of given beginnings, all in one call."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from slmr.artifacts import Cost
from slmr.curriculum.schema import Problem
from slmr.engines import Engine, Prompt, Sampling
from slmr.stage import Progress


def sample_continuations(
    engine: Engine,
    starts: Sequence[tuple[Problem, str]],
    n: int,
    sampling: Sampling,
    progress: Progress | None = None,
) -> tuple[list[list[str]], Cost]:
    """Samples `n` texts, including the beginning, for each (problem, beginning); also returns the sampling's cost."""
    prompts = [Prompt(problem["prompt"], start, sample_index=k) for problem, start in starts for k in range(n)]
    if not prompts:
        return [], Cost()
    done = count(1)
    completions = engine.generate(
        prompts, sampling, lambda *_: progress(next(done), len(prompts), "rollouts") if progress else None
    )
    texts = [prompt.prefix + completion.text for prompt, completion in zip(prompts, completions, strict=True)]
    tokens = sum(completion.tokens for completion in completions)
    return [texts[i : i + n] for i in range(0, len(texts), n)], Cost.of_model(engine.parameters, sampled=tokens)
