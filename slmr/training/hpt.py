"""HPT (2509.04419): hybrid post-training, for each problem RL or SFT, by how much of it the student can do.

From the paper: the gate. With P the share of a problem's rollouts that are right, its loss is Dr. GRPO's where P is
above the gate, and SFT's on a demonstration where it is not; which of the two is asked anew whenever the problem comes.
The default of the gate is 0, SFT where no rollout is right; the paper sets it by model. Ours: the SFT loss is the mean
over the demonstration's tokens, a problem counts the same under either unless `sft_weight` says otherwise, and one
without a demonstration stays with RL.

An SFT loss is a policy gradient whose ratio is 1: its gradient is that of the log-probability. So a demonstration takes
the place of a rollout, with an advantage that undoes Dr. GRPO's constant, and the others of its group have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from slmr.curriculum.schema import Problem
from slmr.engines.decode import Row
from slmr.rewards import reward_of
from slmr.stage import StageContext, stage
from slmr.training.grpo import GrpoParams, train_policy
from slmr.training.rollouts import Rollouts
from slmr.training.sft import first_traces
from slmr.verify import Verdict

if TYPE_CHECKING:
    import torch


class HptParams(GrpoParams):
    """As GRPO.

    Attributes:
        gate: the largest share of right rollouts at which a problem is learnt by SFT.
        sft_weight: of a problem's SFT loss beside another's RL loss.
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


@stage(
    "hpt", HptParams, {"model": "one", "problems": "one", "traces": "many", "validation": "optional"},
    random=True, trains=True, samples=True, version=2,
)  # fmt: skip
def hpt_stage(context: StageContext, params: HptParams) -> None:
    """Writes `model/` and what `grpo` writes; `replaced` is how often a problem's loss was SFT's."""
    traces = first_traces(context)
    train_policy(
        context, params, rollouts=partial(GatedRollouts, traces=traces),
        trainer_class=lambda: trainer_class(params.group_size, params.sft_weight),
    )  # fmt: skip


def share_right(verdicts: Sequence[Verdict]) -> float | None:
    """The share of right ones of those that were decided; None where none was."""
    rewards = [reward for verdict in verdicts if (reward := reward_of(verdict)) is not None]
    return sum(rewards) / len(rewards) if rewards else None


class GatedRollouts(Rollouts):
    """Where no more than the gate's share of a group is right, its last completion gives way to a demonstration."""

    _params: HptParams

    def improve(self, problems: list[Problem], groups: list[list[Row]], step: list[int]) -> None:
        for problem, group in zip(problems, groups, strict=True):
            demonstration = self.demonstration(problem, group)
            right = share_right(self.judged(problem, group).verdicts)
            if demonstration is None or right is None or right > self._params.gate:
                continue
            group[-1] = demonstration
            self.replaced += 1


def trainer_class(group_size: int, sft_weight: float) -> type:
    """TRL's trainer, with the advantages of each problem's own loss."""
    from slmr.training.sampler_gap import GapTrainer

    class HybridTrainer(GapTrainer):
        """Dr. GRPO, and SFT in the groups that hold a demonstration."""

        def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
            output = super()._generate_and_score_completions(inputs)
            output["advantages"] = hybrid_advantages(
                output["advantages"],
                output["completion_mask"],
                output["taught"],
                group_size,
                sft_weight * int(self.max_completion_length or 0),
            )
            return output

    return HybridTrainer


def hybrid_advantages(
    advantages: torch.Tensor, mask: torch.Tensor, taught: torch.Tensor, group_size: int, constant: float
) -> torch.Tensor:
    """[B] advantages under which Dr. GRPO's gradient, 1/(B constant) a token, is each problem's own loss's.

    In a group with a demonstration of n tokens that is `group_size` x `constant` / n for the demonstration, so that
    each of its tokens weighs 1/n of a problem, and 0 for the others; elsewhere what it was.

    Args:
        advantages, taught: [B], group by group; taught says which completions are demonstrations.
        mask: [B, T], the tokens that enter the loss.
        constant: Dr. GRPO's, times what a problem's SFT loss weighs.
    """
    import torch

    switched = taught.view(-1, group_size).any(dim=1).repeat_interleave(group_size)
    tokens = mask.sum(dim=1).clamp(min=1)
    weights = torch.where(taught, group_size * constant / tokens, 0.0)
    return torch.where(switched, weights.to(advantages.dtype), advantages)
