"""Probing the student on the pool: K completions per problem, or fewer once the problem's class is certain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

from pydantic import Field

from slmr.artifacts import Cost
from slmr.config import MAX_K, MAX_TOKENS
from slmr.curriculum.partition import GroupBounds
from slmr.curriculum.schema import PROBLEMS, ROLLOUTS, Problem, Rollout, counted
from slmr.curriculum.sequential import Classes, StoppingRule
from slmr.engines import Completion, Prompt, Sampling, open_engine
from slmr.evaluate.recorder import Question, Recorder
from slmr.rewards.noise import Noise, NoiseParams
from slmr.stage import StageContext, stage
from slmr.verify import verify
from slmr.verify.verdict import ABSTENTIONS

_UNIT = 1024  # completions per call to a local engine; a killed probe loses at most these


class ProbeParams(GroupBounds, NoiseParams):
    """K completions per problem from the current student. K is our choice; the paper's is unknown.

    Attributes:
        adaptive: stop sampling a problem once its class after all k completions is certain (ours; see
            `slmr.curriculum.sequential`). `difficulty`: hard, medium or simple, by the bounds, which must be
            those of the partition; `mixed`: all wrong, mixed or all right, as the consolidation set needs.
        stop_error: sampling stops if the class would still change with at most this probability; with 0 it
            stops only if the class cannot change.
        wave: completions per problem between two decisions on which problems to continue.
    """

    k: int = Field(default=8, ge=1, le=MAX_K)
    temperature: float = Field(default=1.0, gt=0)
    max_tokens: int = Field(default=80, ge=1, le=MAX_TOKENS)
    adaptive: Literal["off", "difficulty", "mixed"] = "off"
    stop_error: float = Field(default=0.0, ge=0, le=0.5)
    wave: int = Field(default=2, ge=1)

    def rule(self) -> StoppingRule | None:
        """When to stop early; None for never."""
        if self.adaptive == "off":
            return None
        return StoppingRule(Classes(self.adaptive, self.medium_from, self.simple_from), self.k, self.stop_error)


@stage("probe", ProbeParams, {"model": "one", "problems": "one"}, random=True, uses_engine=True, version=3)
def probe_stage(context: StageContext, params: ProbeParams) -> None:
    """Samples and verifies; writes the rollouts by problem and sample index.

    A completion's random state depends only on its prompt and sample index, so an adaptive probe samples a subset of
    the full probe. Which problems continue depends only on saved completions, so a killed probe can be resumed.
    """
    problems = PROBLEMS.read(context.input("problems"))
    engine = open_engine(context.sampled_model("model"), context.engine)
    rule, noise = params.rule(), params.noise(context.seed)
    sampling = Sampling(params.temperature, params.max_tokens, context.seed)
    recorder: Recorder[Rollout] = Recorder(context.folder, context.progress, "rollouts")
    rows: list[Rollout] = []
    tally, going_on, changes = Tally(problems), list(range(len(problems))), 0.0
    step = params.wave if rule else params.k
    for start in range(0, params.k, step):
        indices = range(start, min(start + step, params.k))
        recorder.add(_question(problems[i], k, sampling, f"wave {start}", noise) for i in going_on for k in indices)
        most = len(rows) + len(going_on) * (params.k - start)
        recorder.record(engine, 1 if engine.unit == 1 else _UNIT, most)
        wave = recorder.rows(len(rows))
        rows += wave
        tally.add(wave)
        if rule and going_on:
            going_on, expected = tally.unsettled(rule, going_on, indices.stop)
            changes += expected
    rows.sort(key=lambda row: (tally.index[row["problem_id"]], row["k_index"]))
    ROLLOUTS.write(context.folder, rows)
    recorder.clear()
    context.cost += Cost.of_model(engine.parameters, sampled=sum(row["tokens"] for row in rows))
    context.stats |= _stats(rows, len(problems) * params.k)
    if rule:
        context.stats["expected_error"] = changes / max(len(problems), 1)


def _question(problem: Problem, k_index: int, sampling: Sampling, group: str, noise: Noise) -> Question[Rollout]:
    prompt = Prompt(problem["prompt"], sample_index=k_index)
    return Question(prompt, sampling, group, partial(_rollout, problem, k_index, noise))


def _rollout(problem: Problem, k_index: int, noise: Noise, completion: Completion) -> Rollout:
    text, gold = completion.text, problem["gold"]
    (verdict,) = noise.flip([verify(text, gold, problem["kind"])], [text], [gold])
    return {
        "problem_id": problem["id"],
        "k_index": k_index,
        "completion": completion.text,
        "finish_reason": completion.finish_reason,
        "tokens": completion.tokens,
        "status": verdict.status,
        "strict": verdict.strict,
    }


def _stats(rows: Sequence[Rollout], most: int) -> dict[str, Any]:
    spent = Counter(Counter(row["problem_id"] for row in rows).values())
    return {
        "rollouts": len(rows),
        "asked_at_most": most,
        "saved": 1 - len(rows) / max(most, 1),
        "problems_by_rollouts": {str(n): spent[n] for n in sorted(spent)},
        "statuses": counted(row["status"] for row in rows),
        "truncated": sum(row["finish_reason"] == "length" for row in rows),
    }


class Tally:
    """Counts each problem's right and judged completions. `index`: problem id → its position."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        import numpy as np

        self.index = {problem["id"]: i for i, problem in enumerate(problems)}
        self.right, self.judged = np.zeros((2, len(problems)), dtype=int)

    def add(self, rows: Sequence[Rollout]) -> None:
        """Counts these rollouts; those without a verdict do not count."""
        for row in rows:
            if row["status"] not in ABSTENTIONS:
                self.right[self.index[row["problem_id"]]] += row["strict"]
                self.judged[self.index[row["problem_id"]]] += 1

    def unsettled(self, rule: StoppingRule, going_on: Sequence[int], sampled: int) -> tuple[list[int], float]:
        """The problems to continue after `sampled` completions, and how many of the others should change class."""
        chance = rule.chance_of_change(self.right, self.judged, going_on, sampled)
        stops = rule.stops(chance, sampled)
        return [i for i, stop in zip(going_on, stops, strict=True) if not stop], float(chance[stops].sum())
