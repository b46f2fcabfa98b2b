"""Measures a model's speed on this machine's CPU, with a few completions and a training step.

It measures CPU time divided by the number of threads, which does not depend on other processes: the seconds that idle
cores would take.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from slmr.engines import Prompt, Sampling
from slmr.engines.decode import Generation
from slmr.engines.sampler import Sampler
from slmr.engines.transformers import encode, load_model, load_tokenizer
from slmr.pipeline.estimate.hardware import ASSUMED, Assumptions
from slmr.pipeline.worker import quiet_libraries
from slmr.tasks import Task

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_SMALL = 20_000_000  # weights; in a smaller model more rows hardly cost more time
_LAB_ITEMS = 48  # per task, to run about as many side by side as an evaluation does
_LAB_MOST, _OTHER_MOST = 80, 16  # tokens of a completion


@dataclass(frozen=True)
class Speed:
    """Seconds per token, in a process with `threads` threads.

    Attributes:
        generated: of generating a completion in a batch.
        read: of reading a prompt or scoring a text.
        trained: of a forward and a backward pass, including a share of the optimizer's step.
    """

    generated: float
    read: float
    trained: float
    threads: int


def measure(folder: Path, tasks: Sequence[Task], threads: int | None) -> tuple[Speed, Assumptions]:
    """The speed of a folder's model, and the assumptions about its completions.

    With lab tasks it answers some of their problems, which takes seconds, and the measured lengths replace the
    assumed ones. Otherwise it continues a prompt of the assumed length for a few tokens.

    Raises:
        RequestError: the model cannot be read.
    """
    import torch

    quiet_libraries()
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        return _measure(folder, tasks, threads or before)
    finally:
        torch.set_num_threads(before)


def _measure(folder: Path, tasks: Sequence[Task], threads: int) -> tuple[Speed, Assumptions]:
    model, tokenizer = load_model(folder, "cpu"), load_tokenizer(folder)
    small = model.num_parameters() < _SMALL
    lab = _lab_prompts(tasks, tokenizer)
    prompts = lab or [tuple(range(int(ASSUMED.prompt_tokens)))] * (32 if small else 4)
    rows = [Generation(i, prompt, i) for i, prompt in enumerate(prompts)]
    sampler = Sampler(model, tokenizer)
    sampling = Sampling(1.0, _LAB_MOST if lab else _OTHER_MOST, seed=0)
    started, seconds, tokens = time.process_time(), 0.0, 0
    for done, _ in enumerate(sampler.run(rows, sampling, len(rows)), start=1):
        if done == len(rows) // 2:  # in the second half the batch empties, while a real stage would refill it
            seconds, tokens = (time.process_time() - started) / threads, sum(len(row.ids) for row in rows)
    read, trained = _passes(model, *((32, 64) if small else (2, 64)), threads)
    # The sampler reads equal prompts once.
    generated = max(0.0, seconds - read * sum(map(len, set(prompts)))) / tokens
    speed = Speed(generated, read, trained, threads)
    if not lab:
        return speed, ASSUMED
    mean = sum(len(row.ids) for row in rows) / len(rows)
    # The lab's traces are about as long as its students' completions.
    prompt = sum(map(len, prompts)) / len(prompts)
    return speed, replace(ASSUMED, prompt_tokens=prompt, trace_tokens=mean, completion_tokens=mean)


def _lab_prompts(tasks: Sequence[Task], tokenizer: PreTrainedTokenizerBase) -> list[tuple[int, ...]]:
    items = [(task, item) for task in tasks if task.lab_generator for item in task.items("test", _LAB_ITEMS)]
    return [tuple(encode(tokenizer, Prompt(task.prompt(item.problem)))) for task, item in items]


def _passes(model: PreTrainedModel, rows: int, length: int, threads: int) -> tuple[float, float]:
    """Seconds per token of a forward pass without gradients and of a training step, which changes the model."""
    import torch

    ids = torch.arange(rows * length).reshape(rows, length) % model.config.get_text_config().vocab_size
    optimizer = torch.optim.AdamW(model.parameters())

    def read() -> None:
        with torch.inference_mode():
            model(input_ids=ids)

    def train() -> None:
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    seconds = []
    for step in (read, train):
        step()  # warm-up: the first step allocates memory
        started = time.process_time()
        step()
        seconds.append((time.process_time() - started) / threads / ids.numel())
    return seconds[0], seconds[1]
