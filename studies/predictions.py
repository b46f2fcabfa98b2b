"""Compares the predictions of docs/predictions.md with the results, for each seed and for all seeds together.

    python -m studies.predictions results/lab-claim

A single seed has an interval over items, several seeds one over seeds and items. A prediction is falsified if the
interval of all seeds lies on the side that docs/predictions.md names. If the predicted recipes were not run, the most
similar ones replace them, and the table says how they differ. Prints Markdown.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from math import inf
from pathlib import Path

from slmr.results.entries import MethodResult, run_results
from slmr.results.paired_scores import PairedScores, difference, pair_scores
from slmr.stats import Difference
from slmr.stats.formats import points

DOMAIN = "lab_gsm8k"
RL_AFTER, LATER = "RL after both", "40 steps, after SFT"


@dataclass(frozen=True)
class Prediction:
    """A prediction about A minus B on some items, in points.

    Attributes:
        tasks: the tasks whose items count; empty for all of the run.
        reach: the items' exposure; None for all.
        below, above: an interval entirely below the first or entirely above the second falsifies the prediction.
        differs: how A and B differ from the recipes that docs/predictions.md names.
    """

    number: int
    a: str
    b: str
    tasks: tuple[str, ...] = (DOMAIN,)
    reach: str | None = None
    below: float = -inf
    above: float = inf
    differs: str = ""


PREDICTIONS = (
    Prediction(1, "bridged_all_pool", "raw_all_pool", reach="unseen compound", below=10, above=30, differs=RL_AFTER),
    Prediction(3, "raw_selected_pool", "raw_all_pool", below=-1, above=1, differs=RL_AFTER),
    Prediction(3, "bridged_selected_pool", "bridged_all_pool", below=-1, above=1, differs=RL_AFTER),
    Prediction(5, "raw_all_consolidated", "raw_all_pool", below=1, differs=LATER),
    Prediction(5, "bridged_all_consolidated", "bridged_all_pool", below=1, differs=LATER),
    Prediction(7, "two_rounds_new_repair_diag", "bridged_selected_consolidated", (), below=-1, above=1),
    Prediction(9, "grpo", "base", reach="unseen compound", above=3),
    Prediction(10, "grpo", "base", reach="half-seen", below=15),
    Prediction(11, "sft", "base", reach="known", below=-12, above=-1),
    Prediction(12, "sft_worked", "base", ("lab_logiqa",), above=-2),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--student", default="lab-llama")
    args = parser.parse_args()
    results = {result.method: result for result in run_results(args.run, args.student)}
    seeds = sorted({seed for p in PREDICTIONS for seed in shared_seeds(p, results)})
    head = ["", "A - B", "on", *(f"seed {seed}" for seed in seeds), "all", "", "differs"]
    print("| " + " | ".join(head) + " |\n|---" + "|---" * (len(head) - 1) + "|")
    for prediction in PREDICTIONS:
        if shared := shared_seeds(prediction, results):
            alone = {seed: show(measure(prediction, results, [seed])) for seed in shared}
            found = measure(prediction, results, shared)
            cells = [
                str(prediction.number), f"`{prediction.a}` - `{prediction.b}`",
                prediction.reach or ", ".join(prediction.tasks) or "all",
                *(alone.get(seed, "") for seed in seeds), show(found), verdict(prediction, found), prediction.differs,
            ]  # fmt: skip
            print("| " + " | ".join(cells) + " |")


def shared_seeds(prediction: Prediction, results: dict[str, MethodResult]) -> list[int]:
    """The seeds that both methods have; empty if one did not run."""
    if not {prediction.a, prediction.b} <= results.keys():
        return []
    return sorted(set(results[prediction.a].seeds) & set(results[prediction.b].seeds))


def measure(prediction: Prediction, results: dict[str, MethodResult], seeds: list[int]) -> Difference:
    """A minus B over these seeds, averaged over the tasks."""
    sides = [
        MethodResult.of(r for r in results[name].run_rows if r.row.seed in seeds)
        for name in (prediction.a, prediction.b)
    ]
    tasks = prediction.tasks or tuple(sides[0].scores)
    return difference([_paired(prediction, task, *sides) for task in tasks])


def _paired(prediction: Prediction, task: str, a: MethodResult, b: MethodResult) -> PairedScores:
    pair = pair_scores(task, a.scores[task], b.scores[task])
    if prediction.reach is None:
        return pair
    labels = a.scores[task].labels
    return pair.of_items([i for i, item in enumerate(pair.items) if labels.get(item) == prediction.reach])


def verdict(prediction: Prediction, found: Difference) -> str:
    low, high = 100 * found.low, 100 * found.high
    return "falsified" if high < prediction.below or low > prediction.above else "not falsified"


def show(found: Difference) -> str:
    return points(found.mean, found.low, found.high)


if __name__ == "__main__":
    main()
