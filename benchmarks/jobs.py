"""Measures what running stages side by side saves: `slmr bench --method all` with --jobs 1 and with --jobs 2.

    python benchmarks/jobs.py --out DIR                                      # nothing else should run meanwhile
    python benchmarks/jobs.py --out DIR --method base,sft,grpo --limit 32    # minutes
    python benchmarks/jobs.py --out DIR --before CHECKOUT                    # also an older version, in the same run

Both start from scratch in separate folders, with the same threads per stage, and must have the same verdicts, item by
item. Prints Markdown: the seconds of both, when the starters were complete, and the number of compared verdicts. An
older version runs in one process with torch's default number of threads; its verdicts are not compared.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from time import monotonic

from slmr.io import read_rows
from slmr.pipeline.recipe import select_methods
from slmr.results.runs.schema import read_summary

Verdict = tuple[str, str, str, int, str, int]  # method, student, task, seed, item, sample index
STARTERS = {recipe.name for recipe in select_methods("starter")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--method", default="all")
    parser.add_argument("--profile", default="lab-quick")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--before", type=Path, metavar="CHECKOUT", help="of a version without --jobs")
    args = parser.parse_args()
    seconds, verdicts = {}, {}
    print("| jobs | seconds | of the first | starters complete, of the whole |\n|---:|---:|---:|---:|")
    for jobs in args.jobs:
        seconds[jobs], complete = bench(args.out / f"jobs-{jobs}", args, ["--jobs", str(jobs)])
        verdicts[jobs] = verdicts_of(args.out / f"jobs-{jobs}")
        ratio = seconds[jobs] / seconds[args.jobs[0]]
        print(f"| {jobs} | {seconds[jobs]:.0f} | {ratio:.2f} | {complete / seconds[jobs]:.2f} |", flush=True)
    if args.before:
        before, _ = bench(args.out / "before", args, [], args.before)
        print(f"| before | {before:.0f} | {before / seconds[args.jobs[0]]:.2f} | |", flush=True)
    first = verdicts[args.jobs[0]]
    for jobs, others in verdicts.items():
        differing = [key for key in first.keys() | others.keys() if first.get(key) != others.get(key)]
        if differing:
            raise SystemExit(f"--jobs {jobs}: {len(differing)} verdicts differ, such as {differing[0]}")
    print(f"\n{len(first)} verdicts, equal item by item.")


def bench(out: Path, args: argparse.Namespace, options: list[str], checkout: Path | None = None) -> tuple[float, float]:
    """Seconds of a bench of this version or a checkout's, and the seconds until the last starter's result line."""
    shutil.rmtree(out, ignore_errors=True)
    command = [
        sys.executable,
        "-m",
        "slmr.cli",
        "bench",
        "--method",
        args.method,
        "--profile",
        args.profile,
        "--out",
        str(out.resolve()),
        *options,
    ]
    command += ["--limit", str(args.limit)] if args.limit else []
    start, complete = monotonic(), 0.0
    # `-m` searches the working folder first, then PYTHONPATH.
    environment = {**os.environ, **({"PYTHONPATH": str(checkout.resolve())} if checkout else {})}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment, cwd=checkout
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            print(line, end="", file=sys.stderr)
            if ": accuracy " in line and line.split(":")[0] in STARTERS:
                complete = monotonic() - start
    if process.returncode:
        raise SystemExit(f"{out.name} ended with {process.returncode}")
    return monotonic() - start, complete


def verdicts_of(out: Path) -> dict[Verdict, tuple[str, str]]:
    """(method, student, task, seed, item, sample index) → completion and status."""
    verdicts = {}
    (summary,) = out.glob("*/summary.json")
    for row in read_summary(summary).rows:
        for sample in read_rows(row.samples_file(summary.parent)):
            key = (row.method, row.student, row.task, row.seed, sample["item_id"], sample["k_index"])
            verdicts[key] = sample["completion"], sample["status"]
    return verdicts


if __name__ == "__main__":
    main()
