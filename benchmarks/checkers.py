"""Compares the checkers with math-verify, on the same cases in the same run, on one core.

    taskset -c 0 python benchmarks/checkers.py --cases verifier.jsonl --math500 test.jsonl

The case file has completions with gold answers and labels; for math-verify, bare expressions are put in a box, as its
documentation advises. MATH-500's solutions are checked against their answers. Cases labelled doubtful are timed but
not counted. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ratios import Ratio, in_turns, seconds_of

from slmr.lab import generator
from slmr.lab.items import take
from slmr.verify import verify
from slmr.verify.math import symbolic

ROUNDS = 20_000  # numeric checks


class Case(NamedTuple):
    completion: str
    gold: str
    kind: str
    expected: bool
    counted: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path, required=True, help="JSONL: completion, gold, kind, expected, doubt")
    parser.add_argument("--math500", type=Path, required=True, help="JSONL: solution, answer")
    parser.add_argument("--limit", type=int, help="cases of each file")
    args = parser.parse_args()
    symbolic.POOL.warm()
    symbolic.equal("x", "x")
    math_verify("x", "x")
    print("| cases | checker | agreement | false accepts | cases a second | median ms | slowest s |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for name, cases in (
        ("case file, math", labelled_cases(args.cases)),
        ("MATH-500", solutions(args.math500)),
    ):
        cases = cases[: args.limit]
        rates = [report(name, checker, cases, check) for checker, check in (("slmr", ours), ("math-verify", theirs))]
        print(f"| {name} | slmr over math-verify | | | {rates[0] / rates[1]:.1f} | | |")
    print(f"\nnumeric: {numeric_rate():,.0f} completions a second")
    repeats, ordinary = degenerate_means()
    print(f"repeats: {repeats:.2f} ms a completion, {repeats / ordinary:.1f} times ordinary ones ({ordinary:.2f} ms)")


def ratios(n: int = 3) -> list[Ratio]:
    """Seconds for worked solutions of lab_math, which need no data."""
    items = take(generator("lab_math"), "test", 300)
    cases = [Case(item.solution.plain(), item.gold, "math", True, True) for item in items]
    symbolic.POOL.warm()
    pairs = in_turns(
        lambda: seconds_of(lambda: [ours(case) for case in cases]),
        lambda: seconds_of(lambda: [theirs(case) for case in cases]),
        n,
    )
    right = [sum(map(check, cases)) for check in (ours, theirs)]
    note = f"{right[0]} and {right[1]} of {len(cases)} right solutions accepted"
    return [Ratio("checkers", "`verify`, 300 solutions of lab_math", "math-verify", pairs, note=note)]


def labelled_cases(file: Path) -> list[Case]:
    """The math cases of the collection, without those that build a huge completion from an expression."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [
        Case(r["completion"], r["gold"], r["kind"], r["expected"], not r["doubt"])
        for r in rows
        if r["kind"] == "math" and r.get("completion") is not None
    ]


def solutions(file: Path) -> list[Case]:
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [Case(row["solution"], row["answer"], "math", True, True) for row in rows]


def ours(case: Case) -> bool:
    return verify(case.completion, case.gold, "math").lenient


def theirs(case: Case) -> bool:
    return math_verify(case.completion, case.gold)


def math_verify(completion: str, gold: str) -> bool:
    from math_verify import parse
    from math_verify import verify as equal

    boxed = gold if "\\boxed" in gold or "$" in gold else f"\\boxed{{{gold}}}"
    bare = completion if "\\boxed" in completion or "$" in completion else f"\\boxed{{{completion}}}"
    return bool(equal(parse(boxed), parse(bare)))


def report(name: str, checker: str, cases: list[Case], check: Callable[[Case], bool]) -> float:
    """Prints a line of the table; returns cases per second."""
    times, right, accepted = [], 0, 0
    for case in cases:
        start = time.perf_counter()
        verdict = check(case)
        times.append(time.perf_counter() - start)
        right += case.counted and verdict == case.expected
        accepted += case.counted and verdict and not case.expected
    rate = len(times) / sum(times)
    counted = sum(case.counted for case in cases)
    print(
        f"| {name} | {checker} | {right / counted:.1%} | {accepted} | {rate:,.0f} |"
        f" {1000 * statistics.median(times):.2f} | {max(times):.2f} |",
        flush=True,
    )
    return rate


def numeric_rate() -> float:
    """Completions per second in the form of the numeric tasks, both right and wrong ones."""
    texts: list[Any] = [f"{n} + 8 = {n + 8}. {n + 8} * 3 = {3 * n + 24}.\n#### {3 * n + 24}" for n in range(500)]
    start = time.perf_counter()
    for i in range(ROUNDS):
        verify(texts[i % 500], str(3 * (i % 499) + 24), "numeric")
    return ROUNDS / (time.perf_counter() - start)


def degenerate_means(count: int = 1_000) -> tuple[float, float]:
    """Mean milliseconds for completions that repeat one text, and for ordinary ones."""
    rng = random.Random(0)
    units = [
        "x",
        "so ",
        "(",
        "{",
        "\\frac{",
        "\\sin ",
        "0",
        "-",
        "$",
        "^",
        "wait ",
        "7 ",
        "(x+1)",
        "\\pi",
        "!",
        "\n",
        "ab",
    ]
    heads = ["The answer is ", "\\boxed{", "#### ", "$", ""]
    repeats = [rng.choice(heads) + rng.choice(units) * rng.randint(20, 900) for _ in range(count)]
    items = take(generator("lab_math"), "test", 300)
    ordinary = [(item.solution.plain(), item.gold) for item in items]
    times = [
        seconds_of(lambda: [verify(text, "42", "math") for text in repeats]) / len(repeats),
        seconds_of(lambda: [verify(text, gold, "math") for text, gold in ordinary]) / len(ordinary),
    ]
    return 1000 * times[0], 1000 * times[1]


if __name__ == "__main__":
    sys.exit(main())
