"""What the published comparison saved by running a stage once that several methods need.

    python -m studies.sharing results/archive/lab

For each student and seed it compares the cost of the stages of all methods, each counted once, with the sum over the
methods in separate benches, each of which would also evaluate the untrained student. Tokens and seconds are those that
the runs recorded (`stages/` beside the samples); the answers of an evaluation count as tokens, as in the line "Shared"
of `slmr bench`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slmr.config import ABLATIONS
from slmr.io import read_rows
from slmr.results.runs.schema import read_summary

Rows = dict[str, dict[str, Any]]  # the stages of a method, key → row
Amount = np.ndarray  # tokens and seconds
HEADS = (
    "student",
    "seed",
    "methods",
    "with evaluations, M tokens",
    "of one by one",
    "its time",
    "of one by one without evaluations",
    "its time",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    args = parser.parse_args()
    kinds = {row.method: row.method_kind for row in read_summary(args.results / "summary.json").rows}
    aside = {method for method, kind in kinds.items() if kind in ABLATIONS}
    print(f"| {' | '.join(HEADS)} |\n|---|---:|{6 * '---:|'}")
    for (student, seed), runs in published(args.results).items():
        methods = {name: rows for name, rows in runs.items() if name not in aside}
        print(line(student, seed, f"{len(methods) - 1}", methods))
        if len(runs) > len(methods):
            print(line(student, seed, f"{len(runs) - 1} with ablations and controls", runs))


def published(results: Path) -> dict[tuple[str, int], dict[str, Rows]]:
    """(student, seed) → method → its stages."""
    by_run: dict[tuple[str, int], dict[str, Rows]] = {}
    for file in sorted(results.glob("stages/*/*/seed-*.parquet")):
        method, student, seed = file.parts[-3], file.parts[-2], int(file.stem.removeprefix("seed-"))
        runs = by_run.setdefault((student, seed), {})
        runs[method] = {row["key"]: row for row in read_rows(file)}
    return dict(sorted(by_run.items()))


def line(student: str, seed: int, what: str, runs: dict[str, Rows]) -> str:
    whole, training = shared(runs, evaluations=True), shared(runs, evaluations=False)
    tokens = f"{whole[0][0] / 1e6:.1f}"
    ratios = " | ".join(f"{r:.2f}" for together, alone in (whole, training) for r in together / alone)
    return f"| {student} | {seed} | {what} | {tokens} | {ratios} |"


def shared(runs: dict[str, Rows], evaluations: bool) -> tuple[Amount, Amount]:
    """The cost of all methods together, and the sum of their separate costs."""
    base = runs["base"]
    each = [{**base, **rows} for method, rows in runs.items() if method != "base"]
    together = {key: row for rows in each for key, row in rows.items()}
    alone = np.sum([cost(rows.values(), evaluations) for rows in each], axis=0)
    return cost(together.values(), evaluations), alone


def cost(rows: Iterable[dict[str, Any]], evaluations: bool) -> Amount:
    """The cost of the stages, each counted once."""
    counted: Sequence[dict[str, Any]] = [row for row in rows if evaluations or row["stage"] != "evaluate"]
    return np.array([sum(map(tokens, counted)), sum(row["wall_s"] for row in counted)], dtype=float)


def tokens(row: dict[str, Any]) -> int:
    """Tokens generated, trained on and taught; for an evaluation, those of its answers."""
    if row["stage"] == "evaluate":
        return json.loads(row["stats"])["engine"]["tokens"]
    return row["train_tokens"] + row["rollout_tokens"] + row["teacher_tokens"]


if __name__ == "__main__":
    main()
