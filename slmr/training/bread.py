"""BREAD (2506.17211): GRPO whose rollouts branch from a beginning of the expert's trace where all of them fail.

The beginning that leaves a group neither all wrong nor all right is looked for by halving, over the trace's
steps; it belongs to the prompt, so that only what the student writes is trained on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from pydantic import Field

from slmr.engines.decode import Row
from slmr.stage import StageContext, stage
from slmr.training.grpo import GrpoParams, train_policy
from slmr.training.rollouts import GroupReward, Problem, Source, TracedRollouts
from slmr.training.sft import completions
from slmr.verify.trace_steps import beginning, split_steps


class BreadParams(GrpoParams):
    """As GRPO; `branches` is how often a step looks for a better beginning (ours)."""

    branches: int = Field(default=2, ge=1)


@stage(
    "bread", BreadParams, {"model": "one", "problems": "one", "traces": "many", "validation": "optional"},
    random=True, trains=True, samples=True, version=2,
)  # fmt: skip
def bread_stage(context: StageContext, params: BreadParams) -> None:
    """Writes `model/` and what `grpo` writes; a problem without a trace is as in GRPO."""
    traces = completions(context)
    context.stats["problems_with_trace"] = len(traces)
    train_policy(context, params, rollouts=partial(BranchingRollouts, traces=traces))


@dataclass(slots=True)
class Span:
    """Between how many of a trace's steps the branching point is: with `low` all fail, with `high` all succeed."""

    low: int
    high: int

    @property
    def middle(self) -> int:
        return (self.low + self.high) // 2

    @property
    def open(self) -> bool:
        return self.high - self.low > 1


class BranchingRollouts(TracedRollouts):
    """Groups that are all wrong give way to groups of the same problem that begin further on."""

    def __init__(
        self, problems: Sequence[Problem], params: BreadParams, reward: GroupReward, seed: int,
        traces: Mapping[str, str], source: Source | None = None,
    ) -> None:  # fmt: skip
        super().__init__(problems, params, reward, seed, traces, source)
        self._branches = params.branches

    def improve(self, chosen: list[Problem], groups: list[list[Row]], place: list[int]) -> None:
        judged = {i: self.judged(problem, groups[i]) for i, problem in enumerate(chosen)}
        spans = {
            i: Span(0, len(split_steps(trace)) + 1)
            for i, problem in enumerate(chosen)
            if judged[i].name == "all wrong" and (trace := self._traces.get(problem["id"]))
        }
        for attempt in range(1, self._branches + 1):
            asked = [i for i, span in spans.items() if span.open]
            if not asked:
                return
            starts = [beginning(self._traces[chosen[i]["id"]], spans[i].middle) for i in asked]
            fresh = self.sample([chosen[i] for i in asked], [*place, attempt], starts)
            for i, group in zip(asked, fresh, strict=True):
                found, span = self.judged(chosen[i], group), spans[i]
                if found.name == "mixed":
                    self.replace(chosen[i], judged[i], i, group, groups)
                    del spans[i]
                elif found.name == "all right":
                    span.high = span.middle
                else:
                    span.low = span.middle
