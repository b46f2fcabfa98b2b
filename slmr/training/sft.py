"""Supervised fine-tuning on traces, with TRL's SFTTrainer: cross-entropy on completions only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypedDict

from pydantic import Field

from slmr.artifacts import Cost
from slmr.curriculum.schema import PROBLEMS, TRACES, Trace
from slmr.engines import Prompt
from slmr.engines.scoring import IGNORED
from slmr.engines.transformers import encode, encode_completion
from slmr.errors import WorkError
from slmr.stage import InputRule, StageContext, stage
from slmr.training.supervised import SupervisedParams, schedule_rows, supervised_settings, train_on
from slmr.training.trainer import Run

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TRACE_INPUTS: dict[str, InputRule] = {"model": "one", "traces": "many", "validation": "optional"}


class TraceParams(SupervisedParams):
    """`share` scales the epochs: a method with several SFT stages divides one budget among them."""

    share: float = Field(default=1.0, gt=0, le=1)


class SftParams(TraceParams):
    """`loss`: `nll` is a token's negative log-likelihood; `dft` multiplies it by the probability (2508.05629)."""

    loss: Literal["nll", "dft"] = "nll"


@stage("sft", SftParams, {**TRACE_INPUTS, "epochs_of": "optional"}, random=True, trains=True, version=3)
def sft_stage(context: StageContext, params: SftParams) -> None:
    """Trains on the traces of all inputs together; writes `model/` and the run's curve.

    With `epochs_of` an epoch has as many rows as there are problems in that input, whatever the number of traces: fewer
    traces are then repeated more often, with the same number of updates.

    Raises:
        RequestError: validation is requested, but no problem is held out.
        WorkError: there is no trace to train on, or the loss diverged.
    """
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    traces = some_traces(context)
    run = Run(context)
    epoch = len(PROBLEMS.read(context.input("epochs_of"))) if context.inputs.get("epochs_of") else None
    rows = schedule_rows(
        fitting(run.tokenizer, traces, params, context), length, params, context.seed, params.share, epoch
    )
    run.validate(params)
    trainer = SFTTrainer(
        model=run.model,
        processing_class=run.tokenizer,
        train_dataset=Dataset.from_list(list(map(dict, rows))),
        args=SFTConfig(**supervised_settings(context, params, rows), completion_only_loss=True, loss_type=params.loss),
    )
    trained = train_on(run, trainer, list(map(length, rows)), params.batch_size)
    context.cost += Cost.of_model(run.parameters, trained=trained)


class Example(TypedDict):
    """A tokenized trace: token ids, and a mask with 1 for the completion, 0 for prompt and prefix."""

    input_ids: list[int]
    completion_mask: list[int]


def length(example: Example) -> int:
    """Tokens of a tokenized trace."""
    return len(example["input_ids"])


def labels_of(example: Example) -> list[int]:
    """The token ids of the completion, with `IGNORED` for all other tokens."""
    pairs = zip(example["input_ids"], example["completion_mask"], strict=True)
    return [token if in_completion else IGNORED for token, in_completion in pairs]


def trace_rows(context: StageContext) -> list[Trace]:
    """The traces of all inputs together."""
    return [row for folder in context.folders("traces") for row in TRACES.read(folder)]


def some_traces(context: StageContext) -> list[Trace]:
    """The traces of all inputs together.

    Raises:
        WorkError: there is none.
    """
    traces = trace_rows(context)
    if not traces:
        raise WorkError(
            "no trace to train on: the selected groups are empty, or none of the teacher's traces verifies; use a"
            " larger pool or another teacher"
        )
    return traces


def fitting(
    tokenizer: PreTrainedTokenizerBase, traces: Sequence[Trace], params: TraceParams, context: StageContext
) -> list[Example]:
    """The tokenized traces of at most `max_length` tokens; their number is added to the statistics.

    Raises:
        WorkError: there is none.
    """
    rows = tokenize(tokenizer, traces, params.max_length)
    context.stats |= {"traces": len(traces), "dropped_too_long": len(traces) - len(rows)}
    if not rows:
        raise WorkError(f"every trace is longer than max_length = {params.max_length} tokens: raise it")
    return rows


def first_traces(context: StageContext) -> dict[str, str]:
    """Problem id → its first trace without prefix; the number of these problems is added to the statistics."""
    whole = [row for row in trace_rows(context) if not row["prefix"]]
    first = {row["problem_id"]: row["completion"] for row in reversed(whole)}
    context.stats["problems_with_trace"] = len(first)
    return first


def tokenize(tokenizer: PreTrainedTokenizerBase, traces: Sequence[Trace], max_length: int) -> list[Example]:
    """Token ids and completion mask of each trace; traces longer than `max_length` are left out, not cut.

    Prompt and prefix have no loss: a repair is learnt as the continuation of a correct prefix.
    """
    rows: list[Example] = []
    for trace in traces:
        prompt = Prompt(trace["prompt"], trace["prefix"])
        head = encode(tokenizer, prompt)
        tail = encode_completion(tokenizer, prompt, trace["completion"])
        if len(head) + len(tail) <= max_length:
            rows.append({"input_ids": head + tail, "completion_mask": [0] * len(head) + [1] * len(tail)})
    return rows
