"""What `slmr eval` costs beside its engine, and how soon it starts, beside stock lm-evaluation-harness.

    python benchmarks/evaluation.py                       # lab-llama on the lab tasks

Whole processes, as a user starts them, in turns. Overhead: `slmr eval` against a script that opens the same
engine and generates the same completions, nothing else. Start: from the start of the process to the first
token of the first batch, against `lm_eval --model hf` on the same tasks and model. Prints Markdown.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from slmr.engines.models import resolve_model
from slmr.resources import resource

ENGINE_ALONE = """
import sys
from slmr.engines import open_engine, Sampling
from slmr.evaluate.answers import questions_of
from slmr.stage import EngineSettings
from slmr.tasks import select_tasks
from itertools import groupby
model, tasks, k, limit = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
engine = open_engine(model, EngineSettings(device="cpu", dtype="float32"))
for task in select_tasks(tasks):
    questions = questions_of(task, limit, k, 0)
    for start in range(0, len(questions), engine.unit):
        unit = [question.prompt for question in questions[start : start + engine.unit]]
        engine.generate(unit, Sampling(1.0 if k > 1 else 0.0, task.max_tokens, 0, task.stop))
"""

OUR_START = """
import os, sys, time
import slmr.engines.decode, slmr.engines.sampler
real, extend = slmr.engines.sampler.decode, slmr.engines.decode._extend
def first_token(*arguments):
    extend(*arguments)
    print(time.time(), file=sys.stderr)
    os._exit(0)
def decode(model, rows, slots, how):
    if how.max_tokens > 2:  # not the model's trial at opening
        slmr.engines.decode._extend = first_token
    yield from real(model, rows, slots, how)
slmr.engines.sampler.decode = decode
from slmr.cli import main
main(sys.argv[1:])
"""

THEIR_START = """
import os, sys, time
from transformers import LlamaForCausalLM
real = LlamaForCausalLM.forward
def first_token(self, *arguments, **named):
    real(self, *arguments, **named)
    print(time.time(), file=sys.stderr)
    os._exit(0)
LlamaForCausalLM.forward = first_token
from lm_eval.__main__ import cli_evaluate
sys.argv = ["lm_eval", *sys.argv[1:]]
cli_evaluate()
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="lab-llama")
    parser.add_argument("--tasks", default="lab")
    parser.add_argument("--k", type=int, default=4)
    parser.add_argument("--limit", type=int, default=600)
    parser.add_argument("-n", type=int, default=3, help="runs of each, in turns, after one warm-up of each")
    parser.add_argument("--only", choices=["overhead", "start"], help="one of the two lines")
    a = parser.parse_args()
    folder = str(resolve_model(a.model).location)
    task_folders = str(resource("tasks"))
    names = (
        ",".join(sorted(p.name for p in Path(task_folders).glob("lab_*"))) if a.tasks == "lab" else a.tasks
    )
    slmr_eval = [
        "eval",
        a.model,
        "--tasks",
        names,
        "--k",
        str(a.k),
        "--limit",
        str(a.limit),
        "--device",
        "cpu",
    ]
    lm_eval = ["--model", "hf", "--model_args", f"pretrained={folder},dtype=float32", "--include_path", task_folders,
               "--tasks", names, "--apply_chat_template", "--batch_size", "256", "--device", "cpu"]  # fmt: skip
    alone = ["-c", ENGINE_ALONE, folder, names, str(a.k), str(a.limit)]
    print(
        f"{a.model} on {names}, k = {a.k}, {a.limit} items a task; {a.n} runs each, in turns, after one warm-up.\n"
    )
    print(
        "| | seconds (median) | beside | seconds (median) | ratio of medians | pairwise |\n|---|---:|---|---:|---:|---|"
    )
    if a.only != "start":
        print(line("`slmr eval`, whole", lambda: wall(["-m", "slmr.cli", *slmr_eval]),
                   "engine alone", lambda: wall(alone), a.n), flush=True)  # fmt: skip
    if a.only != "overhead":
        print(line("`lm_eval`, to the first token", lambda: until_first_token(THEIR_START, lm_eval),
                   "`slmr eval`", lambda: until_first_token(OUR_START, slmr_eval), a.n))  # fmt: skip


def line(name: str, one: Callable[[], float], beside: str, other: Callable[[], float], n: int) -> str:
    """Both in turns; the ratio is the first over the second."""
    one(), other()
    pairs = [(one(), other()) for _ in range(n)]
    a, b = (statistics.median(pair[i] for pair in pairs) for i in (0, 1))
    ratios = [x / y for x, y in pairs]
    return f"| {name} | {a:.1f} | {beside} | {b:.1f} | {a / b:.2f} | {min(ratios):.2f} to {max(ratios):.2f} |"


def wall(arguments: list[str]) -> float:
    """Seconds of a Python process; `slmr eval` writes into a new folder each time."""
    with tempfile.TemporaryDirectory() as out:
        extra = ["--out", out] if "slmr.cli" in arguments else []
        start = time.monotonic()
        done = subprocess.run([sys.executable, *arguments, *extra], capture_output=True, text=True)
        seconds = time.monotonic() - start
    if done.returncode:
        raise SystemExit(done.stderr)
    return seconds


def until_first_token(code: str, arguments: list[str]) -> float:
    """Seconds from the start of the process to its first token, after which it ends itself."""
    with tempfile.TemporaryDirectory() as out:
        extra = ["--out", out] if arguments[0] == "eval" else []
        start = time.time()
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments, *extra], capture_output=True, text=True
        )
    told = re.search(r"(\d+\.\d+)\s*$", done.stderr)  # behind whatever bar was being drawn
    if told is None:
        raise SystemExit(f"no first token:\n{done.stdout}\n{done.stderr}")
    return float(told[1]) - start


if __name__ == "__main__":
    main()
