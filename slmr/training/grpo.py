"""GRPO (2402.03300) on problems, with TRL's GRPOTrainer and the task's checker as the reward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from random import Random
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from slmr.artifacts import Cost
from slmr.config import MAX_K, MAX_STEPS, TrainingSettings
from slmr.curriculum.schema import PROBLEMS, Problem
from slmr.errors import WorkError
from slmr.rewards.noise import NoiseParams
from slmr.stage import InputRule, StageContext, stage
from slmr.training import parallel
from slmr.training.group_reward import GroupReward, shares, write_outcomes
from slmr.training.rollouts import Rollouts
from slmr.training.trainer import Run, trainer_settings
from slmr.training.validation import ValidationParams
from slmr.training.vllm_rollouts import open_source

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from slmr.training.interleaved_sft import InterleavedSft

POLICY_INPUTS: dict[str, InputRule] = {"model": "one", "problems": "one", "validation": "optional"}
GUIDED_INPUTS: dict[str, InputRule] = {
    "model": "one",
    "problems": "one",
    "traces": "many",
    "validation": "optional",
}


class RolloutParams(ValidationParams, NoiseParams):
    """A step samples `group_size` completions of each of `prompts_per_step` problems.

    Attributes:
        share: scales the steps: a method with several RL stages divides one budget among them.
        mask_truncated: leave truncated completions out of the loss.
    """

    learning_rate: float = Field(default=1e-4, gt=0)
    steps: int = Field(default=60, ge=1, le=MAX_STEPS)
    share: float = Field(default=1.0, gt=0, le=1)
    group_size: int = Field(default=8, ge=2, le=MAX_K)
    prompts_per_step: int = Field(default=16, ge=1, le=MAX_K)
    temperature: float = Field(default=1.0, gt=0)
    warmup_steps: int = Field(default=3, ge=0)
    mask_truncated: bool = True

    @property
    def completions(self) -> int:
        """Completions per step."""
        return self.prompts_per_step * self.group_size

    @property
    def steps_taken(self) -> int:
        return max(1, round(self.steps * self.share))


class GrpoParams(RolloutParams):
    """How rollouts become updates.

    Attributes:
        updates: weight updates per step, each on a part of the step's completions.
        resample: maximal number of further rounds in which groups without variance, which give no gradient, are
            replaced by groups of other problems: dynamic sampling (DAPO, 2503.14476, section 3.2) with a limit.
        clip_low, clip_high: bounds of the deviation of the probability ratio from 1 (DAPO: 0.2 and 0.28); with
            one update per step it never deviates.
        ratio: per token, or per completion as the geometric mean of its tokens' ratios (GSPO, 2507.18071).
        loss: how the loss is averaged; `cispo` (2506.13585) also clips the weight of a token's log-probability,
            only from above, instead of removing the token's gradient.
    """

    updates: int = Field(default=1, ge=1)
    resample: int = Field(default=0, ge=0)
    beta: float = Field(default=0.0, ge=0)
    clip_low: float = Field(default=0.2, gt=0)
    clip_high: float = Field(default=0.2, gt=0)
    ratio: Literal["token", "sequence"] = "token"
    loss: Literal["grpo", "dapo", "dr_grpo", "cispo"] = "grpo"
    scale_rewards: Literal["group", "batch", "none"] = "group"

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.completions % self.updates:
            raise ValueError(f"updates = {self.updates} does not divide a step's {self.completions} completions")
        return self

    @model_validator(mode="after")
    def _per_completion(self) -> Self:
        if self.ratio == "sequence" and self.loss != "grpo":
            raise ValueError(f"ratio = sequence is per completion, but loss = {self.loss} sums over tokens: use grpo")
        return self

    def fits(self, training: TrainingSettings) -> None:
        # A group must not be split among processes.
        training.model_copy(update={"accumulation": 1}).share(self.prompts_per_step, "prompts_per_step")
        training.share(self.completions, "prompts_per_step * group_size", self.updates)


@stage("grpo", GrpoParams, POLICY_INPUTS, random=True, trains=True, samples=True, version=6)
def grpo_stage(context: StageContext, params: GrpoParams) -> None:
    """Trains on the problems; writes `model/`, and the attempts of all-zero groups to `failures.parquet`.

    Raises:
        RequestError: validation is requested, but no problem is held out.
        WorkError: there is no problem to train on, or the run has failed, see `health`.
    """
    train_policy(context, params)


def train_policy(
    context: StageContext,
    params: GrpoParams,
    *,
    rollouts_class: Callable[..., Rollouts] = Rollouts,
    trainer_class: Callable[..., Any] | None = None,
    callback_factory: Callable[[PreTrainedTokenizerBase, GroupReward], InterleavedSft] | None = None,
) -> InterleavedSft | None:
    """The common part of GRPO and related methods, which differ in rollouts, loss and an additional callback.

    `trainer_class` creates the trainer from TRL's arguments. The callback is returned; its state is saved in
    checkpoints. Raises as `grpo_stage` does.
    """
    problems = PROBLEMS.read(context.input("problems"))
    if not problems:
        raise WorkError("no problem to train on: no group had a mixed reward; use a larger pool or more SFT")
    run, reward = Run(context), GroupReward(params.group_size, params.noise(context.seed))
    source = open_source(context, context.model("model"))
    rollouts = rollouts_class(problems, params, reward, context.seed, source=source)
    run.validate(params, params.updates)
    config, rows = _config(context, params), problem_rows(run.tokenizer, problems, params, context.seed)
    callback = callback_factory(run.tokenizer, reward) if callback_factory else None
    trainer = _trainer(run.model, run.tokenizer, config, rows, rollouts, reward, trainer_class)

    def train_tokens() -> float:
        return trainer.state.num_input_tokens_seen + (callback.trained if callback else 0)

    def metrics(_: int) -> dict[str, float]:
        sampled = parallel.all_sum(rollouts.state())
        return {
            **shares(parallel.all_sum(reward.last)),
            "rollout_tokens": sampled["tokens"],
            "replaced": sampled["replaced"],
            "train_tokens": train_tokens(),
        }

    parts = {"reward": reward, "rollouts": rollouts, **({"part": callback} if callback else {})}
    with closing(rollouts):
        run.train(trainer, metrics, parts, params.updates, callback)
    write_outcomes(context, reward, len(problems))
    sampled = parallel.all_sum(rollouts.state())
    context.stats |= {
        "replaced": sampled["replaced"],
        "steps_without_reward": sum(row.get("reward") == 0 for row in run.curve.rows),
    }
    context.cost += Cost.of_model(run.parameters, trained=round(train_tokens()), sampled=sampled["tokens"])
    return callback


def problem_rows(
    tokenizer: PreTrainedTokenizerBase, problems: list[Problem], params: RolloutParams, seed: int
) -> list[dict[str, Any]]:
    """A row for each problem of each step, with the columns that the reward needs."""
    return [
        {
            "prompt": _prompt(tokenizer, p["prompt"]),
            "gold": p["gold"],
            "kind": p["kind"],
            "problem_id": p["id"],
        }
        for p in problem_order(problems, params.steps_taken * params.prompts_per_step, seed)
    ]


def rollout_settings(context: StageContext, params: RolloutParams, updates: int = 1) -> dict[str, Any]:
    """`trainer_settings`, with TRL's settings of rollouts; `updates` is the number of weight updates per step."""
    return trainer_settings(context) | {
        "max_steps": params.steps_taken * updates,
        "shuffle_dataset": False,  # the rows are in the order of `problem_order`
        "per_device_train_batch_size": context.training.share(params.completions, "completions", updates),
        "steps_per_generation": updates * context.training.accumulation,
        "num_generations": params.group_size,
        "max_completion_length": params.max_tokens,
        "temperature": params.temperature,
        "learning_rate": params.learning_rate,
        "warmup_steps": params.warmup_steps * updates,
        "lr_scheduler_type": "constant_with_warmup",
        "mask_truncated_completions": params.mask_truncated,
    }


def _config(context: StageContext, params: GrpoParams) -> Any:
    from trl import GRPOConfig

    return GRPOConfig(
        **rollout_settings(context, params, params.updates),
        beta=params.beta,
        use_bias_correction_kl=False,  # the paper's eq. 4; TRL would multiply it by the ratio
        epsilon=params.clip_low,
        # For CISPO, TRL's setting is the largest weight; for the others it is the deviation from 1.
        epsilon_high=params.clip_high + (params.loss == "cispo"),
        importance_sampling_level=params.ratio,
        loss_type=params.loss,
        scale_rewards=params.scale_rewards,
    )


def _trainer(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    config: Any,
    rows: list[dict[str, Any]],
    rollouts: Rollouts,
    reward: GroupReward,
    trainer_class: Callable[..., Any] | None,
) -> Any:
    from datasets import Dataset

    from slmr.training.sampler_gap import GapTrainer

    return (trainer_class or GapTrainer)(
        model=model,
        reward_funcs=[reward],
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        rollout_func=rollouts,
    )


def problem_order(problems: Sequence[Problem], count: int, seed: int) -> list[Problem]:
    """The order of the problems: repeated passes over all of them, each in a new random order."""
    rng, order = Random(seed), list[Problem]()
    while len(order) < count:
        order += rng.sample(problems, len(problems))
    return order[:count]


def _prompt(tokenizer: PreTrainedTokenizerBase, text: str) -> Any:
    """A chat if the model has a chat template, else the text."""
    return [{"role": "user", "content": text}] if tokenizer.chat_template else text
