"""HPT (2509.04419): hybrid post-training, which uses RL or SFT for each problem, depending on the student's success.

From the paper: the gate. If the share of right rollouts of a problem is above the gate, its loss is Dr. GRPO's,
otherwise the SFT loss on a demonstration; this is decided each time the problem comes up. The default gate is 0, SFT
only if no rollout is right; the paper sets it per model. Ours: the SFT loss is the mean over the demonstration's
tokens, a problem has the same weight under both losses unless `sft_weight` changes it, and a problem without a
demonstration always uses RL.

The SFT loss is a policy gradient with ratio 1: its gradient is that of the log-probability. So a demonstration replaces
one rollout, with an advantage that cancels Dr. GRPO's constant, and the other rollouts of its group get advantage 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

from pydantic import Field, model_validator

from slmr.curriculum.schema import Problem
from slmr.engines.decode import Generation
from slmr.rewards import reward_of
from slmr.stage import StageContext, stage
from slmr.training.grpo import GUIDED_INPUTS, GrpoParams, train_policy
from slmr.training.rollouts import GuidedRollouts
from slmr.training.sft import first_traces
from slmr.verify import Verdict


class HptParams(GrpoParams):
    """As GRPO.

    Attributes:
        gate: the largest share of right rollouts at which a problem uses SFT.
        sft_weight: weight of a problem's SFT loss relative to another's RL loss.
    """

    gate: float = Field(default=0.0, ge=0, lt=1)
    sft_weight: float = Field(default=1.0, gt=0)
    loss: Literal["grpo", "dapo", "dr_grpo", "cispo"] = "dr_grpo"
    scale_rewards: Literal["group", "batch", "none"] = "none"

    @model_validator(mode="after")
    def _of_one_kind(self) -> HptParams:
        if (self.loss, self.updates, self.ratio, self.beta) != ("dr_grpo", 1, "token", 0):
            raise ValueError(
                "HPT weighs its SFT loss against Dr. GRPO's: it needs loss = dr_grpo, updates = 1, beta = 0"
            )
        return self


@stage("hpt", HptParams, GUIDED_INPUTS, random=True, trains=True, samples=True, version=2)
def hpt_stage(context: StageContext, params: HptParams) -> None:
    """Writes `model/` and the files of `grpo`; `replaced` counts how often a problem used the SFT loss."""
    from slmr.training.hpt_trainer import HybridTrainer

    rollouts = partial(GatedRollouts, traces=first_traces(context))
    train_policy(context, params, rollouts_class=rollouts, trainer_class=partial(HybridTrainer, params.sft_weight))


def share_right(verdicts: Sequence[Verdict]) -> float | None:
    """The share of right completions among those with a verdict; None if there are none."""
    rewards = [reward for verdict in verdicts if (reward := reward_of(verdict)) is not None]
    return sum(rewards) / len(rewards) if rewards else None


class GatedRollouts(GuidedRollouts):
    """Replaces a group's last completion by a demonstration if the share of right ones is at most the gate."""

    _params: HptParams

    def improve(self, problems: list[Problem], groups: list[list[Generation]], step: list[int]) -> None:
        for problem, group in zip(problems, groups, strict=True):
            demonstration = self.demonstration(problem, group)
            right = share_right(self.judge(problem, group).verdicts)
            if demonstration is None or right is None or right > self._params.gate:
                continue
            group[-1] = demonstration
            self.replaced += 1
