"""Direct preference optimisation (2305.18290) with TRL's DPOTrainer, on pairs of completions of one problem."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from pydantic import Field

from slmr.artifacts import Cost
from slmr.config import TrainingSettings
from slmr.engines import Prompt
from slmr.engines.transformers import encode, encode_completion
from slmr.errors import WorkError
from slmr.io import read_rows
from slmr.stage import StageContext, stage
from slmr.training.curve import Curve
from slmr.training.sft import schedule
from slmr.training.trainer import open_student, progress_callback, run, supervised_settings
from slmr.training.validation import ValidationParams, open_validation

PAIRS = "pairs.parquet"


class DpoParams(ValidationParams):
    """`beta` holds the student to where it started, as in the paper; a batch is so many pairs."""

    learning_rate: float = Field(default=5e-5, gt=0)
    epochs: float = Field(default=3.0, gt=0)
    batch_size: int = Field(default=16, ge=1)
    warmup_share: float = Field(default=0.1, ge=0, le=1)
    beta: float = Field(default=0.1, gt=0)
    max_length: int = Field(default=512, ge=8)

    def fits(self, training: TrainingSettings) -> None:
        training.share(self.batch_size, "batch_size")


@stage(
    "dpo", DpoParams, {"model": "one", "pairs": "one", "validation": "optional"}, random=True, trains=True
)  # fmt: skip
def dpo_stage(context: StageContext, params: DpoParams) -> None:
    """Train on the pairs; writes `model/` and the run's curve.

    Raises:
        RequestError: validation is asked for, but no problem is held out.
        WorkError: there is no pair, or none that fits.
    """
    pairs = read_rows(context.input("pairs") / PAIRS)
    if not pairs:
        raise WorkError(
            "no pair to train on: no problem has a right and a wrong completion; use a larger pool or k"
        )
    tokenizer, model, parameters = open_student(context)
    rows = [row for row in (tokenized(tokenizer, p) for p in pairs) if longest(row) <= params.max_length]
    context.stats |= {"pairs": len(pairs), "dropped_too_long": len(pairs) - len(rows)}
    if not rows:
        raise WorkError(f"every pair is longer than max_length = {params.max_length} tokens: raise it")
    steps = max(1, round(len(rows) * params.epochs / params.batch_size))
    order = schedule([longest(row) for row in rows], steps, params.batch_size, context.seed)
    # Both completions of each pair are trained on, each behind the prompt.
    sizes = [2 * len(r["prompt_ids"]) + len(r["chosen_ids"]) + len(r["rejected_ids"]) for r in rows]
    tokens = list(accumulate(sizes[i] for i in order))
    curve = Curve()
    validation = open_validation(model, tokenizer, params, curve, context)
    trainer = _trainer(model, tokenizer, [rows[i] for i in order], steps, params, context)

    def told(step: int) -> dict[str, float]:
        return {"train_tokens": tokens[step * params.batch_size - 1]}

    trainer.add_callback(progress_callback(context, curve, told))
    run(trainer, context, curve, validation)
    trained = tokens[trainer.state.global_step * params.batch_size - 1]
    # The reference model reads every token once, too.
    context.cost += Cost(train_tokens=trained, flops=8.0 * parameters * trained)


def tokenized(tokenizer: Any, pair: dict[str, Any]) -> dict[str, list[int]]:
    """Prompt and both completions of a pair as ids, encoded as everywhere else."""
    prompt = Prompt(pair["prompt"])
    return {
        "prompt_ids": encode(tokenizer, prompt),
        "chosen_ids": encode_completion(tokenizer, prompt, pair["chosen"]),
        "rejected_ids": encode_completion(tokenizer, prompt, pair["rejected"]),
    }


def longest(row: dict[str, list[int]]) -> int:
    """Tokens of the prompt and the longer completion."""
    return len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"]))


def _trainer(
    model: Any, tokenizer: Any, rows: list[dict[str, list[int]]], steps: int, params: DpoParams,
    context: StageContext,
) -> Any:  # fmt: skip
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    class Prepared(DPOTrainer):
        """On rows that are token ids already."""

        def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
            return dataset

    config = DPOConfig(**supervised_settings(context, params, steps), beta=params.beta)
    return Prepared(
        model=model, args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer
    )
