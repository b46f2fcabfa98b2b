"""Kills an evaluation at random moments until it is done; run as a process of its own by the tests.

    python -m tests.evaluate.kill_and_resume FOLDER KILLS SEED

The libraries are loaded once and each attempt is a fork, so that a moment is a moment of the work.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path


def attempt(out: Path, tasks: str = "lab_gsm8k,lab_math") -> int:
    """One `slmr eval` in a fork; its process id."""
    from slmr.cli.app import main

    child = os.fork()
    if child == 0:
        with open(out.with_suffix(".log"), "a") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            main(
                [
                    "eval",
                    "lab-llama",
                    "--tasks",
                    tasks,
                    "--k",
                    "2",
                    "--limit",
                    "150",
                    "--batch-size",
                    "8",
                    "--device",
                    "cpu",
                    "--out",
                    str(out),
                ]
            )
            os._exit(0)
    return child


def main() -> None:
    folder, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    import datasets  # noqa: F401
    import trl  # noqa: F401
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: F401

    start = time.monotonic()
    _, status = os.waitpid(attempt(folder / "whole"), 0)
    assert status == 0
    whole, moments, killed = time.monotonic() - start, random.Random(seed), 0
    while killed < kills:
        child = attempt(folder / "killed")
        time.sleep(moments.uniform(0.08, 0.2) * whole)
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        killed += 1
    _, status = os.waitpid(attempt(folder / "killed"), 0)
    assert status == 0
    print(f"killed {killed} times")


if __name__ == "__main__":
    main()
