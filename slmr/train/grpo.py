"""GRPO (2402.03300) on problems, with TRL's GRPOTrainer and the task's checker as the reward."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any, Literal

from pydantic import Field

from slmr.engines import Prompt, Sampling, memory
from slmr.engines.decode import Row
from slmr.engines.sampler import Sampler
from slmr.engines.transformers import encode, load_model, load_tokenizer
from slmr.errors import WorkError
from slmr.stage import Params, StageContext, stage
from slmr.store import Cost, digest, read_rows, write_rows
from slmr.train.common import progress_callback, save_model, seed_everything, silent, trainer_settings
from slmr.verify import verify

PROBLEMS, FAILURES = "problems.parquet", "failures.parquet"


class GrpoParams(Params):
    """`share` scales the steps: a method with several RL stages spreads one budget over them.

    A step samples `prompts_per_step` problems with `group_size` completions each.
    """

    learning_rate: float = Field(default=1e-4, gt=0)
    steps: int = Field(default=60, ge=1)
    share: float = Field(default=1.0, gt=0, le=1)
    group_size: int = Field(default=8, ge=2)
    prompts_per_step: int = Field(default=16, ge=1)
    temperature: float = Field(default=1.0, gt=0)
    max_tokens: int = Field(default=80, ge=1)
    beta: float = Field(default=0.0, ge=0)
    warmup_steps: int = Field(default=3, ge=0)
    loss: Literal["grpo", "dapo", "dr_grpo"] = "grpo"
    scale_rewards: Literal["group", "batch", "none"] = "group"


@stage("grpo", GrpoParams, {"model": "one", "problems": "one"}, random=True, version=2)
def grpo_stage(context: StageContext, params: GrpoParams) -> None:
    """Train on the problems; writes `model/` and the attempts of all-zero groups in `failures.parquet`.

    Raises:
        WorkError: there is no problem to train on, or the loss diverged.
    """
    problems = read_rows(context.input("problems") / PROBLEMS)
    if not problems:
        raise WorkError("no problem to train on: no group had a mixed reward; use a larger pool or more SFT")
    source = context.model("model")
    seed_everything(context.seed)
    tokenizer, model = load_tokenizer(source), load_model(source, context.engine.device)
    reward = GroupReward(params.group_size)
    trainer = _trainer(model, tokenizer, problems, reward, params, context)
    trainer.train()
    write_rows(context.folder / FAILURES, reward.failures)
    context.stats |= {
        "problems": len(problems),
        "groups": dict(reward.groups),
        "statuses": dict(reward.statuses),
    }
    _count_cost(context, trainer, model.num_parameters())
    save_model(model, tokenizer, context.folder)


class GroupReward:
    """The checker as TRL's reward function; remembers what became of each group.

    A verdict pays 1 if strict, else 0; an abstention pays None, so that it enters no advantage.

    Attributes:
        failures: attempts of the groups in which every reward was 0, one row each.
        groups: how many groups were all right, all wrong, mixed.
        statuses: how many completions got each verdict status.
    """

    __name__ = "strict_accuracy"

    def __init__(self, group_size: int) -> None:
        self._size = group_size
        self.failures: list[dict[str, Any]] = []
        self.groups: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()

    def __call__(
        self, completions: list[Any], gold: list[str], kind: list[str], problem_id: list[str], **_: object
    ) -> list[float | None]:
        texts = [c if isinstance(c, str) else c[0]["content"] for c in completions]
        verdicts = [verify(t, g, k) for t, g, k in zip(texts, gold, kind, strict=True)]  # type: ignore[arg-type]
        self.statuses.update(v.status for v in verdicts)
        rewards = [None if v.abstained else float(v.strict) for v in verdicts]
        for start in range(0, len(rewards), self._size):
            self._note_group(
                rewards[start : start + self._size], texts[start : start + self._size], problem_id[start]
            )
        return rewards

    def _note_group(self, rewards: list[float | None], texts: list[str], problem_id: str) -> None:
        values = {reward for reward in rewards if reward is not None}
        if values == {0.0}:
            self.failures += [{"problem_id": problem_id, "completion": text} for text in texts]
        names = {frozenset(): "abstained", frozenset({0.0}): "all wrong", frozenset({1.0}): "all right"}
        self.groups[names.get(frozenset(values), "mixed")] += 1


def _trainer(
    model: Any, tokenizer: Any, problems: list[dict[str, Any]], reward: GroupReward, params: GrpoParams,
    context: StageContext,
) -> Any:  # fmt: skip
    from datasets import Dataset
    from trl import GRPOConfig

    from slmr.train.gap import GapTrainer

    rows = [
        {
            "prompt": _prompt(tokenizer, p["prompt"]),
            "gold": p["gold"],
            "kind": p["kind"],
            "problem_id": p["id"],
        }
        for p in problems
    ]
    # A pool smaller than one step's prompts is gone through several times within the step.
    rows *= -(-params.prompts_per_step // len(rows))
    config = GRPOConfig(
        **trainer_settings(context),
        max_steps=max(1, round(params.steps * params.share)),
        per_device_train_batch_size=params.prompts_per_step * params.group_size,
        num_generations=params.group_size,
        max_completion_length=params.max_tokens,
        temperature=params.temperature,
        learning_rate=params.learning_rate,
        warmup_steps=params.warmup_steps,
        lr_scheduler_type="constant_with_warmup",
        beta=params.beta,
        loss_type=params.loss,
        scale_rewards=params.scale_rewards,
        mask_truncated_completions=True,
        logging_steps=1,
    )
    return silent(
        GapTrainer(
            model=model, reward_funcs=[reward], args=config, train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer, rollout_func=rollouts(params, context.seed),
            callbacks=[progress_callback(context)],
        )
    )  # fmt: skip


def rollouts(params: GrpoParams, seed: int) -> Callable[[list[Any], Any], dict[str, Any]]:
    """TRL's rollout function on our own sampler: the same path as probing and evaluation."""
    samplers: list[Sampler] = []
    calls = count()
    sampling = Sampling(params.temperature, params.max_tokens, seed)

    def sample(prompts: list[Any], trainer: Any) -> dict[str, Any]:
        tokenizer, model = trainer.processing_class, trainer.accelerator.unwrap_model(trainer.model)
        if not samplers:
            samplers.append(Sampler(model, tokenizer))
        texts = [prompt if isinstance(prompt, str) else prompt[-1]["content"] for prompt in prompts]
        state = [seed, next(calls), trainer.accelerator.process_index]
        rows = [
            Row(i, tuple(encode(tokenizer, Prompt(text))), int(digest([*state, i]), 16))
            for i, text in enumerate(texts)
        ]
        for _ in samplers[0].run(rows, sampling, memory.batch_size(model, "auto")):
            pass
        return {
            "prompt_ids": [list(row.prompt) for row in rows],
            "completion_ids": [row.ids for row in rows],
            "logprobs": [row.logprobs for row in rows],
        }

    return sample


def _prompt(tokenizer: Any, text: str) -> Any:
    """A chat where the model has a chat template, else the text."""
    return [{"role": "user", "content": text}] if tokenizer.chat_template else text


def _count_cost(context: StageContext, trainer: Any, parameters: int) -> None:
    """Sampled and trained tokens: completions from TRL's own length log, prompts from its token count."""
    per_step = trainer.args.per_device_train_batch_size
    lengths = [
        point["completions/mean_length"]
        for point in context.stats["curve"]
        if "completions/mean_length" in point
    ]
    sampled = round(sum(lengths) * per_step)
    trained = round(trainer.state.num_input_tokens_seen)
    context.cost += Cost(
        train_tokens=trained, rollout_tokens=sampled, flops=parameters * (6.0 * trained + 2.0 * sampled)
    )
