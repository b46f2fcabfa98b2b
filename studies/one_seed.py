"""How reliable conclusions from a single training seed are, judged by the other seeds.

    python -m studies.one_seed results/lab-claim
    python -m studies.one_seed results/lab-claim --pair stagewise,grpo

For every student and every pair of its methods with the same seeds, each seed is compared separately, item by item, as
in a bench with one seed: its 95 % interval is over items. The table shows how many of these comparisons exclude 0, in
how many of those another single seed excludes 0 on the other side, and in how many the interval over all seeds and
items also excludes 0. There is no correction for the number of pairs. Prints Markdown.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path

from slmr.results.analysis.compare import compare_results
from slmr.results.runs.method_results import MethodResult, run_results
from slmr.stats import Difference


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--pair", help="two methods: what each seed says of the one minus the other")
    args = parser.parse_args()
    results = [entry for entry in run_results(args.results) if entry.kind != "base" and len(entry.seeds) > 1]
    print(of_pair(results, *args.pair.split(",")) if args.pair else of_all(results))


def of_pair(results: list[MethodResult], one: str, other: str) -> str:
    """One line per seed, and one for all seeds."""
    lines = ["| student | seed | difference | 95 % | p |", "|---|---|---:|---:|---:|"]
    for student in students(results):
        both = {entry.method: entry for entry in results if entry.student == student}
        if {one, other} <= both.keys():
            alone = by_seed(both[one], both[other])
            lines += [f"| {student} | {seed} | {in_points(d)} |" for seed, d in alone.items()]
            lines.append(f"| {student} | all | {in_points(mean(both[one], both[other]))} |")
    return "\n".join(lines)


def of_all(results: list[MethodResult]) -> str:
    """One line per student with counts of the single-seed comparisons."""
    lines = [
        "| student | methods | comparisons of one seed | of them leave out 0 | another seed says the opposite |"
        " all seeds together say it, too |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for student in students(results):
        mine = [entry for entry in results if entry.student == student]
        calls = [call for pair in combinations(mine, 2) if pair[0].seeds == pair[1].seeds for call in judge(*pair)]
        verdicts = [call for call in calls if call is not None]
        opposed, upheld = sum(call[0] for call in verdicts), sum(call[1] for call in verdicts)
        lines.append(
            f"| {student} | {len(mine)} | {len(calls)} | {len(verdicts)} | {opposed} ({share(opposed, verdicts)}) |"
            f" {upheld} ({share(upheld, verdicts)}) |"
        )
    return "\n".join(lines)


def judge(one: MethodResult, other: MethodResult) -> list[tuple[bool, bool] | None]:
    """For each seed: None if its interval contains 0, else whether another seed contradicts it, and all confirm it."""
    signs = {seed: sign(d) for seed, d in by_seed(one, other).items()}
    whole = sign(mean(one, other))
    return [(-sign in signs.values(), whole == sign) if sign else None for sign in signs.values()]


def by_seed(one: MethodResult, other: MethodResult) -> dict[int, Difference]:
    common = [seed for seed in one.seeds if seed in other.seeds]
    return {seed: mean(one.of_seeds([seed]), other.of_seeds([seed])) for seed in common}


def mean(one: MethodResult, other: MethodResult) -> Difference:
    return compare_results(one, other).overall


def sign(d: Difference) -> int:
    """The sign of a difference if its interval excludes 0, else 0."""
    return 1 if d.low > 0 else -1 if d.high < 0 else 0


def students(results: list[MethodResult]) -> list[str]:
    return list(dict.fromkeys(entry.student for entry in results))


def share(part: int, whole: list[tuple[bool, bool]]) -> str:
    return f"{100 * part / len(whole):.0f} %" if whole else "none"


def in_points(d: Difference) -> str:
    return f"{100 * d.mean:+.1f} | {100 * d.low:+.1f} to {100 * d.high:+.1f} | {d.p:.3f}"


if __name__ == "__main__":
    main()
