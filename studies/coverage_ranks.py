"""Rank intervals of simulated methods: their coverage, false calls of differences, and widths.

    OMP_NUM_THREADS=1 python -m studies.coverage_ranks         # about four minutes

Binary completions as in `coverage_seeds`: an item is solved with logit d_i + m + p + s + e, with its ease d_i, the
method's strength m, the effect p of a seed's pool on all methods, the seed's effect s on one method, and the effect e
of a method's seed on an item. In `alike` all methods have the same variance between seeds; in `mixed` each has its
own, by a factor whose logarithm has the standard deviation 0.5; in `one noisy` one method has four times the standard
deviation of the others, in `very noisy` ten times. In `related` pairs of methods share half of the variance, like two
with a common SFT stage.

For tables of equal methods it reports in how many any two are distinguished, which is false. For methods with evenly
spaced strengths it reports in how many all intervals contain the true rank, the mean width of an interval, and how
many methods have none because they are noisy; the others' true ranks are those without them. For comparison it
reports the same for ranks by Holm's correction of the p-values of all pairs. Prints Markdown.
"""

from __future__ import annotations

import argparse
from itertools import combinations

import numpy as np

from slmr.stats import Effects, holm, margin, noisy_methods, rank_intervals, seeds_and_items_differences

SPREADS = ("alike", "mixed", "one noisy", "very noisy", "related")
TIMES = {"one noisy": 4, "very noisy": 10}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=200, help="simulated, of equal methods and of unequal ones")
    parser.add_argument("--methods", type=int, default=16)
    parser.add_argument("--tasks", type=int, default=5)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--k", type=int, default=4)
    parser.add_argument("--by-seed", type=float, default=0.1, help="standard deviation of s, logits")
    args = parser.parse_args()
    print(
        f"{args.tables} tables of {args.methods} methods a line, {args.tasks} tasks of {args.items} items,"
        f" k = {args.k}, standard deviation of the seed effect {args.by_seed:g} logits.\n"
    )
    print(
        "| seeds | spread | tables with a false call | all ranks held | width of an interval | without rank |"
        " Holm: false call | held | width |\n|---:|---|---:|---:|---:|---:|---:|---:|---:|"
    )
    for seeds in (2, 3, 5):
        for spread in SPREADS:
            print(line(seeds, spread, args), flush=True)


def line(seeds: int, spread: str, args: argparse.Namespace) -> str:
    rng = np.random.default_rng([seeds, SPREADS.index(spread)])
    strengths = np.linspace(0.6, -0.6, args.methods)
    false, held, width, unranked = np.zeros(2), np.zeros(2), np.zeros(2), 0
    for _ in range(args.tables):
        equal = ranks(table(rng, seeds, spread, np.zeros(args.methods), args))
        false += [any(low > 1 or high < len(intervals) for low, high in intervals) for intervals in equal]
        by_method = ranks(table(rng, seeds, spread, strengths, args))
        unranked += args.methods - len(by_method[0])
        for i, intervals in enumerate(by_method):
            held[i] += all(low <= rank <= high for rank, (low, high) in enumerate(intervals, 1))
            width[i] += np.mean([high - low + 1 for low, high in intervals])
    ours, by_holm = (
        f"{100 * false[i] / args.tables:.1f} % | {100 * held[i] / args.tables:.1f} % | {width[i] / args.tables:.1f}"
        for i in range(2)
    )
    return f"| {seeds} | {spread} | {ours} | {unranked / args.tables:.2f} | {by_holm} |"


def table(
    rng: np.random.Generator, seeds: int, spread: str, strengths: np.ndarray, args: argparse.Namespace
) -> list[np.ndarray]:
    """Means over k completions for each task, [methods, seeds, items]."""
    ease = rng.normal(0, 1.5, (args.tasks, 1, 1, args.items))
    pool = rng.normal(0, 0.1, (seeds, 1))
    effect = pool + own_effects(rng, seeds, spread, args)[..., None]
    logits = (
        ease + strengths[:, None, None] + effect + rng.normal(0, 0.5, (args.tasks, args.methods, seeds, args.items))
    )
    return list(rng.binomial(args.k, 1 / (1 + np.exp(-logits))) / args.k)


def own_effects(rng: np.random.Generator, seeds: int, spread: str, args: argparse.Namespace) -> np.ndarray:
    """The seeds' effects [methods, seeds], as described in the module."""
    effects = rng.normal(0, args.by_seed, (args.methods, seeds))
    if spread == "mixed":
        return effects * np.exp(rng.normal(0, 0.5, (args.methods, 1)))
    if spread in TIMES:
        effects[args.methods // 2] *= TIMES[spread]
    if spread == "related":
        effects = np.sqrt(0.5) * (
            effects + np.repeat(rng.normal(0, args.by_seed, (-(-args.methods // 2), seeds)), 2, 0)[: args.methods]
        )
    return effects


def ranks(tasks: list[np.ndarray]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Rank intervals by slmr's margin, without noisy methods, and by Holm's correction of the p-values of all pairs."""
    means = np.mean([task.mean(axis=(1, 2)) for task in tasks], axis=0)
    steady = np.delete(np.arange(len(means)), noisy_methods(tasks))
    ours = [(rank.low, rank.high) for rank in rank_intervals(means[steady], margin([task[steady] for task in tasks]))]
    effects = [[Effects.of(scores) for scores in task] for task in tasks]
    pairs = list(combinations(range(len(means)), 2))
    differences = seeds_and_items_differences([[(task[i] - task[j]).parts for task in effects] for i, j in pairs])
    ahead = np.zeros((len(means), len(means)), dtype=bool)  # [i, j]: j is ahead of i
    for (i, j), d, p in zip(pairs, differences, holm([d.p for d in differences]), strict=True):
        if p < 0.05:
            ahead[(j, i) if d.mean > 0 else (i, j)] = True
    return ours, [(1 + int(ahead[i].sum()), len(means) - int(ahead[:, i].sum())) for i in range(len(means))]


if __name__ == "__main__":
    main()
