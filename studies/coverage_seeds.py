"""Coverage of intervals over seeds and items, and Holm's correction, in simulated comparisons of equal methods.

    OMP_NUM_THREADS=1 python -m studies.coverage_seeds         # about five minutes

Binary completions: an item is solved with logit d_i + s + e, with its ease d_i, the seed's effect s (the same for all
of a seed's tasks) and the effect e of this seed on this item; k completions each. All methods have the same
distribution, so the true difference between any two is 0. It reports how often the 95 % interval of a difference
contains 0, how often a method's interval contains its true accuracy, and in how many families of methods any
difference is called significant after Holm's correction. Prints Markdown.
"""

from __future__ import annotations

import argparse

import numpy as np

from slmr.stats import Effects, holm, seeds_and_items, seeds_and_items_differences

TRUTH = 0.5  # all effects are symmetric around the logit 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=2000, help="simulated comparisons a line")
    parser.add_argument("--methods", type=int, default=16)
    parser.add_argument("--families", type=int, default=500, help="of so many methods, a line")
    parser.add_argument("--tasks", type=int, default=5)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--k", type=int, default=4)
    args = parser.parse_args()
    print(
        f"{args.tasks} tasks of {args.items} items, k = {args.k}; {args.n} comparisons and {args.families} families"
        f" of {args.methods} methods a line.\n"
    )
    print(
        "| seeds | sd of the seed effect, logits | of seed and item | difference holds 0 | accuracy holds the truth |"
        " families with a false call |\n|---:|---:|---:|---:|---:|---:|"
    )
    for seeds in (2, 3, 5):
        for by_seed, rest in ((0.0, 0.5), (0.05, 0.5), (0.15, 0.5), (0.15, 1.0)):
            print(line(seeds, by_seed, rest, args), flush=True)


def line(seeds: int, by_seed: float, rest: float, args: argparse.Namespace) -> str:
    rng = np.random.default_rng([seeds, round(1000 * by_seed), round(1000 * rest)])
    zero = held = false = 0
    for _ in range(args.n):
        one, other = methods(rng, 2, seeds, by_seed, rest, args)
        (difference,) = seeds_and_items_differences([[(a - b).parts for a, b in zip(one, other, strict=True)]])
        zero += difference.low <= 0 <= difference.high
        interval = seeds_and_items([task.parts for task in one])
        held += interval.low <= TRUTH <= interval.high
    for _ in range(args.families):
        first, *others = methods(rng, args.methods, seeds, by_seed, rest, args)
        pvalues = [
            d.p
            for other in others
            for d in seeds_and_items_differences([[(a - b).parts for a, b in zip(other, first, strict=True)]])
        ]
        false += min(holm(pvalues)) < 0.05
    return (
        f"| {seeds} | {by_seed:g} | {rest:g} | {100 * zero / args.n:.1f} % | {100 * held / args.n:.1f} % |"
        f" {100 * false / args.families:.1f} % |"
    )


def methods(
    rng: np.random.Generator, count: int, seeds: int, by_seed: float, rest: float, args: argparse.Namespace
) -> list[list[Effects]]:
    """The effects of the means over k completions, by method and task. Items are the same for all methods."""
    ease = rng.normal(0, 1.5, (args.tasks, args.items))
    effects = []
    for _ in range(count):
        effect = rng.normal(0, by_seed, (seeds, 1, 1))
        logits = ease + effect + rng.normal(0, rest, (seeds, args.tasks, args.items))
        scores = rng.binomial(args.k, 1 / (1 + np.exp(-logits))) / args.k
        effects.append([Effects.of(scores[:, t]) for t in range(args.tasks)])
    return effects


if __name__ == "__main__":
    main()
