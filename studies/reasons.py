"""Statistics of the stages of published `stagewise` runs that explain its lead over `sft_grpo`, or lack of one.

    python -m studies.reasons results/archive/lab

One row per run, and the ranges. Nothing is trained or scored: everything is read from the published tables of stages
and moves. Points are of accuracy on held-out problems, from a training's first validation to the weights that it kept.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slmr.results.analysis.spending import spending
from slmr.results.runs.method_results import MethodResult, run_results

# Name of a column → number format.
COLUMNS = {
    "mixed of the set, %": ".0f",
    "mixed of the pool, %": ".0f",
    "RL on the set": "+.1f",
    "RL on the pool": "+.1f",
    "tokens for looking, %": ".0f",
    "hard": ".0f",
    "of them mixed after SFT": ".0f",
    "recycled that stay hard, %": ".0f",
    "second SFT": "+.1f",
    "second RL": "+.1f",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="a folder that `slmr publish` made")
    results = {(entry.method, entry.student): entry for entry in run_results(parser.parse_args().results)}
    print("| student | seed | " + " | ".join(COLUMNS) + " |")
    print("|---|---:|" + "---:|" * len(COLUMNS))
    rows = []
    for student in [student for method, student in results if method == "stagewise"]:
        ours, plain = results["stagewise", student], results["sft_grpo", student]
        for seed in sorted(set(ours.seeds) & set(plain.seeds)):
            rows.append(reading(ours, plain, seed))
            print(line([student, str(seed)], rows[-1]))
    print(line(["least", ""], np.min(rows, axis=0)))
    print(line(["median", ""], np.median(rows, axis=0)))
    print(line(["most", ""], np.max(rows, axis=0)))


def line(first: list[str], figures: Sequence[float] | np.ndarray) -> str:
    cells = [f"{figure:{form}}" for figure, form in zip(figures, COLUMNS.values(), strict=True)]
    return "| " + " | ".join([*first, *cells]) + " |"


def reading(ours: MethodResult, plain: MethodResult, seed: int) -> list[float]:
    """The figures of one seed, in the order of COLUMNS."""
    stages, others, moves = stats(ours, seed), stats(plain, seed), ours.table("moves", seed)
    spent = spending([ours.of_seeds([seed])])[0]
    hard = moved(moves, "primed", "hard")
    recycled = moved(moves, "next", "recycled")
    return [
        mixed(stages["grpo (round 1)"]),
        mixed(others["grpo"]),
        lift(stages["grpo (round 1)"]),
        lift(others["grpo"]),
        100 * spent.probed / spent.total,
        sum(hard.values()),
        hard.get("mixed", 0),
        100 * recycled.get("hard", 0) / max(1, sum(recycled.values())),
        lift(stages["sft (round 2)"]),
        lift(stages["grpo (round 2)"]),
    ]


def stats(entry: MethodResult, seed: int) -> dict[str, Any]:
    """Label of a stage → its statistics."""
    return {row["label"]: json.loads(row["stats"]) for row in entry.table("stages", seed)}


def mixed(stage: Mapping[str, Any]) -> float:
    """Share of RL's groups with both right and wrong completions, in percent."""
    return 100 * stage["groups"].get("mixed", 0) / sum(stage["groups"].values())


def lift(stage: Mapping[str, Any]) -> float:
    """Points from the first validation to the best one, whose weights were kept."""
    return 100 * (stage["validation"]["best"] - stage["validation"]["first"])


def moved(moves: Sequence[Mapping[str, Any]], to: str, before: str) -> dict[str, int]:
    """State after → number of problems that moved there from `before` in the first round."""
    return {row["after"]: row["n"] for row in moves if (row["round"], row["to"], row["before"]) == (1, to, before)}


if __name__ == "__main__":
    main()
