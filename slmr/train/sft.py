"""Supervised fine-tuning on traces, with TRL's SFTTrainer: cross-entropy on completions only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from slmr.engines import Prompt
from slmr.engines.transformers import encode, encode_completion, load_model, load_tokenizer
from slmr.errors import WorkError
from slmr.stage import Params, StageContext, stage
from slmr.store import Cost, read_rows
from slmr.train.common import progress_callback, save_model, seed_everything, silent, trainer_settings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TRACES = "traces.parquet"


class SftParams(Params):
    """`share` scales the epochs: a method with several SFT stages spreads one budget over them."""

    learning_rate: float = Field(default=5e-4, gt=0)
    epochs: float = Field(default=3.0, gt=0)
    share: float = Field(default=1.0, gt=0, le=1)
    batch_size: int = Field(default=32, ge=1)
    warmup_share: float = Field(default=0.1, ge=0, le=1)
    max_length: int = Field(default=512, ge=8)


@stage("sft", SftParams, {"model": "one", "traces": "many"}, random=True)
def sft_stage(context: StageContext, params: SftParams) -> None:
    """Train on the traces of all inputs together; writes `model/`.

    Raises:
        WorkError: there is no trace to train on, or the loss diverged.
    """
    traces = [row for folder in context.folders("traces") for row in read_rows(folder / TRACES)]
    if not traces:
        raise WorkError("no trace to train on: the selected groups are empty; use a larger pool")
    source = context.model("model")
    seed_everything(context.seed)
    tokenizer, model = load_tokenizer(source), load_model(source, context.engine.device)
    rows = tokenize(tokenizer, traces, params.max_length)
    context.stats |= {"traces": len(traces), "dropped_too_long": len(traces) - len(rows)}
    trainer = _trainer(model, tokenizer, rows, params, context)
    trainer.train()
    tokens = round(sum(len(r["input_ids"]) for r in rows) * params.epochs * params.share)
    context.cost += Cost(train_tokens=tokens, flops=6.0 * model.num_parameters() * tokens)
    save_model(model, tokenizer, context.folder)


def tokenize(
    tokenizer: PreTrainedTokenizerBase, traces: Sequence[dict[str, Any]], max_length: int
) -> list[dict[str, list[int]]]:
    """Token ids and completion mask of each trace; one longer than `max_length` is left out, not cut.

    Prompt and prefix carry no loss: a repair is learnt as the continuation of a correct prefix.
    """
    rows = []
    for trace in traces:
        prompt = Prompt(trace["prompt"], trace["prefix"])
        head = encode(tokenizer, prompt)
        tail = encode_completion(tokenizer, prompt, trace["completion"])
        if len(head) + len(tail) <= max_length:
            rows.append({"input_ids": head + tail, "completion_mask": [0] * len(head) + [1] * len(tail)})
    return rows


def _trainer(
    model: Any, tokenizer: Any, rows: list[dict[str, list[int]]], params: SftParams, context: StageContext
):
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(
        **trainer_settings(context),
        num_train_epochs=params.epochs * params.share,
        per_device_train_batch_size=params.batch_size,
        learning_rate=params.learning_rate,
        warmup_steps=params.warmup_share,
        lr_scheduler_type="cosine",
        max_length=params.max_length,
        completion_only_loss=True,
        train_sampling_strategy="group_by_length",
        logging_steps=10,
    )
    return silent(
        SFTTrainer(
            model=model, args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer,
            callbacks=[progress_callback(context)],
        )
    )  # fmt: skip
