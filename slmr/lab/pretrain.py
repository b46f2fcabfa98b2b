"""`slmr lab pretrain`: trains a lab student from scratch to partial mastery of the five tasks, or their teacher.

The students are meant to be half-able: with K = 8 at temperature 1 each of simple, medium and hard
must hold at least a fifth of the training pool, or there is nothing to tell methods apart by. Their teacher is
lab-llama trained on, on more problems and never on an answer without its steps.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from slmr.config import StrictModel
from slmr.errors import RequestError, WorkError, unknown
from slmr.io import disk_faults
from slmr.lab import GENERATORS, MODELS, TEACHER, LabItem, model_path, stream, take
from slmr.lab.items import item_rng
from slmr.lab.tokenizer import build_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

MAX_LENGTH = 512

Prompt = Callable[[str, str], str]  # a lab task and a problem of it → the prompt

_SHAPE: dict[str, int] = {
    "hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 4, "max_position_embeddings": MAX_LENGTH,
}  # fmt: skip

# The usual 0.02 is meant for widths in the thousands; at width 128 it delays learning to copy numbers
# from the problem several times over.
_INITIALIZER_RANGE = 0.08


class PretrainParams(StrictModel):
    """How a lab model is made.

    `start` is the model whose training goes on, none for a new one. `mixture` is the share of each task among
    the sequences. `answer_only_share` of them give the answer without the steps, as found text does: so a
    student, like any base model, guesses some of the time.
    """

    sequences: int = Field(default=96_000, ge=64)
    batch_size: int = Field(default=16, ge=1)
    learning_rate: float = Field(default=2e-3, gt=0)
    warmup_share: float = Field(default=0.05, ge=0, le=1)
    answer_only_share: float = Field(default=0.2, ge=0, lt=1)
    seed: int = 0
    start: str | None = None
    mixture: dict[str, float] = {
        "lab_gsm8k": 0.35, "lab_mawps": 0.15, "lab_svamp": 0.15, "lab_math": 0.2, "lab_logiqa": 0.15,
    }  # fmt: skip


# The two architectures learn at different speeds: each gets what brings it to partial mastery.
DEFAULTS = {
    "lab-llama": PretrainParams(seed=1),
    "lab-qwen": PretrainParams(seed=2, sequences=128_000),
    TEACHER: PretrainParams(
        seed=3, start="lab-llama", sequences=128_000, learning_rate=1e-3, answer_only_share=0.0
    ),
}


def pretrain(name: str, out: Path, prompt: Prompt, params: PretrainParams | None = None) -> dict[str, Any]:
    """Train the lab model `name` and save it to `out` as an ordinary transformers folder.

    `prompt` asks as the tasks do, which lie above the lab.

    Returns: parameter count, sequences, tokens and the last training loss.

    Raises:
        RequestError: unknown model, or `out` holds something already.
        WorkError: the folder cannot be written.
    """
    if name not in MODELS:
        raise unknown("lab model", name, MODELS)
    if out.exists() and any(out.iterdir()):
        raise RequestError(f"{out} is not empty: choose another folder with --out")
    with disk_faults(out):
        out.mkdir(parents=True, exist_ok=True)
    params = params or DEFAULTS[name]
    pairs = _pairs(params, prompt)
    tokenizer = build_tokenizer(_vocabulary_texts(prompt), MAX_LENGTH)
    model = _trained(params.start) if params.start else _new_model(name, tokenizer, params.seed)
    report = _train(model, tokenizer, pairs, params)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return report


def _pairs(params: PretrainParams, prompt: Prompt) -> list[tuple[str, str]]:
    """(prompt, solution) of each sequence, the tasks mixed; all from split `pretrain`."""
    rng = item_rng("pretrain-mixture", params.seed)
    names = rng.choices(list(params.mixture), list(params.mixture.values()), k=params.sequences)
    streams = {name: _endless(name, params.seed) for name in params.mixture}
    items = [(name, next(streams[name])) for name in names]
    return [
        (
            prompt(name, item.problem),
            item.solution.closing if rng.random() < params.answer_only_share else item.solution.plain(),
        )
        for name, item in items
    ]


def _endless(name: str, seed: int) -> Iterator[LabItem]:
    """Items without end: small spaces run out of distinct problems, and start again, as an epoch does."""
    for epoch in count():
        with suppress(WorkError):
            yield from stream(GENERATORS[name], "pretrain", seed * 1000 + epoch)


def _vocabulary_texts(prompt: Prompt) -> list[str]:
    """Texts that hold every word of the lab: prompts, both styles, and what critiques say."""
    texts: list[str] = []
    for name, generator in GENERATORS.items():
        for item in take(generator, "pretrain", 1500):
            texts += [prompt(name, item.problem), item.solution.plain(), item.worked()]
    critique = "Attempt: Find the first wrong step. Step 1 is wrong: should be not. The answer is right."
    return [*texts, critique]


def _trained(name: str) -> PreTrainedModel:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(model_path(name), dtype="float32")


def _new_model(name: str, tokenizer: PreTrainedTokenizerFast, seed: int) -> PreTrainedModel:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

    common = {
        **_SHAPE,
        "initializer_range": _INITIALIZER_RANGE,
        "vocab_size": len(tokenizer),
        "tie_word_embeddings": True,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    torch.manual_seed(seed)
    if name == "lab-llama":
        return LlamaForCausalLM(LlamaConfig(**common))
    return Qwen2ForCausalLM(Qwen2Config(**common))


def _train(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    pairs: list[tuple[str, str]],
    params: PretrainParams,
) -> dict[str, Any]:
    from datasets import Dataset
    from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments

    rows = []
    for prompt, solution in pairs:
        head = list(tokenizer(prompt)["input_ids"])
        tail = [*tokenizer(solution, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        rows.append({"input_ids": head + tail, "labels": [-100] * len(head) + tail})
    with tempfile.TemporaryDirectory() as scratch:
        settings = TrainingArguments(
            output_dir=scratch, num_train_epochs=1, per_device_train_batch_size=params.batch_size,
            learning_rate=params.learning_rate, warmup_steps=params.warmup_share, lr_scheduler_type="cosine",
            weight_decay=0.01, train_sampling_strategy="group_by_length", seed=params.seed, report_to="none",
            save_strategy="no", logging_steps=50, use_cpu=True, disable_tqdm=not os.isatty(2),
            dataloader_pin_memory=False,
        )  # fmt: skip
        collator = DataCollatorForSeq2Seq(tokenizer, padding="longest")
        trainer = Trainer(
            model=model, args=settings, train_dataset=Dataset.from_list(rows), data_collator=collator
        )
        result = trainer.train()
    tokens = sum(len(row["input_ids"]) for row in rows)
    return {"parameters": model.num_parameters(), "sequences": len(rows), "tokens": tokens,
            "loss": result.training_loss}  # fmt: skip
