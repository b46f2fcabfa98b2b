"""Measures the overhead of `slmr eval` over its engine, and compares its start with stock lm-evaluation-harness.

    python benchmarks/evaluation.py                       # lab-llama on the lab tasks

Whole processes, alternating. Overhead: `slmr eval` compared with a script that only opens the same engine and
generates the same completions. Start: the time from the start of the process to the first token of the first batch,
compared with `lm_eval --model hf` on the same tasks and model. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ratios import Ratio, in_turns, process, table

from slmr.engines.models import resolve_model
from slmr.io import resource

ENGINE_ALONE = """
import sys
from slmr.engines import open_engine, Sampling
from slmr.evaluate import EvaluateParams, questions_of
from slmr.config import EngineSettings
from slmr.tasks import select_tasks
from itertools import groupby
model, tasks, k, limit = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
engine = open_engine(model, EngineSettings(device="cpu", dtype="float32"))
for task in select_tasks(tasks):
    questions = questions_of(task, EvaluateParams(tasks=(task.name,), limit=limit, k=k))
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="lab-llama")
    parser.add_argument("--tasks", default="lab")
    parser.add_argument("--k", type=int, default=4)
    parser.add_argument("--limit", type=int, default=600)
    parser.add_argument("-n", type=int, default=3, help="runs of each, in turns, after one warm-up of each")
    args = parser.parse_args()
    print(table(ratios(args.n, args.model, args.tasks, args.k, args.limit)))


def ratios(n: int = 3, model: str = "lab-llama", tasks: str = "lab", k: int = 4, limit: int = 600) -> list[Ratio]:
    """The overhead of `slmr eval` over its engine, and the time to its first token."""
    folder, files = str(resolve_model(model).location), resource("tasks")
    names = ",".join(sorted(p.name for p in files.glob("lab_*"))) if tasks == "lab" else tasks
    ours = ["eval", model, "--tasks", names, "--k", str(k), "--limit", str(limit), "--device", "cpu"]
    theirs = [
        "--model",
        "hf",
        "--model_args",
        f"pretrained={folder},dtype=float32",
        "--include_path",
        str(files),
        "--tasks",
        names,
        "--apply_chat_template",
        "--batch_size",
        "256",
        "--device",
        "cpu",
    ]
    alone = ["-c", ENGINE_ALONE, folder, names, str(k), str(limit)]
    whole = in_turns(lambda: wall(["-m", "slmr.cli", *ours]), lambda: wall(alone), n)
    start = in_turns(lambda: until_first_token(OUR_START, ours), lambda: until_first_token(THEIR_START, theirs), n)
    return [
        Ratio("evaluation", f"`slmr eval {model}`, whole", "its engine alone", whole),
        Ratio("first_token", f"`slmr eval {model}`, to the first token", "`lm_eval`", start),
    ]


def wall(arguments: list[str]) -> float:
    """Seconds of a Python process; `slmr eval` writes into a new folder each time."""
    with tempfile.TemporaryDirectory() as out:
        extra = ["--out", out] if "slmr.cli" in arguments else []
        return process([sys.executable, *arguments, *extra])


def until_first_token(code: str, arguments: list[str], checkout: Path | None = None) -> float:
    """Seconds from the start of the process to its first token, after which it exits.

    `checkout`: a checkout whose code is used instead of the installed one.
    """
    environment = {"PYTHONPATH": os.pathsep.join(map(str, (checkout, checkout / "leaderboard")))} if checkout else {}
    with tempfile.TemporaryDirectory() as out:
        extra = ["--out", out] if arguments[0] == "eval" else []
        start = time.time()
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments, *extra],
            capture_output=True,
            text=True,
            cwd=checkout,
            env=os.environ | environment,
        )
    match = re.search(r"(\d+\.\d+)\s*$", done.stderr)  # a progress bar may precede it
    if match is None:
        raise SystemExit(f"no first token:\n{done.stdout}\n{done.stderr}")
    return float(match[1]) - start


if __name__ == "__main__":
    main()
