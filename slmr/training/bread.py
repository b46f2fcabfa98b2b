"""BREAD (2506.17211): GRPO in which failed groups are sampled again from a beginning of the expert's trace.

A binary search over the trace's steps looks for a beginning from which a group is neither all wrong nor all right.
The beginning counts as part of the prompt, so that only the student's tokens are trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from pydantic import Field

from slmr.curriculum.schema import Problem
from slmr.engines.decode import Generation
from slmr.stage import StageContext, stage
from slmr.training.grpo import GUIDED_INPUTS, GrpoParams, train_policy
from slmr.training.rollouts import GuidedRollouts
from slmr.training.sft import first_traces
from slmr.verify.trace_steps import beginning, split_steps


class BreadParams(GrpoParams):
    """As GRPO; `branches` is the maximal number of search steps per training step (ours)."""

    branches: int = Field(default=2, ge=1)


@stage("bread", BreadParams, GUIDED_INPUTS, random=True, trains=True, samples=True, version=3)
def bread_stage(context: StageContext, params: BreadParams) -> None:
    """Writes `model/` and the files of `grpo`; a problem without a trace is treated as in GRPO."""
    traces = first_traces(context)
    train_policy(context, params, rollouts_class=partial(BranchingRollouts, traces=traces))


@dataclass(slots=True)
class SearchRange:
    """The search range of the branching point, in steps of the trace: from `low` all fail, from `high` all succeed."""

    low: int
    high: int

    @property
    def middle(self) -> int:
        return (self.low + self.high) // 2

    @property
    def open(self) -> bool:
        return self.high - self.low > 1


class BranchingRollouts(GuidedRollouts):
    """Replaces groups that are all wrong by groups of the same problem that begin later in the trace."""

    _params: BreadParams

    def improve(self, problems: list[Problem], groups: list[list[Generation]], step: list[int]) -> None:
        judged = {i: self.judge(problem, groups[i]) for i, problem in enumerate(problems)}
        spans = {
            i: SearchRange(0, len(split_steps(trace)) + 1)
            for i, problem in enumerate(problems)
            if judged[i].outcome == "all wrong" and (trace := self._traces.get(problem["id"]))
        }
        for attempt in range(1, self._params.branches + 1):
            branching = [i for i, span in spans.items() if span.open]
            if not branching:
                return
            starts = [beginning(self._traces[problems[i]["id"]], spans[i].middle) for i in branching]
            new_groups = self.sample([problems[i] for i in branching], [*step, attempt], starts)
            for i, group in zip(branching, new_groups, strict=True):
                outcome, span = self.judge(problems[i], group).outcome, spans[i]
                if outcome == "mixed":
                    self.replace(problems[i], judged[i], i, group, groups)
                    del spans[i]
                elif outcome == "all right":
                    span.high = span.middle
                else:
                    span.low = span.middle
