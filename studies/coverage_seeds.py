"""Intervals over seeds and items, and Holm's correction over methods, in simulated comparisons without any difference.

    OMP_NUM_THREADS=1 python -m studies.coverage_seeds         # about five minutes

Binary completions: an item is solved at logit d_i + s + e, with its ease d_i, the seed's effect s (one for all of a
seed's tasks) and e of this seed on this item; k completions each. All methods have the same law, so the true
difference between any two is 0. Told: how often the 95 % interval of one difference holds 0, how often one
method's interval holds its true accuracy, and in how many families of methods anything at all is called significant
after Holm's correction. Prints Markdown.
"""

from __future__ import annotations

import argparse

import numpy as np

from slmr.stats import Effects, holm, seeds_and_items, seeds_and_items_differences

TRUTH = 0.5  # all effects are symmetric around the logit 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-n", type=int, default=2000, help="simulated comparisons a line")
    parser.add_argument("--methods", type=int, default=16)
    parser.add_argument("--families", type=int, default=500, help="of so many methods, a line")
    parser.add_argument("--tasks", type=int, default=5)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--k", type=int, default=4)
    a = parser.parse_args()
    print(f"{a.tasks} tasks of {a.items} items, k = {a.k}; {a.n} comparisons and {a.families} families of {a.methods}"
          " methods a line.\n")  # fmt: skip
    print("| seeds | sd of the seed effect, logits | of seed and item | difference holds 0 | accuracy holds the truth |"
          " families with a false call |\n|---:|---:|---:|---:|---:|---:|")  # fmt: skip
    for seeds in (2, 3, 5):
        for by_seed, rest in ((0.0, 0.5), (0.05, 0.5), (0.15, 0.5), (0.15, 1.0)):
            print(line(seeds, by_seed, rest, a), flush=True)


def line(seeds: int, by_seed: float, rest: float, a: argparse.Namespace) -> str:
    rng = np.random.default_rng([seeds, round(1000 * by_seed), round(1000 * rest)])
    zero = held = false = 0
    for _ in range(a.n):
        one, other = methods(rng, 2, seeds, by_seed, rest, a)
        (found,) = seeds_and_items_differences([[(a - b).parts for a, b in zip(one, other, strict=True)]])
        zero += found.low <= 0 <= found.high
        interval = seeds_and_items([task.parts for task in one])
        held += interval.low <= TRUTH <= interval.high
    for _ in range(a.families):
        first, *others = methods(rng, a.methods, seeds, by_seed, rest, a)
        pvalues = [
            d.p
            for other in others
            for d in seeds_and_items_differences([[(a - b).parts for a, b in zip(other, first, strict=True)]])
        ]
        false += min(holm(pvalues)) < 0.05
    return (
        f"| {seeds} | {by_seed:g} | {rest:g} | {100 * zero / a.n:.1f} % | {100 * held / a.n:.1f} % |"
        f" {100 * false / a.families:.1f} % |"
    )


def methods(
    rng: np.random.Generator, count: int, seeds: int, by_seed: float, rest: float, a: argparse.Namespace
) -> list[list[Effects]]:
    """For each method, per task the effects of the means over k completions. Items are the same for all methods."""
    ease = rng.normal(0, 1.5, (a.tasks, a.items))
    found = []
    for _ in range(count):
        effect = rng.normal(0, by_seed, (seeds, 1, 1))
        logits = ease + effect + rng.normal(0, rest, (seeds, a.tasks, a.items))
        scores = rng.binomial(a.k, 1 / (1 + np.exp(-logits))) / a.k
        found.append([Effects.of(scores[:, t]) for t in range(a.tasks)])
    return found


if __name__ == "__main__":
    main()
