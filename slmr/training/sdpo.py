"""SDPO (2601.20802): RL by self-distillation, with TRL's experimental SDPOTrainer.

From the paper: each token of the policy's own completions is trained towards the distribution of the same policy with
feedback in its context. If the verifier only says right or wrong, the feedback is another completion of the group that
was right, and a completion without such feedback is left out of the loss. The divergence is over the whole vocabulary.
Ours: it is the reverse divergence; the teacher is the current policy, while the paper uses an average of past policies,
which checkpoints would not restore; the wording is TRL's; sampling uses slmr's engine. As for every RL method here, the
checker's verdict is the reward; an abstention counts as not right.
"""

from __future__ import annotations

from typing import Any

from slmr.artifacts import Cost
from slmr.config import TrainingSettings
from slmr.curriculum.schema import PROBLEMS
from slmr.engines import Sampling
from slmr.errors import RequestError, WorkError
from slmr.stage import StageContext, stage
from slmr.training import parallel
from slmr.training.gkd import Spent
from slmr.training.group_reward import GroupReward, shares, write_outcomes
from slmr.training.grpo import POLICY_INPUTS, RolloutParams, problem_rows, rollout_settings
from slmr.training.trainer import Run


class SdpoParams(RolloutParams):
    """As GRPO's rollouts, with one update per step."""

    def fits(self, training: TrainingSettings) -> None:
        training.must_not_shard("sdpo")
        training.model_copy(update={"accumulation": 1}).share(self.prompts_per_step, "prompts_per_step")
        training.share(self.completions, "prompts_per_step * group_size")


@stage("sdpo", SdpoParams, POLICY_INPUTS, random=True, trains=True, version=2)
def sdpo_stage(context: StageContext, params: SdpoParams) -> None:
    """Trains on the problems; writes `model/`, and the attempts of all-zero groups to `failures.parquet`.

    Raises:
        RequestError: the installed TRL has no SDPO; validation is requested, but no problem is held out.
        WorkError: there is no problem to train on, or the run has failed, see `health`.
    """
    problems = PROBLEMS.read(context.input("problems"))
    if not problems:
        raise WorkError("no problem to train on: use a larger pool")
    run, reward = Run(context), GroupReward(params.group_size, params.noise(context.seed))
    run.validate(params)
    trainer = _trainer(run, problem_rows(run.tokenizer, problems, params, context.seed), reward, params, context)
    spent: Spent = trainer.spent

    def measured(_: int) -> dict[str, float]:
        return {**shares(parallel.all_sum(reward.last)), **spent.tokens()}

    run.train(trainer, measured, {"reward": reward, "spent": spent})
    write_outcomes(context, reward, len(problems))
    context.cost += Cost.of_model(run.parameters, **spent.by_all())


def _trainer(
    run: Run, rows: list[dict[str, Any]], reward: GroupReward, params: SdpoParams, context: StageContext
) -> Any:
    from datasets import Dataset

    config = _config(context, params)
    from slmr.training.sdpo_trainer import SelfDistilledPolicy

    return SelfDistilledPolicy(
        Sampling(params.temperature, params.max_tokens, context.seed),
        model=run.model,
        reward_funcs=[reward],
        args=config,
        processing_class=run.tokenizer,
        train_dataset=Dataset.from_list(rows),
    )


def _config(context: StageContext, params: SdpoParams) -> Any:
    """Raises RequestError if the installed TRL has no SDPO."""
    try:
        from trl.experimental.sdpo import SDPOConfig
    except ImportError:
        import trl

        raise RequestError(f"stage sdpo: trl {trl.__version__} has no SDPO; trl 1.16.0 has") from None
    return SDPOConfig(
        **rollout_settings(context, params),
        max_prompt_length=None,
        distillation_mode="full_logits",
        teacher_model_kind="live",
        diagnostics_warning_interval=0,
    )
