"""LUFFY (2504.14945): GRPO in which one completion of each group is the teacher's.

Advantages are computed over the whole group. A teacher's token enters the loss with the shaped probability
f(p) = p / (p + gamma) instead of the ratio (equations 5 to 7: the behaviour policy's probability is set to 1,
and nothing is clipped); the student's tokens are treated as in GRPO.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from pydantic import Field, model_validator

from slmr.curriculum.schema import Problem
from slmr.engines.decode import Generation
from slmr.stage import StageContext, stage
from slmr.training.grpo import GUIDED_INPUTS, GrpoParams, train_policy
from slmr.training.rollouts import GuidedRollouts
from slmr.training.sft import first_traces


class LuffyParams(GrpoParams):
    """As GRPO; `gamma` shapes the teacher's tokens: the smaller it is, the more unlikely tokens count."""

    gamma: float = Field(default=0.1, gt=0)

    @model_validator(mode="after")
    def _no_kl(self) -> LuffyParams:
        if self.beta:
            raise ValueError("LUFFY has no KL term: leave beta at 0")
        return self


@stage("luffy", LuffyParams, GUIDED_INPUTS, random=True, trains=True, samples=True, version=3)
def luffy_stage(context: StageContext, params: LuffyParams) -> None:
    """Writes `model/` and the files of `grpo`; the group of a problem without a trace is entirely the student's."""
    from slmr.training.luffy_trainer import MixedPolicyTrainer

    rollouts = partial(MixedRollouts, traces=first_traces(context))
    train_policy(context, params, rollouts_class=rollouts, trainer_class=partial(MixedPolicyTrainer, params.gamma))


class MixedRollouts(GuidedRollouts):
    """Adds the teacher's trace, if there is one, as the last completion of a group."""

    def sampled_size(self, problem: Problem) -> int:
        return self._params.group_size - (problem["id"] in self._traces)

    def sample(
        self, problems: Sequence[Problem], origin: list[int], prefixes: Sequence[str] | None = None
    ) -> list[list[Generation]]:
        groups = super().sample(problems, origin, prefixes)
        for problem, group in zip(problems, groups, strict=True):
            if demonstration := self.demonstration(problem, group):
                group.append(demonstration)
        return groups
