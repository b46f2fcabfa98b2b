"""The transformers engine beside plain `model.generate`, on the same prompts, in turns in the same run.

    python benchmarks/engine.py                                  # the lab students
    python benchmarks/engine.py --model smollm2 --prompts 64 --batch 32 --max-tokens 128
    python benchmarks/engine.py --compile                        # compiled steps beside the engine without them

Both decode greedily in float32. `generate` takes the prompts in the order given, in batches of the same
size, as a script that calls it does. Tokens that count are those up to the end mark, the same for both:
completions that differ are listed. Prints Markdown.
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

Work = Callable[[], list[str]]  # a pass over all prompts, and what came of it


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", nargs="*", default=["lab-llama", "lab-qwen"])
    parser.add_argument("--tasks", default=None, help="default: lab for lab students, paper for others")
    parser.add_argument("--prompts", type=int, default=1000, help="in all, the same number of each task")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--max-tokens", type=int, default=96)
    parser.add_argument("-n", type=int, default=3, help="rounds of each, after a warm-up")
    parser.add_argument(
        "--compile", action="store_true", help="the engine compiled beside the engine as it is"
    )
    a = parser.parse_args()
    print(f"{a.prompts} prompts, batch {a.batch}, at most {a.max_tokens} new tokens, float32.\n")
    print(table([measured(name, a) for name in a.model]))


def ratios(n: int = 3) -> list[Ratio]:
    """Of the two lab students."""
    settings = argparse.Namespace(
        tasks="lab", prompts=1000, batch=256, max_tokens=96, n=n, compile=False
    )  # fmt: skip
    return [measured(name, settings) for name in ("lab-llama", "lab-qwen")]


def measured(name: str, a: argparse.Namespace) -> Ratio:
    """The engine beside `generate`, or compiled beside not compiled."""
    model = resolve_model(name)
    settings = EngineSettings(batch_size=a.batch, device="cpu", dtype="float32")
    engine = TransformersEngine(model.location, settings)  # type: ignore[arg-type]
    edition = a.tasks or ("lab" if model.kind == "lab" else "paper")
    prompts = prompts_of(edition, a.prompts)
    theirs, ours = plain(engine, prompts, a), slots(engine, prompts, a)
    if a.compile:
        compiled = TransformersEngine(model.location, settings.model_copy(update={"compile": True}))  # type: ignore[arg-type]
        theirs, ours = ours, slots(compiled, prompts, a)
    mine: list[str] = []
    other: list[str] = []
    pairs = in_turns(timed(ours, mine), timed(theirs, other), a.n)
    tokens = sum(len(engine.tokenizer(text)["input_ids"]) + 1 for text in mine)  # type: ignore[arg-type]
    same = sum(x == y for x, y in zip(mine, other, strict=True))
    peer = "the engine as it is" if a.compile else "`model.generate`"
    what = f"{'compiled engine' if a.compile else 'engine'}, {model.name}"
    found = Ratio(f"engine_{model.name}", what, peer, pairs)
    note = f"{tokens / found.ours:,.0f} tokens a second; {same} of {len(prompts)} completions the same"
    return replace(found, note=note)


def prompts_of(edition: str, count: int) -> list[Prompt]:
    """As many of each task, in a random but fixed order: as they come to somebody who does not sort."""
    tasks = select_tasks(edition)
    each = -(-count // len(tasks))
    found = [Prompt(task.prompt(item.problem)) for task in tasks for item in task.items("test", each)]
    random.Random(0).shuffle(found)
    return found[:count]


def timed(work: Work, texts: list[str]) -> Callable[[], float]:
    """Its seconds, each time that it is called; what it wrote the last time is in `texts`."""

    def run() -> float:
        start = time.perf_counter()
        texts[:] = work()
        return time.perf_counter() - start

    return run


def slots(engine: Any, prompts: Sequence[Prompt], arguments: argparse.Namespace) -> Work:
    sampling = Sampling(0.0, arguments.max_tokens, 0)
    return lambda: [done.text for done in engine.generate(prompts, sampling)]


def plain(engine: Any, prompts: Sequence[Prompt], arguments: argparse.Namespace) -> Work:
    """transformers as its manual uses it: template, left padding, generate, decode."""
    import torch

    tokenizer, model = engine.tokenizer, engine.model

    def work() -> list[str]:
        texts: list[str] = []
        for start in range(0, len(prompts), arguments.batch):
            chats = [prompt.messages() for prompt in prompts[start : start + arguments.batch]]
            inputs = tokenizer.apply_chat_template(
                chats, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True
            )
            with torch.inference_mode():
                ids = model.generate(**inputs, max_new_tokens=arguments.max_tokens, do_sample=False)
            texts += tokenizer.batch_decode(ids[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        return texts

    return work


if __name__ == "__main__":
    main()
