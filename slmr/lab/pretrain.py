"""`slmr lab pretrain`: trains a lab student from scratch until it masters the known skills, or trains the teacher.

A student learns to write steps and never to answer without them. It sees few texts with half-seen skills, about half
of which misread them, and none with unseen skills. The teacher is lab-llama trained further, on all skills and without
misreadings. A killed run continues from its last checkpoint.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from pydantic import Field

from slmr.errors import RequestError, WorkError, check_known
from slmr.io import disk_faults, read_json, write_json
from slmr.lab import GENERATORS, MODELS, TEACHER, LabItem, model_path, stream, take
from slmr.lab.items import item_rng
from slmr.lab.tokenizer import build_tokenizer
from slmr.parsing import StrictModel

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

MAX_LENGTH = 512
_UNFINISHED = "unfinished"  # subfolder of the output folder with checkpoints, removed at the end

PromptTemplate = Callable[[str, str], str]  # (lab task, problem) → prompt

_SHAPE: dict[str, int] = {
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "max_position_embeddings": MAX_LENGTH,
}

# The usual 0.02 is meant for widths in the thousands; at width 128 the model would take several times as long to
# learn to copy numbers from the problem.
_INITIALIZER_RANGE = 0.08


class PretrainParams(StrictModel):
    """How a lab model is trained.

    Attributes:
        cycles: number of training cycles, each with new sequences and a learning rate that warms up and falls to 0.
        sequences: per cycle.
        misread_share: the share of the texts with a half-seen skill that misread it.
        split: the source of the problems: `pretrain` has no unseen skill, `teacher` has all.
        start: the model to train further; None for a new one.
        mixture: the share of each task among the sequences.
    """

    sequences: int = Field(default=192_000, ge=64)
    cycles: int = Field(default=3, ge=1)
    batch_size: int = Field(default=16, ge=1)
    learning_rate: float = Field(default=2e-3, gt=0)
    warmup_share: float = Field(default=0.03, ge=0, le=1)
    misread_share: float = Field(default=0.55, ge=0, le=1)
    split: Literal["pretrain", "teacher"] = "pretrain"
    seed: int = 0
    start: str | None = None
    mixture: dict[str, float] = {
        "lab_gsm8k": 0.3,
        "lab_mawps": 0.15,
        "lab_svamp": 0.2,
        "lab_math": 0.15,
        "lab_logiqa": 0.2,
    }


DEFAULTS = {
    "lab-llama": PretrainParams(seed=1),
    "lab-qwen": PretrainParams(seed=2),
    TEACHER: PretrainParams(
        seed=3,
        start="lab-llama",
        split="teacher",
        sequences=96_000,
        cycles=1,
        learning_rate=1e-3,
        misread_share=0.0,
    ),
}


def pretrain(name: str, out: Path, prompt: PromptTemplate, params: PretrainParams | None = None) -> dict[str, Any]:
    """Trains the lab model `name` and saves it to `out` as an ordinary transformers folder.

    `prompt` renders a problem as its task does; it is an argument because the lab may not import the tasks.
    Checkpoints are in `out` until the end; the same call continues from the last one.

    Returns: parameter count, sequences, tokens, and the mean training loss of the last cycle.

    Raises:
        RequestError: unknown model, or `out` is neither empty nor an unfinished training with these settings.
        WorkError: the folder cannot be written.
    """
    check_known("lab model", name, MODELS)
    params = params or DEFAULTS[name]
    with disk_faults(out):
        _claim(out, params)
    if params.start:
        model, tokenizer = _load_trained(params.start)
    else:
        tokenizer = build_tokenizer(_vocabulary_texts(prompt), MAX_LENGTH)
        model = _new_model(name, tokenizer, params.seed)
    cycles = [_cycle(model, tokenizer, prompt, params, out / _UNFINISHED, i) for i in range(params.cycles)]
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    shutil.rmtree(out / _UNFINISHED)
    tokens = sum(cycle["tokens"] for cycle in cycles)
    return {
        "parameters": model.num_parameters(),
        "sequences": params.cycles * params.sequences,
        "tokens": tokens,
        "loss": cycles[-1]["loss"],
    }


def _cycle(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    prompt: PromptTemplate,
    params: PretrainParams,
    folder: Path,
    cycle: int,
) -> dict[str, Any]:
    """Trains one cycle, or loads its result if it was finished before an interruption."""
    from safetensors.torch import load_model, save_model

    weights, done = folder / f"cycle-{cycle}.safetensors", folder / f"cycle-{cycle}.json"
    if done.is_file():
        load_model(model, weights)
        return read_json(done)
    params = params.model_copy(update={"seed": params.seed + 10 * cycle})  # new sequences in each cycle
    checkpoints = folder / f"cycle-{cycle}"
    report = _train(model, tokenizer, _pairs(params, prompt), params, checkpoints)
    shutil.rmtree(checkpoints)
    save_model(model, str(weights))
    write_json(done, report)
    return report


def _claim(out: Path, params: PretrainParams) -> None:
    """Creates `out`, or checks that it is empty or an unfinished training with the same settings."""
    settings = out / _UNFINISHED / "params.json"
    if settings.is_file() and PretrainParams.model_validate_json(settings.read_text()) == params:
        return
    if out.exists() and any(out.iterdir()):
        raise RequestError(f"{out} is not empty: choose another folder with --out")
    settings.parent.mkdir(parents=True)
    settings.write_text(params.model_dump_json())


def _pairs(params: PretrainParams, prompt: PromptTemplate) -> list[tuple[str, str]]:
    """(prompt, solution) of each sequence, the tasks mixed."""
    rng = item_rng("pretrain-mixture", params.seed)
    names = rng.choices(list(params.mixture), list(params.mixture.values()), k=params.sequences)
    streams = {name: _endless(name, params) for name in params.mixture}
    items = [(name, next(streams[name])) for name in names]
    return [(prompt(name, item.problem), _solution(item, rng, params.misread_share)) for name, item in items]


def _solution(item: LabItem, rng: Random, misread_share: float) -> str:
    misread = item.misread is not None and rng.random() < misread_share
    return (item.misread if misread and item.misread else item.solution).plain()


def _endless(name: str, params: PretrainParams) -> Iterator[LabItem]:
    """Endless items: when the distinct problems are used up, a new epoch starts."""
    for epoch in count():
        with suppress(WorkError):
            yield from stream(GENERATORS[name], params.split, params.seed * 1000 + epoch)


def _vocabulary_texts(prompt: PromptTemplate) -> list[str]:
    """Texts with every word of the lab: prompts, solutions and critiques."""
    texts = [
        text
        for name, generator in GENERATORS.items()
        for item in take(generator, "teacher", 800)
        for text in (prompt(name, item.problem), item.solution.plain())
    ]
    critique = "Attempt: Find the first wrong step. Step 1 is wrong: should be not. The answer is right."
    return [*texts, critique]


def _load_trained(name: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

    folder = model_path(name)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    return model, PreTrainedTokenizerFast.from_pretrained(folder)


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
    folder: Path,
) -> dict[str, Any]:
    from transformers import Trainer, TrainingArguments
    from transformers.trainer_utils import get_last_checkpoint

    rows = _encode(pairs, tokenizer)
    steps = len(rows) // params.batch_size
    settings = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=1,
        per_device_train_batch_size=params.batch_size,
        learning_rate=params.learning_rate,
        warmup_steps=params.warmup_share,
        lr_scheduler_type="cosine",
        weight_decay=0.01,
        train_sampling_strategy="group_by_length",
        seed=params.seed,
        report_to="none",
        save_strategy="steps",
        save_steps=max(1, steps // 20),
        save_total_limit=1,
        logging_steps=100,
        use_cpu=True,
        disable_tqdm=not os.isatty(2),
        dataloader_pin_memory=False,
        remove_unused_columns=False,
    )
    dataset: Any = rows  # the trainer only needs its length and rows by number
    trainer = Trainer(model=model, args=settings, train_dataset=dataset, data_collator=partial(_pad, tokenizer))
    result = trainer.train(resume_from_checkpoint=get_last_checkpoint(str(folder)))
    tokens = sum(len(row["input_ids"]) for row in rows)
    return {"tokens": tokens, "loss": result.training_loss}


def _encode(pairs: list[tuple[str, str]], tokenizer: PreTrainedTokenizerFast) -> list[dict[str, Any]]:
    """`input_ids` (an int16 array) and `prompt` (the number of leading tokens without loss) of each sequence."""
    heads = tokenizer([prompt for prompt, _ in pairs])["input_ids"]
    tails = tokenizer([solution for _, solution in pairs], add_special_tokens=False)["input_ids"]
    end = tokenizer.eos_token_id
    return [
        {"input_ids": np.array([*head, *tail, end], np.int16), "prompt": len(head)}
        for head, tail in zip(heads, tails, strict=True)
    ]


def _pad(tokenizer: PreTrainedTokenizerFast, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """A batch [rows, longest], padded on the right; labels are -100 on prompts and padding."""
    import torch

    longest = max(len(row["input_ids"]) for row in rows)
    ids = torch.full((len(rows), longest), cast(int, tokenizer.pad_token_id))
    labels = torch.full_like(ids, -100)
    for i, row in enumerate(rows):
        tokens = torch.from_numpy(row["input_ids"].astype(np.int64))
        ids[i, : len(tokens)] = tokens
        labels[i, row["prompt"] : len(tokens)] = tokens[row["prompt"] :]
    return {"input_ids": ids, "labels": labels}
