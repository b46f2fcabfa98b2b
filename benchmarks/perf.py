"""All speed comparisons in one table, with their thresholds.

    make perf                                        # all of them, twenty minutes on two cores
    make perf ARGS="--only cli_startup,training"     # scripts of this folder
    make perf ARGS="--keep"                          # also writes history.jsonl and RESULTS.md

The exit code is 1 if a ratio is above its threshold (thresholds.yaml). Nothing else should run at the same time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import checkers
import cli_startup
import engine
import evaluation
import schedule
import store
import training
from ratios import HEAD, Ratio, table

import leaderboard
from slmr.artifacts import git_revision

HERE = Path(__file__).parent
HISTORY, RESULTS = HERE / "history.jsonl", HERE / "RESULTS.md"
BEGIN, END = "<!-- perf: `make perf ARGS=--keep` writes from here -->", "<!-- perf: to here -->"
SHOWN = 6  # runs of the history that are shown

MEASURES: dict[str, Callable[[], list[Ratio]]] = {
    "cli_startup": cli_startup.ratios,
    "checkers": checkers.ratios,
    "engine": engine.ratios,
    "evaluation": evaluation.ratios,
    "training": training.ratios,
    "store": store.ratios,
    "schedule": lambda: schedule.ratios(HERE.parent / "results" / "archive" / "lab"),
    "leaderboard": leaderboard.ratios,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(MEASURES), help="some of these")
    parser.add_argument("--keep", action="store_true", help="write history.jsonl and RESULTS.md")
    args = parser.parse_args()
    names = args.only.split(",")
    if unknown := set(names) - set(MEASURES):
        parser.error(f"no script {', '.join(sorted(unknown))}; there are {', '.join(MEASURES)}")
    print(f"{describe(machine())}\n\n{HEAD}", flush=True)
    ratios: list[Ratio] = []
    for name in names:
        if name == "leaderboard" and not shutil.which("chromedriver"):
            print("leaderboard: not measured, there is no chromium with its driver", file=sys.stderr)
            continue
        new = MEASURES[name]()
        print("\n".join(ratio.row() for ratio in new), flush=True)
        ratios += new
    if args.keep:
        keep(ratios)
    over = [r for r in ratios if r.limit is not None and r.value > r.limit]
    for ratio in over:
        print(f"{ratio.name}: {ratio.value:.2f}, at most {ratio.limit} wanted", file=sys.stderr)
    return bool(over)


def machine() -> dict[str, Any]:
    """The machine and library versions of the measurements."""
    names = [line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = [int(line.split()[1]) / 2**20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")]
    return {
        "cores": os.cpu_count(),
        "cpu": names[0] if names else platform.machine(),
        "memory_gib": round(memory[0]) if memory else None,
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "transformers", "trl", "lm-eval", "math-verify", "streamlit")},
    }


def _lines(file: str) -> list[str]:
    return Path(file).read_text().splitlines() if Path(file).is_file() else []


def describe(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{k} {v}" for k, v in machine.items() if k not in ("cores", "cpu", "memory_gib"))
    return f"{machine['cores']} cores ({machine['cpu']}), {machine['memory_gib']} GiB; {versions}."


def keep(ratios: Sequence[Ratio]) -> None:
    """Adds the run to the history, and writes its table and the history to RESULTS.md."""
    run = {
        "date": date.today().isoformat(),
        "revision": (git_revision() or "")[:8],
        "machine": machine(),
        "ratios": {ratio.name: round(ratio.value, 3) for ratio in ratios},
    }
    with HISTORY.open("a") as file:
        file.write(json.dumps(run) + "\n")
    runs = [json.loads(line) for line in HISTORY.read_text().splitlines()]
    text = RESULTS.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    parts = [BEGIN, f"{run['date']}. {describe(run['machine'])}", table(ratios), history(runs[-SHOWN:]), END]
    RESULTS.write_text(before + "\n\n".join(parts) + after)


def history(runs: Sequence[dict[str, Any]]) -> str:
    """A table of the ratios of several runs; blank if one was not measured."""
    names = list(dict.fromkeys(name for run in reversed(runs) for name in run["ratios"]))
    heads = [f"{run['date']} ({run['revision']})" for run in runs]
    lines = [f"| slmr over peer | {' | '.join(heads)} |", "|---|" + "---:|" * len(runs)]
    lines += [f"| {n} | {' | '.join(str(run['ratios'].get(n, '')) for run in runs)} |" for n in names]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
