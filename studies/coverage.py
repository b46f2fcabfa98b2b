"""Coverage of the 95 % intervals of slmr.stats in simulated evaluations.

    OMP_NUM_THREADS=1 python -m studies.coverage            # every regime: about a minute
    OMP_NUM_THREADS=1 python -m studies.coverage --brief    # a line for each score and band

A regime is a score (avg@k, pass@k of n, maj@k), a number of items, a band of true values, and the
concentration s of the items' difficulty: an item's success rate is Beta(m s, (1 - m) s), from s = 0 (every
item always or never solved) to s = infinity (all equal). In each simulated evaluation the true value is drawn
uniformly from the band, and m is the mean rate that gives it. "Fixed" uses a single true value instead, where
the coverage of any interval oscillates with n and the value, because counts are discrete.

Given an item's rate p, the probability of a score is a polynomial in p, so Gauss-Jacobi quadrature gives the
distribution of the scores, and the true value, exactly. An evaluation with n independent items is then one
multinomial draw of the counts of each score, on which the interval depends.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy import special, stats

from slmr.stats import Moments, bounds_of_moments, paired_difference, pass_scores

ITEMS = (10, 20, 30, 50, 100, 500)
CONCENTRATIONS = (0.0, 0.5, 2.0, 10.0, math.inf)
BANDS = {0.02: (0.0, 0.04), 0.05: (0.0, 0.10), 0.5: (0.3, 0.7), 0.95: (0.90, 1.0), 0.98: (0.96, 1.0)}
NO_ANSWER, FAVOURITE = 0.1, 0.6  # shares of completions without answer; of wrong answers that are the same
Z95 = 1.959963984540054

Array = np.ndarray
Bounds = tuple[Array, Array]


@dataclass(frozen=True)
class Score:
    """`avg@k`, `pass@k of n` or `maj@k`; n is the number of an item's completions."""

    name: str
    k: int
    n: int

    def __str__(self) -> str:
        return f"pass@{self.k} of {self.n}" if self.name == "pass" else f"{self.name}@{self.k}"


SCORES = (
    *(Score("avg", k, k) for k in (1, 4, 8, 16)),
    *(Score("pass", k, n) for k, n in ((2, 4), (4, 8), (4, 16), (8, 16))),
    *(Score("maj", k, k) for k in (4, 8, 16)),
)


@dataclass(frozen=True)
class Regime:
    """One cell of the grid; `band` names a row of BANDS."""

    score: Score
    items: int
    band: float
    concentration: float


def regimes() -> Iterator[Regime]:
    """The grid. With one completion per item the concentration makes no difference, so there is only one."""
    for score in SCORES:
        for concentration in CONCENTRATIONS if score.n > 1 else (0.0,):
            for band in BANDS:
                for n in ITEMS:
                    yield Regime(score, n, band, concentration)


# --- the laws of scores --------------------------------------------------------------------------


@cache
def law(score: Score, concentration: float) -> tuple[Array, Array, Array]:
    """Item scores [v]; for a grid of mean rates, true values [g] and the probabilities of the scores [g, v]."""
    means = np.concatenate([[0.0], special.expit(np.linspace(-10, 10, 161)), [1.0]])
    inner, ends = means[1:-1], np.array([0.0, 1.0])
    if concentration == 0:
        nodes, weights = np.tile(ends, (len(inner), 1)), np.column_stack([1 - inner, inner])
    elif math.isinf(concentration):
        nodes, weights = inner[:, None], np.ones((len(inner), 1))
    else:
        both = [special.roots_jacobi(score.n + 1, (1 - m) * concentration - 1, m * concentration - 1) for m in inner]
        nodes = np.clip((1 + np.array([x for x, _ in both])) / 2, 0, 1)
        weights = np.array([w / w.sum() for _, w in both])
    values, given = given_rate(score, np.concatenate([ends, nodes.ravel()]))
    mixed = np.einsum("gj,gjv->gv", weights, given[2:].reshape(*nodes.shape, -1))
    chances = np.vstack([given[:1], mixed, given[1:2]])
    return values, chances @ values, chances


def given_rate(score: Score, p: Array) -> tuple[Array, Array]:
    """Item scores [v] and their probabilities [p, v] for items with success rates p."""
    if score.name == "maj":
        return majority_given_rate(score.k, p)
    count = np.arange(score.n + 1)
    values = count / score.n if score.name == "avg" else pass_scores(score.n, score.k)
    return values, stats.binom.pmf(count, score.n, p[:, None])


def majority_given_rate(k: int, p: Array) -> tuple[Array, Array]:
    """As `given_rate`: some completions have no answer; some wrong answers are the same, the others are unique."""
    values = np.array([0.0, *(1 / ties for ties in range(1, k + 1))])
    chances = np.zeros((len(p), k + 1))
    for none in range(k + 1):
        for right in range(k - none + 1):
            for same in range(k - none - right + 1):
                alone = k - none - right - same
                top = max(right, same, min(alone, 1))
                ties = (right == top) + (same == top) + (alone if top == 1 else 0)
                ways = math.factorial(k)
                for group in (none, right, same, alone):
                    ways //= math.factorial(group)
                chance = ways * NO_ANSWER**none * (1 - NO_ANSWER) ** (k - none)
                chance *= FAVOURITE**same * (1 - FAVOURITE) ** alone
                score = ties if right == top > 0 else 0
                chances[:, score] += chance * p**right * (1 - p) ** (same + alone)
    return values, chances


# --- the simulations -----------------------------------------------------------------------------


def simulate(regime: Regime, size: int, fixed: bool = False, part: int = 0) -> tuple[Array, Moments]:
    """True values spread over the band (or all at its name), and the measured moments, [size] each.

    The regime determines the seed; another `part` gives other draws.
    """
    rng = np.random.default_rng([part + 1, *repr(regime).encode()])
    values, truths, chances = law(regime.score, regime.concentration)
    low, high = (regime.band,) * 2 if fixed else BANDS[regime.band]
    truth = np.clip(rng.uniform(low, high, size), truths[0], truths[-1])
    right = np.clip(np.searchsorted(truths, truth), 1, len(truths) - 1)
    share = (truth - truths[right - 1]) / (truths[right] - truths[right - 1])
    chance = (1 - share)[:, None] * chances[right - 1] + share[:, None] * chances[right]
    counts = rng.multinomial(regime.items, chance / chance.sum(axis=1, keepdims=True))
    mean = counts @ values / regime.items
    variance = (counts * (values - mean[:, None]) ** 2).sum(axis=1) / regime.items
    least = np.where(counts > 0, values, 1.0).min(axis=1)
    most = np.where(counts > 0, values, 0.0).max(axis=1)
    return truth, Moments(regime.items, mean, variance, least, most)


def simulate_tasks(regimes: Sequence[Regime], size: int) -> tuple[Array, list[Moments]]:
    """The true mean over independent tasks, and the measured moments of each."""
    samples = [simulate(regime, size, part=i + 1) for i, regime in enumerate(regimes)]
    return np.mean([truth for truth, _ in samples], axis=0), [moments for _, moments in samples]


def coverage(truth: Array, bounds: Bounds) -> float:
    """The share of intervals that contain the true value."""
    low, high = bounds
    return float(((low <= truth + 1e-12) & (truth - 1e-12 <= high)).mean())


def width(bounds: Bounds) -> float:
    """The mean width of the intervals, cut to [0, 1]."""
    low, high = bounds
    return float((np.minimum(high, 1) - np.maximum(low, 0)).mean())


# --- paired differences --------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """Two models on the same items, k completions each; the first one's rates are Beta with this concentration.

    A share of the items, up to `share`, gets better and another one worse, by 70 % of the distance to always or
    never right; with `all_items`, all move by up to `share` of that distance.
    """

    items: int
    k: int
    rates: tuple[float, float]
    concentration: float
    share: float
    all_items: bool = False


def changes() -> Iterator[Change]:
    for n in (10, 30, 100, 500):
        for rates in ((0.005, 0.04), (0.3, 0.7), (0.9, 0.99)):
            for k in (1, 4, 16):
                yield Change(n, k, rates, 0.5, 0.05)
                yield Change(n, k, rates, 2.0, 0.3)
                yield Change(n, k, rates, 10.0, 0.1, all_items=True)


def simulate_change(change: Change, size: int) -> tuple[Array, Array, Array]:
    """True differences [size], and the item scores of the two models, [size, items] each."""
    rng = np.random.default_rng([*repr(change).encode()])
    mean, up, down = (rng.uniform(*ends, (size, 1)) for ends in (change.rates, (0, change.share), (0, change.share)))
    s, shape = change.concentration, (size, change.items)
    before = rng.beta(mean * s, (1 - mean) * s, shape)
    if change.all_items:
        after, truth = before + up * (1 - before) - down * before, up * (1 - mean) - down * mean
    else:
        chosen, fell = rng.random(shape), 0.3 * before
        after = np.where(chosen < up, fell + 0.7, np.where(chosen < up + down, fell, before))
        truth = 0.7 * (up * (1 - mean) - down * mean)
    first, second = (rng.binomial(change.k, np.clip(p, 0, 1)) / change.k for p in (before, after))
    return truth[:, 0], second, first


def bounds_of_changes(second: Array, first: Array) -> Bounds:
    differences = [paired_difference(a[:, None], b[:, None]) for a, b in zip(second, first, strict=True)]
    return np.array([d.low for d in differences]), np.array([d.high for d in differences])


# --- other intervals -----------------------------------------------------------------------------


def around(m: Moments, errors: float) -> Bounds:
    """The mean plus and minus `errors` standard errors, clustered by item."""
    half = errors * np.sqrt(m.variance / (m.n - 1))
    return m.mean - half, m.mean + half


def wilson_of_completions(m: Moments, k: int) -> Bounds:
    """Wilson's interval that treats an item's k completions as k items."""
    z2, n = Z95**2, m.n * k
    centre = (m.mean + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (m.mean * (1 - m.mean) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return centre - half, centre + half


def methods(n: int, k: int) -> dict[str, Callable[[Moments], Bounds]]:
    """Name → interval; ours comes first."""
    return {
        "slmr": lambda m: bounds_of_moments([m]),
        "normal": partial(around, errors=Z95),
        "Student's t": partial(around, errors=float(stats.t.ppf(0.975, n - 1))),
        "Wilson, unclustered": partial(wilson_of_completions, k=k),
    }


# --- tables --------------------------------------------------------------------------------------


class Measured(NamedTuple):
    """Coverage and mean width by method; `fixed` is the coverage of ours at one true value."""

    covers: dict[str, float]
    widths: dict[str, float]
    fixed: float


def measure(regime: Regime, size: int) -> Measured:
    truth, moments = simulate(regime, size)
    bounds = {name: f(moments) for name, f in methods(regime.items, regime.score.n).items()}
    covers = {name: coverage(truth, interval) for name, interval in bounds.items()}
    truth, moments = simulate(regime, size, fixed=True)
    fixed = coverage(truth, bounds_of_moments([moments]))
    return Measured(covers, {name: width(interval) for name, interval in bounds.items()}, fixed)


def row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def heading(*cells: str) -> None:
    row(*cells)
    row(*("---" for _ in cells))


def percent(values: Sequence[float]) -> str:
    """`95.1`, or `93.5-96.9`."""
    low, high = f"{100 * min(values):.1f}", f"{100 * max(values):.1f}"
    return low if low == high else f"{low}-{high}"


def summary(title: str, by_regime: dict[Regime, Measured], key: Callable[[Regime], str]) -> None:
    names = list(methods(10, 1))
    print(f"\n### By {title}: least and most over the regimes\n")
    heading(title, "regimes", *names, "slmr, fixed", "width: slmr", "width: Student's t")
    for group in dict.fromkeys(map(key, by_regime)):
        part = [m for r, m in by_regime.items() if key(r) == group]
        covers = [percent([m.covers[name] for m in part]) for name in names]
        widths = [np.mean([m.widths[name] for m in part]) for name in ("slmr", "Student's t")]
        row(group, len(part), *covers, percent([m.fixed for m in part]), *(f"{w:.3f}" for w in widths))


def second_look(by_regime: dict[Regime, Measured]) -> None:
    """Simulates the extreme regimes again, because extremes of many noisy figures are mostly noise."""
    ends = sorted(by_regime, key=lambda r: by_regime[r].covers["slmr"])
    again = [measure_again(r) for r in ends[:20] + ends[-20:]]
    print(f"\nThe 20 regimes with the least and the 20 with the most, 100,000 times anew: {percent(again)}.")


def measure_again(regime: Regime) -> float:
    """The coverage in 100,000 new simulations, with a standard error below 0.1 points."""
    truth, moments = simulate(regime, 100_000, part=-1)
    return coverage(truth, bounds_of_moments([moments]))


def fixed_table() -> None:
    """The exact range of the coverage at a fixed true value, from the binomial distribution."""
    print("\n### avg@1 at one true value, from 0.001 to 0.999: exact\n")
    heading("items", "least", "at", "mean", "most")
    truth = np.arange(1, 1000) / 1000
    for n in ITEMS:
        right = np.arange(n + 1) / n
        low, high = bounds_of_moments([Moments(n, right, right * (1 - right), right == 1, right > 0)])
        holds = (low <= truth[:, None]) & (truth[:, None] <= high)
        covers = (stats.binom.pmf(np.arange(n + 1), n, truth[:, None]) * holds).sum(axis=1)
        least, mean, most = (f"{100 * x:.1f}" for x in (covers.min(), covers.mean(), covers.max()))
        row(n, least, truth[covers.argmin()], mean, most)


def every_regime(by_regime: dict[Regime, Measured]) -> None:
    names = list(methods(10, 1))
    print("\n### Every regime\n")
    heading("score", "items", "true value", "s", *names, "slmr, fixed at", *(f"width: {n}" for n in names))
    for r, m in by_regime.items():
        covers = [f"{100 * m.covers[name]:.1f}" for name in names]
        widths = [f"{m.widths[name]:.3f}" for name in names]
        low, high = BANDS[r.band]
        s = "∞" if math.isinf(r.concentration) else f"{r.concentration:g}"
        row(r.score, r.items, f"{low:g}-{high:g}", s, *covers, f"{100 * m.fixed:.1f} ({r.band})", *widths)


def tasks_table(size: int) -> None:
    print("\n### Mean over tasks, one after the other with these items and true values around these\n")
    heading("tasks", "items", "true values", "slmr", "normal", "width: slmr", "width: normal")
    laws = (SCORES[0], 0.0), (SCORES[3], 0.5), (SCORES[3], math.inf), (SCORES[7], 2.0)
    for count, items, bands in product(
        (2, 5), ((10,), (30,), (100,), (10, 100)), ((0.02,), (0.5,), (0.02, 0.5, 0.98), (0.02, 0.98))
    ):
        rows = []
        for score, s in laws:
            cells = [Regime(score, items[i % len(items)], bands[i % len(bands)], s) for i in range(count)]
            truth, moments = simulate_tasks(cells, size)
            mean = sum(m.mean for m in moments) / count
            half = Z95 * np.sqrt(sum(m.variance / (m.n - 1) for m in moments)) / count
            both = bounds_of_moments(moments), (mean - half, mean + half)
            rows.append([*(coverage(truth, x) for x in both), *(width(x) for x in both)])
        ours, normal, *widths = zip(*rows, strict=True)
        cells = " and ".join(map(str, items)), ", ".join(map(str, bands))
        row(count, *cells, percent(ours), percent(normal), *(f"{np.mean(w):.3f}" for w in widths))


def changes_table(size: int) -> None:
    print("\n### Paired differences\n")
    heading("items", "what changes", "k", "slmr", "Student's t", "width: slmr", "width: Student's t")
    groups: dict[tuple[int, str, int], list[list[float]]] = {}
    for change in changes():
        truth, second, first = simulate_change(change, size)
        moved = second - first
        half = stats.t.ppf(0.975, change.items - 1) * moved.std(axis=1, ddof=1) / math.sqrt(change.items)
        both = bounds_of_changes(second, first), (moved.mean(axis=1) - half, moved.mean(axis=1) + half)
        widths = [float((high - low).mean()) for low, high in both]
        kind = "all items, a little" if change.all_items else f"up to {change.share:.0%} of the items, much"
        row = [*(coverage(truth, x) for x in both), *widths]
        groups.setdefault((change.items, kind, change.k), []).append(row)
    for (items, kind, k), rows in groups.items():
        ours, student, *widths = zip(*rows, strict=True)
        row(items, kind, k, percent(ours), percent(student), *(f"{np.mean(w):.3f}" for w in widths))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brief", action="store_true", help="leave out the table of every regime")
    parser.add_argument("--size", type=int, default=10_000, help="simulated evaluations a regime")
    args = parser.parse_args()
    by_regime = {regime: measure(regime, args.size) for regime in regimes()}
    print(f"Coverage in percent of {args.size} simulated evaluations a regime.")
    summary("score", by_regime, lambda r: str(r.score))
    summary("items", by_regime, lambda r: str(r.items))
    summary("true value", by_regime, lambda r: "{:g}-{:g}".format(*BANDS[r.band]))
    second_look(by_regime)
    fixed_table()
    tasks_table(args.size)
    changes_table(min(args.size, 2000))
    if not args.brief:
        every_regime(by_regime)


if __name__ == "__main__":
    sys.exit(main())
