"""SDPO (2601.20802): RL by self-distillation, with TRL's experimental SDPOTrainer.

From the paper: each token of the policy's own completions is trained towards the distribution of the same policy with
feedback in its context. If the verifier only says right or wrong, the feedback is another completion of the group that
was right, and a completion without such feedback is left out of the loss. The divergence is over the whole vocabulary.
Ours: it is the reverse divergence; the teacher is the current policy, while the paper uses an average of past policies,
which checkpoints would not restore; the wording is TRL's; sampling uses slmr's engine. As for every RL method here, the
checker's verdict is the reward; an abstention counts as not right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slmr.artifacts import Cost
from slmr.config import TrainingSettings
from slmr.curriculum.schema import PROBLEMS
from slmr.engines import Sampling
from slmr.engines.decode import Generation
from slmr.errors import RequestError, WorkError
from slmr.io import digest
from slmr.stage import StageContext, stage
from slmr.training import parallel
from slmr.training.gkd import SlmrSampling, Spent
from slmr.training.group_reward import GroupReward, shares, write_outcomes
from slmr.training.grpo import POLICY_INPUTS, RolloutParams, problem_rows, rollout_settings
from slmr.training.trainer import Run

if TYPE_CHECKING:
    import torch


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
        return {**shares(parallel.summed(reward.last)), **spent.tokens()}

    run.train(trainer, measured, {"reward": reward, "spent": spent})
    write_outcomes(context, reward, len(problems))
    context.cost += Cost.of_model(run.parameters, **spent.by_all())


def _trainer(
    run: Run, rows: list[dict[str, Any]], reward: GroupReward, params: SdpoParams, context: StageContext
) -> Any:
    from datasets import Dataset

    trainer_class, config_class = sdpo_classes()
    config = config_class(
        **rollout_settings(context, params),
        max_prompt_length=None,
        distillation_mode="full_logits",
        teacher_model_kind="live",
        diagnostics_warning_interval=0,
    )
    sampling = Sampling(params.temperature, params.max_tokens, context.seed)
    return trainer_class(
        sampling,
        model=run.model,
        reward_funcs=[reward],
        args=config,
        processing_class=run.tokenizer,
        train_dataset=Dataset.from_list(rows),
    )


def sdpo_classes() -> tuple[Any, Any]:
    """TRL's trainer with our sampler, and its configuration class.

    Raises:
        RequestError: the installed TRL has none.
    """
    try:
        from trl.experimental.sdpo import SDPOConfig, SDPOTrainer
    except ImportError:
        import trl

        raise RequestError(f"stage sdpo: trl {trl.__version__} has no SDPO; trl 1.16.0 has") from None

    kind: Any = SDPOTrainer

    class SelfDistilledPolicy(SlmrSampling, kind):
        """Counts the tokens that are trained on, and those that are read with feedback."""

        def _generate(self, prompt_ids: list[list[int]]) -> tuple[list[list[int]], list[list[int]]]:
            origin = ["sdpo", self.sampling.seed, self.state.global_step, parallel.rank()]
            rows = [Generation(i, tuple(ids), int(digest([*origin, i]), 16)) for i, ids in enumerate(prompt_ids)]
            self.fill(rows)
            return prompt_ids, [row.ids for row in rows]

        def compute_loss(self, model: Any, inputs: dict[str, torch.Tensor], *args: Any, **kwargs: Any) -> Any:
            self.spent.trained += int(inputs["prompt_mask"].sum() + inputs["completion_mask"].sum())
            self.spent.scored += int(inputs["teacher_attention_mask"].sum())
            return super().compute_loss(model, inputs, *args, **kwargs)

    return SelfDistilledPolicy, SDPOConfig
