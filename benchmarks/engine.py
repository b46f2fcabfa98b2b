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
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from slmr.engines import Prompt, Sampling
from slmr.engines.models import resolve_model
from slmr.engines.transformers import TransformersEngine
from slmr.stage import EngineSettings
from slmr.tasks import select_tasks


class Round(NamedTuple):
    """Wall seconds and CPU seconds of one pass over all prompts, and the texts."""

    wall: float
    cpu: float
    texts: list[str]


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
    arguments = parser.parse_args()
    names = ("slmr", "slmr compiled") if arguments.compile else ("generate", "slmr")
    print(f"{arguments.prompts} prompts, batch {arguments.batch}, at most {arguments.max_tokens} new tokens, float32,"
          f" {os.cpu_count()} cores; {arguments.n} rounds each, in turns, after one warm-up.\n")  # fmt: skip
    print(f"| model | tokens | {names[0]}, tokens/s | {names[1]}, tokens/s | ratio of medians | pairwise |"
          " CPU ratio | same |")  # fmt: skip
    print("|---|---:|---:|---:|---:|---|---:|---:|")
    for name in arguments.model:
        print(measured(name, arguments), flush=True)


def measured(name: str, arguments: argparse.Namespace) -> str:
    """One line of the table."""
    model = resolve_model(name)
    settings = EngineSettings(batch_size=arguments.batch, device="cpu", dtype="float32")
    engine = TransformersEngine(model.location, settings)  # type: ignore[arg-type]
    edition = arguments.tasks or ("lab" if model.kind == "lab" else "paper")
    prompts = prompts_of(edition, arguments.prompts)
    theirs, ours = plain(engine, prompts, arguments), slots(engine, prompts, arguments)
    if arguments.compile:
        start = time.perf_counter()
        compiled = TransformersEngine(model.location, settings.model_copy(update={"compile": True}))  # type: ignore[arg-type]
        theirs, ours = ours, slots(compiled, prompts, arguments)
        ours()
        print(f"compiling and a first pass: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    theirs(), ours()
    rounds = [(theirs(), ours()) for _ in range(arguments.n)]
    tokens = sum(len(engine.tokenizer(text)["input_ids"]) + 1 for text in rounds[0][0].texts)  # type: ignore[arg-type]
    same = sum(a == b for a, b in zip(rounds[0][0].texts, rounds[0][1].texts, strict=True))
    a, b = (statistics.median(r[i].wall for r in rounds) for i in (0, 1))
    cpu = statistics.median(r[0].cpu for r in rounds) / statistics.median(r[1].cpu for r in rounds)
    pairwise = [x.wall / y.wall for x, y in rounds]
    return (
        f"| {model.name} | {tokens} | {tokens / a:,.0f} | {tokens / b:,.0f} | {a / b:.2f} |"
        f" {min(pairwise):.2f} to {max(pairwise):.2f} | {cpu:.2f} | {same} of {len(prompts)} |"
    )


def prompts_of(edition: str, count: int) -> list[Prompt]:
    """As many of each task, in a random but fixed order: as they come to somebody who does not sort."""
    tasks = select_tasks(edition)
    each = -(-count // len(tasks))
    found = [Prompt(task.prompt(item.problem)) for task in tasks for item in task.items("test", each)]
    random.Random(0).shuffle(found)
    return found[:count]


def timed(work: Callable[[], list[str]]) -> Callable[[], Round]:
    def run() -> Round:
        wall, cpu = time.perf_counter(), time.process_time()
        texts = work()
        return Round(time.perf_counter() - wall, time.process_time() - cpu, texts)

    return run


def slots(engine: Any, prompts: Sequence[Prompt], arguments: argparse.Namespace) -> Callable[[], Round]:
    sampling = Sampling(0.0, arguments.max_tokens, 0)
    return timed(lambda: [done.text for done in engine.generate(prompts, sampling)])


def plain(engine: Any, prompts: Sequence[Prompt], arguments: argparse.Namespace) -> Callable[[], Round]:
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

    return timed(work)


if __name__ == "__main__":
    main()
