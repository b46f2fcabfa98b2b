"""Ranks of simulated methods: how often they hold the true ones, call a difference that is none, and how wide they are.

    OMP_NUM_THREADS=1 python -m studies.coverage_ranks         # about four minutes

Binary completions as in `coverage_seeds`: an item is solved at logit d_i + m + p + s + e, with its ease d_i, the
method's strength m, the pool's effect p of a seed on all methods, the seed's effect s on one method, and e of a
method's seed on an item. In `alike` all methods have the same spread from seed to seed; in `mixed` each has its own, by
a factor whose logarithm has the standard deviation 0.5; in `one noisy` one method has four times the others'. In
`related` pairs of methods share half of the variance, as two with one SFT stage do.

Told of tables of equal methods: in how many any two are told apart, which is false. Of methods whose strengths are
evenly spread: in how many all intervals hold the true rank, and how wide an interval is. The same of ranks by Holm's
correction of the p-values of all pairs, for comparison. Prints Markdown.
"""

from __future__ import annotations

import argparse
from itertools import combinations

import numpy as np

from slmr.stats import Effects, holm, margin, rank_intervals, seeds_and_items_differences

SPREADS = ("alike", "mixed", "one noisy", "related")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--tables", type=int, default=200, help="simulated, of equal methods and of unequal ones"
    )
    parser.add_argument("--methods", type=int, default=16)
    parser.add_argument("--tasks", type=int, default=5)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--k", type=int, default=4)
    parser.add_argument("--by-seed", type=float, default=0.1, help="standard deviation of s, logits")
    a = parser.parse_args()
    print(f"{a.tables} tables of {a.methods} methods a line, {a.tasks} tasks of {a.items} items, k = {a.k}, standard"
          f" deviation of the seed effect {a.by_seed:g} logits.\n")  # fmt: skip
    print("| seeds | spread | tables with a false call | all ranks held | width of an interval | Holm: false call |"
          " held | width |\n|---:|---|---:|---:|---:|---:|---:|---:|")  # fmt: skip
    for seeds in (2, 3, 5):
        for spread in SPREADS:
            print(line(seeds, spread, a), flush=True)


def line(seeds: int, spread: str, a: argparse.Namespace) -> str:
    rng = np.random.default_rng([seeds, SPREADS.index(spread)])
    strengths = np.linspace(0.6, -0.6, a.methods)
    cells = []
    false, held, width = np.zeros(2), np.zeros(2), np.zeros(2)
    for _ in range(a.tables):
        equal = ranks(table(rng, seeds, spread, np.zeros(a.methods), a))
        false += [any(low > 1 or high < a.methods for low, high in found) for found in equal]
        for i, found in enumerate(ranks(table(rng, seeds, spread, strengths, a))):
            held[i] += all(low <= rank <= high for rank, (low, high) in enumerate(found, 1))
            width[i] += np.mean([high - low + 1 for low, high in found])
    for i in range(2):
        cells += [
            f"{100 * false[i] / a.tables:.1f} %",
            f"{100 * held[i] / a.tables:.1f} %",
            f"{width[i] / a.tables:.1f}",
        ]
    return f"| {seeds} | {spread} | " + " | ".join(cells) + " |"


def table(
    rng: np.random.Generator, seeds: int, spread: str, strengths: np.ndarray, a: argparse.Namespace
) -> list[np.ndarray]:
    """Per task, the means over k completions: [methods, seeds, items]."""
    ease = rng.normal(0, 1.5, (a.tasks, 1, 1, a.items))
    pool = rng.normal(0, 0.1, (seeds, 1))
    effect = pool + own_effects(rng, seeds, spread, a)[..., None]
    logits = (
        ease + strengths[:, None, None] + effect + rng.normal(0, 0.5, (a.tasks, a.methods, seeds, a.items))
    )
    return list(rng.binomial(a.k, 1 / (1 + np.exp(-logits))) / a.k)


def own_effects(rng: np.random.Generator, seeds: int, spread: str, a: argparse.Namespace) -> np.ndarray:
    """[methods, seeds]: see the module."""
    drawn = rng.normal(0, a.by_seed, (a.methods, seeds))
    if spread == "mixed":
        return drawn * np.exp(rng.normal(0, 0.5, (a.methods, 1)))
    if spread == "one noisy":
        drawn[a.methods // 2] *= 4
    if spread == "related":
        drawn = np.sqrt(0.5) * (
            drawn + np.repeat(rng.normal(0, a.by_seed, (-(-a.methods // 2), seeds)), 2, 0)[: a.methods]
        )
    return drawn


def ranks(tasks: list[np.ndarray]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """By slmr's margin, and by Holm's correction of the p-values of all pairs."""
    means = np.mean([task.mean(axis=(1, 2)) for task in tasks], axis=0)
    ours = [tuple(found) for found in rank_intervals(means, margin(tasks))]
    effects = [[Effects.of(scores) for scores in task] for task in tasks]
    pairs = list(combinations(range(len(means)), 2))
    found = seeds_and_items_differences([[(task[i] - task[j]).parts for task in effects] for i, j in pairs])
    ahead = np.zeros((len(means), len(means)), dtype=bool)  # [i, j]: j is ahead of i
    for (i, j), d, p in zip(pairs, found, holm([d.p for d in found]), strict=True):
        if p < 0.05:
            ahead[(j, i) if d.mean > 0 else (i, j)] = True
    return ours, [(1 + int(ahead[i].sum()), len(means) - int(ahead[:, i].sum())) for i in range(len(means))]


if __name__ == "__main__":
    main()
