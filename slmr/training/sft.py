"""Supervised fine-tuning on traces, with TRL's SFTTrainer: cross-entropy on completions only."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING, Any

from pydantic import Field

from slmr.artifacts import Cost
from slmr.config import TrainingSettings
from slmr.engines import Prompt
from slmr.engines.transformers import encode, encode_completion
from slmr.errors import WorkError
from slmr.io import read_rows
from slmr.stage import StageContext, stage
from slmr.training.curve import Curve
from slmr.training.trainer import open_student, progress_callback, run, supervised_settings
from slmr.training.validation import ValidationParams, open_validation

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TRACES = "traces.parquet"


class SftParams(ValidationParams):
    """`share` scales the epochs: a method with several SFT stages spreads one budget over them.

    `max_length` is of prompt and completion in training, `max_tokens` of a completion in validation.
    """

    learning_rate: float = Field(default=5e-4, gt=0)
    epochs: float = Field(default=3.0, gt=0)
    share: float = Field(default=1.0, gt=0, le=1)
    batch_size: int = Field(default=32, ge=1)
    warmup_share: float = Field(default=0.1, ge=0, le=1)
    max_length: int = Field(default=512, ge=8)

    def fits(self, training: TrainingSettings) -> None:
        training.share(self.batch_size, "batch_size")


@stage(
    "sft", SftParams, {"model": "one", "traces": "many", "validation": "optional"}, random=True,
    trains=True, version=2,
)  # fmt: skip
def sft_stage(context: StageContext, params: SftParams) -> None:
    """Train on the traces of all inputs together; writes `model/` and the run's curve.

    Raises:
        RequestError: validation is asked for, but no problem is held out.
        WorkError: there is no trace to train on, or the loss diverged.
    """
    traces = some_traces(context)
    tokenizer, model, parameters = open_student(context)
    rows = fitting(tokenizer, traces, params, context)
    steps = max(1, round(len(rows) * params.epochs * params.share / params.batch_size))
    order = schedule([len(row["input_ids"]) for row in rows], steps, params.batch_size, context.seed)
    curve = Curve()
    validation = open_validation(model, tokenizer, params, curve, context)
    trainer = _trainer(model, tokenizer, [rows[i] for i in order], steps, params, curve, context)
    run(trainer, context, curve, validation)
    seen = order[: trainer.state.global_step * params.batch_size]
    tokens = sum(len(rows[i]["input_ids"]) for i in seen)
    context.cost += Cost(train_tokens=tokens, flops=6.0 * parameters * tokens)


def trace_rows(context: StageContext) -> list[dict[str, Any]]:
    """The traces of all inputs together."""
    return [row for folder in context.folders("traces") for row in read_rows(folder / TRACES)]


def some_traces(context: StageContext) -> list[dict[str, Any]]:
    """The traces of all inputs together.

    Raises:
        WorkError: there is none.
    """
    traces = trace_rows(context)
    if not traces:
        raise WorkError(
            "no trace to train on: the selected groups are empty or no trace of the teacher verifies; use a larger pool"
            " or another teacher"
        )
    return traces


def fitting(
    tokenizer: Any, traces: Sequence[dict[str, Any]], params: SftParams, context: StageContext
) -> list[dict[str, list[int]]]:
    """The tokenized traces of at most `max_length` tokens; how many there are goes into the statistics.

    Raises:
        WorkError: there is none.
    """
    rows = tokenize(tokenizer, traces, params.max_length)
    context.stats |= {"traces": len(traces), "dropped_too_long": len(traces) - len(rows)}
    if not rows:
        raise WorkError(f"every trace is longer than max_length = {params.max_length} tokens: raise it")
    return rows


def completions(context: StageContext) -> dict[str, str]:
    """The first whole trace of each problem, by the problem's id."""
    found: dict[str, str] = {}
    for row in trace_rows(context):
        if not row["prefix"]:
            found.setdefault(row["problem_id"], row["completion"])
    return found


def schedule(lengths: Sequence[int], steps: int, batch_size: int, seed: int) -> list[int]:
    """Which row is trained on when: `steps` batches, each of rows of similar length, in random order.

    Every pass takes each row once; the whole plan is fixed by the seed, so that a run that goes on from a
    checkpoint sees what it would have seen.
    """
    rng, order = Random(seed), []
    while len(order) < steps * batch_size:
        rows = list(range(len(lengths)))
        rng.shuffle(rows)
        # Sorted within stretches of some batches: little padding, and yet another batch in every pass.
        stretch = 50 * batch_size
        for start in range(0, len(rows), stretch):
            rows[start : start + stretch] = sorted(rows[start : start + stretch], key=lambda i: -lengths[i])
        batches = [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)]
        rng.shuffle(batches)
        order += [i for batch in batches for i in batch]
    return order[: steps * batch_size]


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
    model: Any, tokenizer: Any, rows: list[dict[str, list[int]]], steps: int, params: SftParams, curve: Curve,
    context: StageContext,
) -> Any:  # fmt: skip
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(**supervised_settings(context, params, steps), completion_only_loss=True)
    # TRL's own count of tokens starts again at 0 in a resumed run.
    tokens = list(accumulate(len(row["input_ids"]) for row in rows))

    def seen(step: int) -> dict[str, float]:
        return {"train_tokens": tokens[step * params.batch_size - 1]}

    return SFTTrainer(
        model=model, args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer,
        callbacks=[progress_callback(context, curve, seen)],
    )  # fmt: skip
