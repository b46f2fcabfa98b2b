"""Direct preference optimisation (2305.18290) with TRL's DPOTrainer, on pairs of completions of a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from pydantic import Field

from slmr.artifacts import Cost
from slmr.config import MAX_SIDE_BY_SIDE
from slmr.curriculum.schema import PAIRS, Pair
from slmr.engines import Prompt
from slmr.engines.transformers import encode, encode_completion
from slmr.errors import WorkError
from slmr.stage import StageContext, stage
from slmr.training.supervised import SupervisedParams, schedule_rows, supervised_settings, train_on
from slmr.training.trainer import Run

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class DpoParams(SupervisedParams):
    """`beta` is the strength of the KL constraint to the initial student, as in the paper; a batch is one of pairs."""

    learning_rate: float = Field(default=5e-5, gt=0)
    batch_size: int = Field(default=16, ge=1, le=MAX_SIDE_BY_SIDE)
    beta: float = Field(default=0.1, gt=0)


@stage(
    "dpo",
    DpoParams,
    {"model": "one", "pairs": "one", "validation": "optional"},
    random=True,
    trains=True,
    version=2,
)
def dpo_stage(context: StageContext, params: DpoParams) -> None:
    """Trains on the pairs; writes `model/` and the run's curve.

    Raises:
        RequestError: validation is requested, but no problem is held out.
        WorkError: there is no pair, or none that is short enough.
    """
    pairs = PAIRS.read(context.input("pairs"))
    if not pairs:
        raise WorkError("no pair to train on: no problem has a right and a wrong completion; use a larger pool or k")
    run = Run(context)
    fitting = [row for row in (tokenize_pair(run.tokenizer, p) for p in pairs) if longest(row) <= params.max_length]
    context.stats |= {"pairs": len(pairs), "dropped_too_long": len(pairs) - len(fitting)}
    if not fitting:
        raise WorkError(f"every pair is longer than max_length = {params.max_length} tokens: raise it")
    rows = schedule_rows(fitting, longest, params, context.seed)
    run.validate(params)
    trainer = _trainer(run, rows, params, context)
    # Both completions of each pair are trained on, each after the prompt.
    tokens = [2 * len(r["prompt_ids"]) + len(r["chosen_ids"]) + len(r["rejected_ids"]) for r in rows]
    trained = train_on(run, trainer, tokens, params.batch_size)
    # The reference model reads every token once, too.
    context.cost += Cost.of_model(run.parameters, trained=trained, scored=trained)


class TokenizedPair(TypedDict):
    """A preference in token ids."""

    prompt_ids: list[int]
    chosen_ids: list[int]
    rejected_ids: list[int]


def tokenize_pair(tokenizer: PreTrainedTokenizerBase, pair: Pair) -> TokenizedPair:
    """Token ids of a pair's prompt and both completions, encoded as everywhere else."""
    prompt = Prompt(pair["prompt"])
    return {
        "prompt_ids": encode(tokenizer, prompt),
        "chosen_ids": encode_completion(tokenizer, prompt, pair["chosen"]),
        "rejected_ids": encode_completion(tokenizer, prompt, pair["rejected"]),
    }


def longest(row: TokenizedPair) -> int:
    """Tokens of the prompt and the longer completion."""
    return len(row["prompt_ids"]) + max(len(row["chosen_ids"]), len(row["rejected_ids"]))


def _trainer(run: Run, rows: list[TokenizedPair], params: DpoParams, context: StageContext) -> Any:
    from datasets import Dataset
    from trl import DPOConfig

    from slmr.training.dpo_trainer import TokenizedDPOTrainer

    return TokenizedDPOTrainer(
        model=run.model,
        processing_class=run.tokenizer,
        train_dataset=Dataset.from_list(list(map(dict, rows))),
        args=DPOConfig(**supervised_settings(context, params, rows), beta=params.beta),
    )
