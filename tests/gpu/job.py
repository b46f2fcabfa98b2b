"""Tries slmr on a machine with one GPU and no hub: every check is a command as a user gives it, in its own process.

    python tests/gpu/job.py              # all checks, under eight minutes; prints the table of docs/gpu.md
    python tests/gpu/job.py --dry-run    # the same commands on the CPU, on little data
    python tests/gpu/job.py --only bf16,lora

`make test-gpu`. What is not installed (vLLM, trl) is named and its checks are skipped. Models are the lab's students
and a Qwen2.5-0.5B with random weights and the lab's tokenizer, whose speed and memory are the real model's.
Exit code 1 where a check failed or was not reached, 2 where there is no GPU.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.gpu import checks  # noqa: E402
from tests.gpu.machine import Failed, Machine, describe, gpus  # noqa: E402

LIMIT_S = 470.0  # of all checks together, on a GPU
_EVAL = ("torch", "transformers", "lm_eval", "datasets", "pyarrow")
_TRAIN = (*_EVAL, "trl", "accelerate")


@dataclass(frozen=True)
class Check:
    """Something to be tried: what it needs installed, and how it is done; it returns its figures in words."""

    name: str
    what: str
    needs: tuple[str, ...]
    run: Callable[[Machine], str]


CHECKS = (
    Check("bf16", "the evaluation in bfloat16 beside float32", _EVAL, checks.bf16),
    Check("training", "SFT and GRPO in bfloat16", _TRAIN, checks.training),
    Check("jobs", "the same with `--jobs 2`, on one GPU", _TRAIN, checks.jobs),
    Check("lora", "SFT and GRPO of adapters", (*_TRAIN, "peft"), checks.lora),
    Check("qwen", "SFT and GRPO of a Qwen2.5-0.5B with random weights", _TRAIN, checks.qwen),
    Check("vllm", "vLLM in the process: an evaluation, GRPO's rollouts", (*_TRAIN, "vllm"), checks.vllm),
    Check("server", "a vLLM server: an evaluation, GRPO's rollouts", (*_TRAIN, "vllm"), checks.server),
    Check("processes", "a training in two processes", _TRAIN, checks.processes),
)


@dataclass(frozen=True)
class Result:
    check: Check
    outcome: str  # passed, skipped, failed, not reached
    seconds: float
    gib: float | None  # of the GPU's memory, at most
    said: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true", help="on the CPU, on little data")
    parser.add_argument("--only", default="", help="names of checks, with commas")
    a = parser.parse_args()
    wanted = [name for name in a.only.split(",") if name]
    if unknown := set(wanted) - {check.name for check in CHECKS}:
        parser.error(f"no check {', '.join(sorted(unknown))}; there are {', '.join(c.name for c in CHECKS)}")
    if not a.dry_run and not gpus():
        parser.error("torch sees no GPU here; --dry-run does the same on the CPU, on little data")
    chosen = [check for check in CHECKS if not wanted or check.name in wanted]
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder), small=a.dry_run)
        results = run_all(chosen, machine, math.inf if a.dry_run else LIMIT_S)
    print(table(results, describe(small=a.dry_run)))
    raise SystemExit(any(result.outcome in ("failed", "not reached") for result in results))


def run_all(chosen: Sequence[Check], machine: Machine, limit_s: float) -> list[Result]:
    """What came of each check; those that the time does not suffice for are not reached."""
    machine.until = time.monotonic() + limit_s
    results = []
    for check in chosen:
        results.append(run_one(check, machine))
        last = results[-1]
        print(f"{check.name}: {last.outcome} ({last.seconds:.0f} s): {last.said}", file=sys.stderr, flush=True)
    return results


def run_one(check: Check, machine: Machine) -> Result:
    if missing := [name for name in check.needs if find_spec(name) is None]:
        return Result(check, "skipped", 0.0, None, f"not installed: {', '.join(missing)}")
    if time.monotonic() >= machine.until:
        return Result(check, "not reached", 0.0, None, "the time was over")
    started = time.monotonic()
    with machine.memory_watched() as memory:
        try:
            outcome, said = "passed", check.run(machine)
        except Failed as failure:
            outcome, said = "failed", str(failure)
    return Result(check, outcome, time.monotonic() - started, memory.most_gib, said)


def table(results: Sequence[Result], machine: str) -> str:
    """The results as a Markdown table, below a line that says what they were measured on."""
    lines = [machine, "", "| check | what | outcome | s | GiB | figures |", "|---|---|---|---|---|---|"]
    for r in results:
        gib = "" if r.gib is None else f"{r.gib:.1f}"
        said = r.said.replace("\n", " ").replace("|", "/")
        lines.append(f"| {r.check.name} | {r.check.what} | {r.outcome} | {r.seconds:.0f} | {gib} | {said} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
