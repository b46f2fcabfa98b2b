"""Compares the predictions of docs/predictions.md with the results, for each seed and for all seeds together.

    python -m studies.predictions results/lab*

Of several runs with a prediction's profile and both of its recipes, the one with most seeds counts. A single seed has
an interval over items, several seeds one over seeds and items. A prediction is falsified if the interval of all seeds
lies on the side that docs/predictions.md names. If the predicted recipes were not run, the most similar ones replace
them, and the table says how they differ. Prints Markdown.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from math import inf
from pathlib import Path

from slmr.results.runs.method_results import MethodResult, run_results
from slmr.results.runs.paired_scores import PairedScores, difference, pair_scores
from slmr.stats import Difference
from slmr.stats.formats import points

DOMAIN = "lab_gsm8k"
RL_AFTER, LATER = "RL after both", "40 steps, after SFT"

Results = dict[str, MethodResult]  # of one run, by method


@dataclass(frozen=True)
class Prediction:
    """A prediction about A minus B on some items, in points.

    Attributes:
        tasks: the tasks whose items count; empty for all of the run.
        exposure: the items' exposure; None for all.
        below, above: an interval entirely below the first or entirely above the second falsifies the prediction.
        differs: how A and B differ from the recipes that docs/predictions.md names.
        profile: what both were trained with.
        unseen: the seeds that count; None for all. Others were seen before the prediction was made.
    """

    number: int
    a: str
    b: str
    tasks: tuple[str, ...] = (DOMAIN,)
    exposure: str | None = None
    below: float = -inf
    above: float = inf
    differs: str = ""
    profile: str = "lab"
    unseen: tuple[int, ...] | None = None


ALL_PARTS = "bridged_selected_consolidated"  # the paper's three parts in one round

PREDICTIONS = (
    Prediction(1, "sft_bridged", "sft", exposure="unseen compound", below=10, above=30),
    Prediction(
        1,
        "bridged_all_pool",
        "raw_all_pool",
        exposure="unseen compound",
        below=10,
        above=30,
        differs=RL_AFTER,
    ),
    Prediction(2, "sft_bridged", "sft", exposure="unseen compound", below=-1, above=5, profile="lab-mild"),
    Prediction(3, "raw_selected_pool", "raw_all_pool", below=-1, above=1, differs=RL_AFTER),
    Prediction(3, "bridged_selected_pool", "bridged_all_pool", below=-1, above=1, differs=RL_AFTER),
    Prediction(4, "raw_selected_pool", "raw_all_pool", below=2, differs=RL_AFTER, profile="lab-third"),
    Prediction(5, "raw_all_consolidated", "raw_all_pool", below=1, differs=LATER),
    Prediction(5, "bridged_all_consolidated", "bridged_all_pool", below=1, differs=LATER),
    Prediction(6, "raw_all_consolidated", "raw_all_pool", below=-1, above=1, differs="after SFT", profile="lab-long"),
    Prediction(7, "two_rounds_new_repair_diag", ALL_PARTS, (), below=-1, above=1),
    Prediction(8, "two_rounds_new", "two_rounds_more_worked", (), below=-1, above=1),
    Prediction(9, "grpo", "base", exposure="unseen compound", above=3),
    Prediction(10, "grpo", "base", exposure="half-seen", below=15),
    Prediction(11, "sft", "base", exposure="known", below=-12, above=-1),
    Prediction(12, "sft_worked", "base", ("lab_logiqa",), above=-2),
    Prediction(13, ALL_PARTS, "grpo", (), below=1, above=6, profile="lab-long", unseen=(1, 2)),
    Prediction(14, ALL_PARTS, "grpo", below=8, above=17, profile="lab-long", unseen=(1, 2)),
    Prediction(15, ALL_PARTS, "bridged_all_pool", (), below=-4, above=0, profile="lab-long"),
    Prediction(16, "sft_worked_grpo", "bridged_all_pool", (), below=-2, above=2, profile="lab-long"),
    Prediction(17, "cispo", "grpo", (), below=1, above=8, profile="lab-long"),
    Prediction(18, "stagewise", ALL_PARTS, (), below=-15, above=-3, profile="lab-long"),
    Prediction(19, ALL_PARTS, "raw_all_pool", (), below=4, above=9, profile="lab-long"),
    Prediction(20, "stagewise", "sft_grpo", (), below=-5, above=5, profile="studies/budget/1m.yaml"),
    Prediction(21, "grpo", "stagewise", (), below=5, profile="studies/budget/250k.yaml"),
    Prediction(22, ALL_PARTS, "sft_grpo", below=3, above=15, profile="studies/budget/1m.yaml"),
    Prediction(23, "gkd", "grpo", (), below=-6, above=2, profile="studies/budget/1m.yaml"),
    Prediction(24, "random_partition", "stagewise", (), below=0, above=8),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--student", default="lab-llama")
    args = parser.parse_args()
    folders = [run for run in args.runs if (run / "summary.json").is_file()]  # other studies have no runs
    runs = [{r.method: r for r in run_results(run, args.student)} for run in folders]
    outcomes = [(prediction, *best_run(prediction, runs)) for prediction in PREDICTIONS]
    seeds = sorted({seed for _, _, shared in outcomes for seed in shared})
    head = ["", "A - B", "on", "profile", *(f"seed {seed}" for seed in seeds), "all", "", "differs"]
    print("| " + " | ".join(head) + " |\n|---" + "|---" * (len(head) - 1) + "|")
    for prediction, results, shared in outcomes:
        if shared:
            print("| " + " | ".join(line(prediction, results, shared, seeds)) + " |")


def line(prediction: Prediction, results: Results, shared: list[int], seeds: list[int]) -> list[str]:
    alone = {seed: show(measure(prediction, results, [seed])) for seed in shared}
    difference = measure(prediction, results, shared)
    return [
        str(prediction.number),
        f"`{prediction.a}` - `{prediction.b}`",
        prediction.exposure or ", ".join(prediction.tasks) or "all",
        prediction.profile,
        *(alone.get(seed, "") for seed in seeds),
        show(difference),
        verdict(prediction, difference),
        prediction.differs,
    ]


def best_run(prediction: Prediction, runs: list[Results]) -> tuple[Results, list[int]]:
    """The run in which both methods have most seeds, and these seeds; none if no run has both."""
    shared = [shared_seeds(prediction, results) for results in runs]
    best = max(range(len(runs)), key=lambda i: len(shared[i]))
    return runs[best], shared[best]


def shared_seeds(prediction: Prediction, results: Results) -> list[int]:
    """The seeds that both methods have with the prediction's profile."""
    pair = [results[name] for name in (prediction.a, prediction.b) if name in results]
    if len(pair) < 2 or any(result.first.profile != prediction.profile for result in pair):
        return []
    shared = set(pair[0].seeds) & set(pair[1].seeds)
    return sorted(shared if prediction.unseen is None else shared.intersection(prediction.unseen))


def measure(prediction: Prediction, results: Results, seeds: list[int]) -> Difference:
    """A minus B over these seeds, averaged over the tasks."""
    sides = [
        MethodResult.of(r for r in results[name].run_rows if r.row.seed in seeds)
        for name in (prediction.a, prediction.b)
    ]
    tasks = prediction.tasks or tuple(sides[0].scores)
    return difference([_paired(prediction, task, *sides) for task in tasks])


def _paired(prediction: Prediction, task: str, a: MethodResult, b: MethodResult) -> PairedScores:
    pair = pair_scores(task, a.scores[task], b.scores[task])
    if prediction.exposure is None:
        return pair
    labels = a.scores[task].labels
    return pair.of_items([i for i, item in enumerate(pair.items) if labels.get(item) == prediction.exposure])


def verdict(prediction: Prediction, difference: Difference) -> str:
    low, high = 100 * difference.low, 100 * difference.high
    return "falsified" if high < prediction.below or low > prediction.above else "not falsified"


def show(difference: Difference) -> str:
    return points(difference.mean, difference.low, difference.high)


if __name__ == "__main__":
    main()
