"""GRPO (2402.03300) on problems, with TRL's GRPOTrainer and the task's checker as the reward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from random import Random
from typing import Any, Literal, Protocol, Self

from pydantic import Field, model_validator

from slmr.artifacts import Cost
from slmr.config import TrainingSettings
from slmr.errors import WorkError
from slmr.io import read_rows, write_rows
from slmr.stage import StageContext, stage
from slmr.training import parallel
from slmr.training.curve import Curve
from slmr.training.rollouts import GroupReward, Rollouts, shares
from slmr.training.trainer import open_student, progress_callback, run, trainer_settings
from slmr.training.validation import ValidationParams, open_validation
from slmr.training.vllm_rollouts import open_source

PROBLEMS, FAILURES = "problems.parquet", "failures.parquet"


class GrpoParams(ValidationParams):
    """A step samples `prompts_per_step` problems with `group_size` completions each.

    Attributes:
        share: scales the steps: a method with several RL stages spreads one budget over them.
        updates: of the weights on each step's completions, a part of them each.
        resample: groups without variance teach nothing; in so many further rounds a step replaces them by
            groups of other problems, as dynamic sampling does (DAPO, 2503.14476, section 3.2), but bounded.
        clip_low, clip_high: how far the ratio of new to old probability may leave 1 (DAPO: 0.2 and 0.28);
            with one update a step it never does.
        mask_truncated: a completion that was cut off enters no loss.
    """

    learning_rate: float = Field(default=1e-4, gt=0)
    steps: int = Field(default=60, ge=1)
    share: float = Field(default=1.0, gt=0, le=1)
    group_size: int = Field(default=8, ge=2)
    prompts_per_step: int = Field(default=16, ge=1)
    updates: int = Field(default=1, ge=1)
    temperature: float = Field(default=1.0, gt=0)
    resample: int = Field(default=0, ge=0)
    beta: float = Field(default=0.0, ge=0)
    warmup_steps: int = Field(default=3, ge=0)
    clip_low: float = Field(default=0.2, gt=0)
    clip_high: float = Field(default=0.2, gt=0)
    mask_truncated: bool = True
    loss: Literal["grpo", "dapo", "dr_grpo"] = "grpo"
    scale_rewards: Literal["group", "batch", "none"] = "group"

    @model_validator(mode="after")
    def _divides(self) -> Self:
        completions = self.prompts_per_step * self.group_size
        if completions % self.updates:
            raise ValueError(f"updates = {self.updates} does not divide a step's {completions} completions")
        return self

    def fits(self, training: TrainingSettings) -> None:
        # A group stays whole on its process.
        training.model_copy(update={"accumulation": 1}).share(self.prompts_per_step, "prompts_per_step")
        completions = self.prompts_per_step * self.group_size
        training.share(completions, "prompts_per_step * group_size", self.updates)


@stage(
    "grpo", GrpoParams, {"model": "one", "problems": "one", "validation": "optional"}, random=True,
    trains=True, samples=True, version=5,
)  # fmt: skip
def grpo_stage(context: StageContext, params: GrpoParams) -> None:
    """Train on the problems; writes `model/` and the attempts of all-zero groups in `failures.parquet`.

    Raises:
        RequestError: validation is asked for, but no problem is held out.
        WorkError: there is no problem to train on, or nothing more can come of the run: see `health`.
    """
    train_policy(context, params)


class Part(Protocol):
    """A callback that takes part in the training and remembers something over a stop; `trained` are its tokens."""

    trained: int

    def state(self) -> Any: ...
    def restore(self, state: Any) -> None: ...


def train_policy(
    context: StageContext, params: GrpoParams, *, rollouts: Callable[..., Rollouts] = Rollouts,
    trainer: Callable[[], type] | None = None, part: Callable[[Any, GroupReward], Part] | None = None,
) -> Part | None:  # fmt: skip
    """What GRPO and its relatives share; they differ in their rollouts, in the trainer's loss, and in a further part.

    `trainer` gives the trainer's class (TRL is slow to import), `part` is made from the tokenizer and the reward,
    and comes back. Raises as `grpo_stage` does.
    """
    problems = read_rows(context.input("problems") / PROBLEMS)
    if not problems:
        raise WorkError("no problem to train on: no group had a mixed reward; use a larger pool or more SFT")
    tokenizer, model, parameters = open_student(context)
    reward, curve = GroupReward(params.group_size), Curve()
    rolled = rollouts(
        problems, params, reward, context.seed, source=open_source(context, context.model("model"))
    )
    validation = open_validation(model, tokenizer, params, curve, context, params.updates)
    config, rows = _config(context, params), _rows(tokenizer, problems, params, context.seed)
    extra = part(tokenizer, reward) if part else None

    def told(_: int) -> dict[str, float]:
        trained = made.state.num_input_tokens_seen + (extra.trained if extra else 0)
        sampled = parallel.summed(rolled.state())
        return {
            **shares(parallel.summed(reward.last)), "rollout_tokens": sampled["tokens"],
            "replaced": sampled["replaced"], "train_tokens": trained,
        }  # fmt: skip

    made = _trainer(model, tokenizer, config, rows, rolled, reward, trainer)
    made.add_callback(progress_callback(context, curve, told))
    parts: dict[str, Any] = {"reward": reward, "rollouts": rolled}
    if extra:
        made.add_callback(extra)
        parts["part"] = extra
    with closing(rolled):
        run(made, context, curve, validation, parts, params.updates)
    failures = [row for found in parallel.gathered(reward.failures) for row in found]
    if context.leads:
        write_rows(context.folder / FAILURES, failures)
    sampled = parallel.summed(rolled.state())
    context.stats |= {
        "problems": len(problems),
        "groups": parallel.summed(reward.groups),
        "statuses": parallel.summed(reward.statuses),
        "replaced": sampled["replaced"],
        "steps_without_reward": sum(row.get("reward") == 0 for row in curve.rows),
    }
    trained = round(made.state.num_input_tokens_seen) + (extra.trained if extra else 0)
    context.cost += Cost(
        train_tokens=trained,
        rollout_tokens=sampled["tokens"],
        flops=parameters * (6.0 * trained + 2.0 * sampled["tokens"]),
    )
    return extra


def _rows(
    tokenizer: Any, problems: list[dict[str, Any]], params: GrpoParams, seed: int
) -> list[dict[str, Any]]:
    steps = _steps(params)
    return [
        {"prompt": _prompt(tokenizer, p["prompt"]), "gold": p["gold"], "kind": p["kind"], "problem_id": p["id"]}
        for p in schedule(problems, steps * params.prompts_per_step, seed)
    ]  # fmt: skip


def _steps(params: GrpoParams) -> int:
    return max(1, round(params.steps * params.share))


def _config(context: StageContext, params: GrpoParams) -> Any:
    from trl import GRPOConfig

    completions = params.prompts_per_step * params.group_size
    return GRPOConfig(
        **trainer_settings(context),
        max_steps=_steps(params) * params.updates,
        shuffle_dataset=False,  # the rows stand in the order of `schedule`
        per_device_train_batch_size=context.training.share(completions, "completions", params.updates),
        steps_per_generation=params.updates * context.training.accumulation,
        num_generations=params.group_size,
        max_completion_length=params.max_tokens,
        temperature=params.temperature,
        learning_rate=params.learning_rate,
        warmup_steps=params.warmup_steps * params.updates,
        lr_scheduler_type="constant_with_warmup",
        beta=params.beta,
        use_bias_correction_kl=False,  # the paper's eq. 4; TRL would multiply it by the ratio
        epsilon=params.clip_low,
        epsilon_high=params.clip_high,
        loss_type=params.loss,
        scale_rewards=params.scale_rewards,
        mask_truncated_completions=params.mask_truncated,
    )


def _trainer(
    model: Any, tokenizer: Any, config: Any, rows: list[dict[str, Any]], rollouts: Rollouts,
    reward: GroupReward, trainer: Callable[[], type] | None,
) -> Any:  # fmt: skip
    from datasets import Dataset

    from slmr.training.sampler_gap import GapTrainer

    kind: Any = trainer() if trainer else GapTrainer
    return kind(
        model=model, reward_funcs=[reward], args=config, train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer, rollout_func=rollouts,
    )  # fmt: skip


def schedule(problems: Sequence[dict[str, Any]], count: int, seed: int) -> list[dict[str, Any]]:
    """Which problem comes when: pass after pass over all of them, each in another random order."""
    rng, order = Random(seed), []
    while len(order) < count:
        order += rng.sample(problems, len(problems))
    return order[:count]


def _prompt(tokenizer: Any, text: str) -> Any:
    """A chat where the model has a chat template, else the text."""
    return [{"role": "user", "content": text}] if tokenizer.chat_template else text
