"""How long `slmr --help` takes beside `lm_eval --help`, measured in turns in the same run.

Both are started as a user starts them, A B A B, after one warm-up each, so that a slow moment of the
machine hits both. Prints Markdown; standard library only.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

SLMR, OTHER = "slmr --help", "lm_eval --help"


class Run(NamedTuple):
    """Seconds of one run; `cpu` is user plus system time of the process and its children."""

    wall: float
    cpu: float


def measure(command: list[str]) -> Run:
    """Start the command, wait for it, and take its times.

    Raises:
        SystemExit: the command is missing or fails.
    """
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    try:
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "100"})
    except FileNotFoundError:
        raise SystemExit(f"{command[0]} is not installed: run `make env`") from None
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(wall, cpu)


def measure_in_turns(n: int) -> tuple[list[Run], list[Run]]:
    """`n` runs of slmr and of lm_eval, alternating, after a warm-up of each."""
    folder = Path(sys.executable).parent
    commands = [[str(folder / "slmr"), "--help"], [str(folder / "lm_eval"), "--help"]]
    for command in commands:
        measure(command)
    pairs = [(measure(commands[0]), measure(commands[1])) for _ in range(n)]
    return [ours for ours, _ in pairs], [theirs for _, theirs in pairs]


def row(name: str, unit: str, values: list[float]) -> str:
    cells = (min(values), statistics.median(values), max(values))
    return f"| `{name}` | {unit} | " + " | ".join(f"{value:.3f}" for value in cells) + " |"


def report(ours: list[Run], theirs: list[Run]) -> str:
    """The times and the ratios (lm_eval / slmr: above 1 means that slmr is faster), as Markdown."""
    lines = [f"{len(ours)} runs each, in turns, after one warm-up. Seconds:", ""]
    lines += ["| command | time | min | median | max |", "|---|---|---:|---:|---:|"]
    ratios = ["| time | ratio of medians | pairwise min | median | max |", "|---|---:|---:|---:|---:|"]
    for unit in Run._fields:
        a, b = [getattr(run, unit) for run in ours], [getattr(run, unit) for run in theirs]
        lines += [row(SLMR, unit, a), row(OTHER, unit, b)]
        pairwise = [y / x for x, y in zip(a, b, strict=True)]
        spread = (min(pairwise), statistics.median(pairwise), max(pairwise))
        cells = (statistics.median(b) / statistics.median(a), *spread)
        ratios.append(f"| {unit} | " + " | ".join(f"{value:.2f}" for value in cells) + " |")
    return "\n".join([*lines, "", f"`{OTHER}` over `{SLMR}` (above 1: slmr is faster):", "", *ratios])


def main() -> None:
    parser = argparse.ArgumentParser(description="Times `slmr --help` beside `lm_eval --help`.")
    parser.add_argument("-n", type=int, default=10, help="runs of each command (default 10)")
    n = parser.parse_args().n
    if n < 1:
        parser.error("-n must be at least 1")
    print(report(*measure_in_turns(n)))


if __name__ == "__main__":
    main()
