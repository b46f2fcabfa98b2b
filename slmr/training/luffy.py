"""LUFFY (2504.14945): GRPO in which one completion of each group is the teacher's.

Advantages are computed over the whole group. A teacher's token enters the loss with the shaped probability
f(p) = p / (p + gamma) instead of the ratio (equations 5 to 7: the behaviour policy's probability is set to 1,
and nothing is clipped); the student's tokens are treated as in GRPO.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from slmr.curriculum.schema import Problem
from slmr.engines.decode import Generation
from slmr.stage import StageContext, stage
from slmr.training.grpo import GUIDED_INPUTS, GrpoParams, train_policy
from slmr.training.rollouts import Rollouts
from slmr.training.sft import first_traces

if TYPE_CHECKING:
    import torch


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
    traces = first_traces(context)
    train_policy(
        context,
        params,
        rollouts=partial(MixedRollouts, traces=traces),
        trainer_class=lambda: trainer_class(params.gamma),
    )


class MixedRollouts(Rollouts):
    """Adds the teacher's trace, if there is one, as the last completion of a group."""

    def self_generated(self, problem: Problem) -> int:
        return self._params.group_size - (problem["id"] in self._traces)

    def sample(
        self, problems: Sequence[Problem], origin: list[int], prefixes: Sequence[str] | None = None
    ) -> list[list[Generation]]:
        groups = super().sample(problems, origin, prefixes)
        for problem, group in zip(problems, groups, strict=True):
            if demonstration := self.demonstration(problem, group):
                group.append(demonstration)
        return groups


def trainer_class(gamma: float) -> type:
    """TRL's trainer with the mixed objective."""
    import torch

    from slmr.training.sampler_gap import GapTrainer

    class MixedPolicyTrainer(GapTrainer):
        """GRPO with the ratio f(p) for a teacher's tokens.

        The rollouts give a teacher's tokens the log-probability 0, which LUFFY assumes for the old policy; so it
        suffices to replace log p by log f(p) there.
        """

        _taught: torch.Tensor | None = None  # [B]: the teacher's rows in the loss being computed

        def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
            self._taught = inputs["taught"]
            old = inputs["sampling_per_token_logps"]
            loss = super()._compute_loss(model, {**inputs, "old_per_token_logps": old})
            self._taught = None
            return loss

        def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
            logps, *rest = super()._get_per_token_logps_and_entropies(*args, **kwargs)
            if self._taught is None:  # not called from a loss
                return logps, *rest
            return torch.where(self._taught[:, None], shaped(logps, gamma), logps), *rest

    return MixedPolicyTrainer


def shaped(logps: torch.Tensor, gamma: float) -> torch.Tensor:
    """log f(p) for log p; f(p) = p / (p + gamma), 2504.14945, equation 7."""
    import torch

    return logps - torch.log(logps.exp() + gamma)
