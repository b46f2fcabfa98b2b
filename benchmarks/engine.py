"""Compares the transformers engine with plain `model.generate`, on the same prompts, alternating in the same run.

    python benchmarks/engine.py                                  # the lab students
    python benchmarks/engine.py --model smollm2 --prompts 64 --batch 32 --max-tokens 128
    python benchmarks/engine.py --compile                        # compares compiled and uncompiled steps

Both decode greedily in float32. `generate` takes the prompts in the given order, in batches of the same size, as a
simple script would. The same tokens count for both, those up to the end token; completions that differ are counted.
Prints Markdown.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ratios import Ratio, in_turns, table

from slmr.config import EngineSettings
from slmr.engines import Prompt, Sampling
from slmr.engines.models import resolve_model
from slmr.engines.transformers import TransformersEngine
from slmr.tasks.registry import select_tasks

Work = Callable[[], list[str]]  # a pass over all prompts; returns the completions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="*", default=["lab-llama", "lab-qwen"])
    parser.add_argument("--tasks", default=None, help="default: lab for lab students, paper for others")
    parser.add_argument("--prompts", type=int, default=1000, help="in all, the same number of each task")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--max-tokens", type=int, default=96)
    parser.add_argument("-n", type=int, default=3, help="rounds of each, after a warm-up")
    parser.add_argument("--compile", action="store_true", help="the engine compiled beside the engine as it is")
    args = parser.parse_args()
    print(f"{args.prompts} prompts, batch {args.batch}, at most {args.max_tokens} new tokens, float32.\n")
    print(table([measure(name, args) for name in args.model]))


def ratios(n: int = 3) -> list[Ratio]:
    """The ratios of the two lab students."""
    settings = argparse.Namespace(tasks="lab", prompts=1000, batch=256, max_tokens=96, n=n, compile=False)
    return [measure(name, settings) for name in ("lab-llama", "lab-qwen")]


def measure(name: str, args: argparse.Namespace) -> Ratio:
    """Compares the engine with `generate`, or compiled with uncompiled steps."""
    model = resolve_model(name)
    settings = EngineSettings(batch_size=args.batch, device="cpu", dtype="float32")
    engine = TransformersEngine(model.location, settings)  # type: ignore[arg-type]
    edition = args.tasks or ("lab" if model.kind == "lab" else "paper")
    prompts = prompts_of(edition, args.prompts)
    theirs, ours = plain(engine, prompts, args), slots(engine, prompts, args)
    if args.compile:
        compiled = TransformersEngine(model.location, settings.model_copy(update={"compile": True}))  # type: ignore[arg-type]
        theirs, ours = ours, slots(compiled, prompts, args)
    mine: list[str] = []
    other: list[str] = []
    pairs = in_turns(timer(ours, mine), timer(theirs, other), args.n)
    tokens = sum(len(engine.tokenizer(text)["input_ids"]) + 1 for text in mine)  # type: ignore[arg-type]
    same = sum(x == y for x, y in zip(mine, other, strict=True))
    peer = "the engine as it is" if args.compile else "`model.generate`"
    what = f"{'compiled engine' if args.compile else 'engine'}, {model.name}"
    ratio = Ratio(f"engine_{model.name}", what, peer, pairs)
    note = f"{tokens / ratio.ours:,.0f} tokens a second; {same} of {len(prompts)} completions the same"
    return replace(ratio, note=note)


def prompts_of(edition: str, count: int) -> list[Prompt]:
    """Equally many prompts of each task, in a fixed random order, as for a user who does not sort them."""
    tasks = select_tasks(edition)
    each = -(-count // len(tasks))
    prompts = [Prompt(task.prompt(item.problem)) for task in tasks for item in task.items("test", each)]
    random.Random(0).shuffle(prompts)
    return prompts[:count]


def timer(work: Work, texts: list[str]) -> Callable[[], float]:
    """A function that runs the work and returns its seconds; the last completions are put into `texts`."""

    def run() -> float:
        start = time.perf_counter()
        texts[:] = work()
        return time.perf_counter() - start

    return run


def slots(engine: Any, prompts: Sequence[Prompt], args: argparse.Namespace) -> Work:
    sampling = Sampling(0.0, args.max_tokens, 0)
    return lambda: [done.text for done in engine.generate(prompts, sampling)]


def plain(engine: Any, prompts: Sequence[Prompt], args: argparse.Namespace) -> Work:
    """transformers as in its documentation: template, left padding, generate, decode."""
    import torch

    tokenizer, model = engine.tokenizer, engine.model

    def work() -> list[str]:
        texts: list[str] = []
        for start in range(0, len(prompts), args.batch):
            chats = [prompt.messages() for prompt in prompts[start : start + args.batch]]
            inputs = tokenizer.apply_chat_template(
                chats, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True
            )
            with torch.inference_mode():
                ids = model.generate(**inputs, max_new_tokens=args.max_tokens, do_sample=False)
            texts += tokenizer.batch_decode(ids[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        return texts

    return work


if __name__ == "__main__":
    main()
