"""On-policy distillation (GKD, 2306.13649) with TRL's GKDTrainer: the student learns the teacher's distribution.

A share of the batches are completions of the current student; the others are the traces. This mix is the reason for
using the GKDTrainer of trl.experimental: the stable DistillationTrainer (trl 1.10 to 1.16) only takes prompts, so that
all of its batches are the student's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from slmr.artifacts import Cost
from slmr.config import TrainingSettings
from slmr.engines import Sampling
from slmr.engines.decode import Generation
from slmr.engines.models import resolve_model
from slmr.engines.sampler import Sampler
from slmr.engines.scoring import IGNORED, padded, padded_with_mask
from slmr.engines.transformers import load_model, load_tokenizer
from slmr.errors import RequestError
from slmr.stage import StageContext, stage
from slmr.training import parallel
from slmr.training.sft import TRACE_INPUTS, Example, TraceParams, fitting, labels_of, length, some_traces
from slmr.training.supervised import schedule_rows, supervised_settings
from slmr.training.trainer import Run

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class DistillationParams(TraceParams):
    """As SFT; the common parameters of `gkd` and `opsd`.

    Attributes:
        beta: 0 is the forward KL divergence from the teacher, 1 the reverse one; values between are Jensen-Shannon.
        temperature: of the student's completions; TRL's GKDTrainer compares the distributions at temperature 1.
    """

    STAGE: ClassVar[str]
    beta: float = Field(default=0.5, ge=0, le=1)
    temperature: float = Field(default=1.0, gt=0)

    def fits(self, training: TrainingSettings) -> None:
        super().fits(training)
        training.must_not_shard(self.STAGE)
        if training.accumulation > 1:
            raise RequestError(
                f"training: {self.STAGE} averages its divergence over a single pass: leave accumulation at 1"
            )


class GkdParams(DistillationParams):
    """The parameters of `gkd`; the defaults of `on_policy` and `beta` are TRL's.

    Attributes:
        on_policy: the share of batches that are the student's own completions (lambda).
        teacher_model: a folder, a hub id or a lab model; its vocabulary must be the student's.
        teacher_key: the model's key; filled in by the planner.
    """

    STAGE = "gkd"
    on_policy: float = Field(default=0.5, ge=0, le=1)
    teacher_model: str | None = None
    teacher_key: str = ""

    def identified(self) -> GkdParams:
        """A copy with the key of the teacher.

        Raises:
            RequestError: no teacher is named, or it is a server, whose full distribution is not available.
        """
        if not self.teacher_model:
            raise RequestError(
                "stage gkd: set teacher_model to a folder or hub id: the stage learns from a model's distribution"
            )
        model = resolve_model(self.teacher_model)
        if model.kind == "server":
            raise RequestError(f"stage gkd: {self.teacher_model}: a server does not give its whole distribution")
        return self.model_copy(update={"teacher_key": model.key})


@stage("gkd", GkdParams, TRACE_INPUTS, random=True, trains=True, version=2)
def gkd_stage(context: StageContext, params: GkdParams) -> None:
    """Distils on the prompts of the traces; writes `model/` and the run's curve.

    Raises:
        RequestError: the teacher's vocabulary is not the student's; and as `sft` does.
        WorkError: as `sft` does.
    """
    from slmr.training.gkd_trainer import Distiller

    traces = some_traces(context)
    folder = Path(resolve_model(str(params.teacher_model)).location)
    run = Run(context)
    teacher = load_model(folder, context.engine.device)
    if _vocabulary(load_tokenizer(folder), teacher) != _vocabulary(run.tokenizer, run.model):
        raise RequestError(f"stage gkd: the vocabulary of {params.teacher_model} is not the student's")
    rows = schedule_rows(fitting(run.tokenizer, traces, params, context), length, params, context.seed, params.share)
    run.validate(params)
    trainer = distiller(Distiller, Collator, run, teacher, rows, params, context, lmbda=params.on_policy)
    spent: Spent = trainer.spent
    run.train(trainer, lambda _: spent.tokens(taught=True), {"spent": spent})
    tokens = spent.by_all()
    scored = tokens.pop("scored")
    context.cost += Cost.of_model(run.parameters, **tokens)
    context.cost += Cost.of_model(teacher.num_parameters(), scored=scored) + Cost(teacher_tokens=scored)


def _vocabulary(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> dict[str, int]:
    """The tokens for which the model has a logit; a tokenizer may know more, which can never be sampled."""
    size = model.config.get_text_config().vocab_size
    return {token: i for token, i in tokenizer.get_vocab().items() if i < size}


def distiller(
    trainer_class: type,
    collator: type[Collator],
    run: Run,
    teacher: PreTrainedModel,
    rows: Sequence[Example],
    params: DistillationParams,
    context: StageContext,
    **settings: Any,
) -> Any:
    """The trainer of a distillation on `rows`, in this order; `settings` are additional settings of TRL."""
    from datasets import Dataset
    from trl.experimental.gkd import GKDConfig

    config = GKDConfig(
        **supervised_settings(context, params, rows),
        beta=params.beta,
        temperature=params.temperature,
        max_new_tokens=params.max_tokens,
        **settings,
    )
    sampling = Sampling(params.temperature, params.max_tokens, context.seed)
    return trainer_class(
        sampling,
        model=run.model,
        teacher_model=teacher,
        args=config,
        processing_class=run.tokenizer,
        train_dataset=Dataset.from_list(list(map(dict, rows))),
        data_collator=collator(run.tokenizer.pad_token_id),
    )


class Collator:
    """Batches of tokenized traces for GKD: whole sequences with labels, and the prompts separately."""

    def __init__(self, pad: int) -> None:
        self._pad = pad

    def __call__(self, rows: list[Example]) -> dict[str, torch.Tensor]:
        ids, mask = padded_with_mask([row["input_ids"] for row in rows], self._pad)
        prompts = [row["input_ids"][: row["completion_mask"].index(1)] for row in rows]
        prompt_ids, prompt_mask = padded_with_mask(prompts, self._pad)
        labels = padded([labels_of(row) for row in rows], IGNORED)
        return {
            "input_ids": ids,
            "attention_mask": mask,
            "labels": labels,
            "prompts": prompt_ids,
            "prompt_attention_mask": prompt_mask,
        }


class Spent:
    """Tokens so far: `trained` on, `sampled` from the student, and `scored` by the teacher."""

    def __init__(self) -> None:
        self.trained = self.sampled = self.scored = 0

    def state(self) -> dict[str, int]:
        return {"trained": self.trained, "sampled": self.sampled, "scored": self.scored}

    def restore(self, state: dict[str, int]) -> None:
        self.trained, self.sampled, self.scored = state["trained"], state["sampled"], state["scored"]

    def by_all(self) -> dict[str, int]:
        """The sums over all processes."""
        return parallel.all_sum(self.state())

    def tokens(self, taught: bool = False) -> dict[str, int]:
        """The sums over all processes for the curve; `taught` counts scored tokens as those of another teacher."""
        counts = self.by_all()
        row = {"train_tokens": counts["trained"], "rollout_tokens": counts["sampled"]}
        return {**row, "teacher_tokens": counts["scored"]} if taught else row


class SlmrSampling:
    """A mixin for TRL's trainers: slmr's sampler, and `spent`, which counts the tokens."""

    def __init__(self, sampling: Sampling, **arguments: Any) -> None:
        super().__init__(**arguments)
        trainer: Any = self
        self.sampling, self._sampler = sampling, Sampler(trainer.model, trainer.processing_class)
        self.spent = Spent()

    def fill(self, rows: list[Generation]) -> None:
        """Samples the completions of the rows, and counts their tokens."""
        self._sampler.fill(rows, self.sampling)
        self.spent.sampled += sum(len(row.ids) for row in rows)
