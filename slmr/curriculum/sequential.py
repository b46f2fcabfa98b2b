"""When a probe may stop sampling a problem: how likely its class after all K completions is another one. Ours.

Each problem's rate is taken as drawn from a Beta law, fitted to the counts of the whole pool (empirical
Bayes). Of the remaining completions, the number of right ones is then beta-binomial, so the chance
that the class changes is a sum of at most K terms, exact. Stopping depends on nothing but the counts, so
neither the fit nor the chance is biased by what was stopped before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np

_FEWEST = 4  # completions before a chance is trusted: fewer say little of the shape of the rates

Target = Literal["difficulty", "mixed"]


class Counts(NamedTuple):
    """Of each problem: how many completions were right, and how many got a verdict; both [problems]."""

    right: np.ndarray
    judged: np.ndarray


class Prior(NamedTuple):
    """The Beta law of the rates: rho ~ Beta(a, b)."""

    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Classes:
    """What a problem is told apart by: its difficulty group, or whether its completions are mixed.

    `difficulty` has 0 hard, 1 medium, 2 simple, by the two bounds of the rate; `mixed` has 0 all wrong,
    1 mixed, 2 all right. A problem without a verdict is hard, or all wrong.
    """

    target: Target
    medium_from: float
    simple_from: float

    def of(self, counts: Counts) -> np.ndarray:
        """The class of each pair of counts, in their shape."""
        import numpy as np

        right, judged = counts
        if self.target == "mixed":
            return (right > 0).astype(int) + ((right > 0) & (right == judged))
        rate = right / np.maximum(judged, 1)
        return np.where(rate >= self.simple_from, 2, np.where(rate >= self.medium_from, 1, 0))


def fit_prior(counts: Counts) -> Prior:
    """The Beta law under which the counts are likeliest: beta-binomial maximum likelihood.

    log L(a, b) = sum over problems of log B(a + r, b + n - r) - log B(a, b), with r of n right. Shapes are
    kept in [0.01, 1000]: equal rates would let them grow without end, rates of 0 and 1 fall to 0.
    """
    import numpy as np
    from scipy.optimize import minimize
    from scipy.special import betaln

    pairs, times = np.unique(np.stack(counts), axis=1, return_counts=True)
    right, judged = pairs

    def loss(logs: np.ndarray) -> float:
        a, b = np.exp(logs)
        return -float(times @ (betaln(a + right, b + judged - right) - betaln(a, b)))

    bounds = [(np.log(0.01), np.log(1000.0))] * 2
    a, b = np.exp(minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=bounds).x)
    return Prior(float(a), float(b))


def chance_of_change(counts: Counts, remaining: int, prior: Prior, classes: Classes) -> np.ndarray:
    """The chance that `remaining` more completions put a problem into another class: [problems].

    P(R = j) = C(m, j) B(a + r + j, b + n - r + m - j) / B(a + r, b + n - r) for R right ones of m = remaining,
    summed over the j that change the class. It is exactly 0 where none does, whatever the law says; that
    holds also if some of the completions get no verdict, as then fewer counts can be reached.
    """
    import numpy as np
    from scipy.special import betaln, gammaln

    right, judged = counts.right[:, None], counts.judged[:, None]
    more = np.arange(remaining + 1)[None, :]
    a, b = prior.a + right, prior.b + judged - right
    ways = gammaln(remaining + 1) - gammaln(more + 1) - gammaln(remaining - more + 1)
    chance = np.exp(ways + betaln(a + more, b + remaining - more) - betaln(a, b))
    changes = classes.of(Counts(right + more, judged + remaining)) != classes.of(Counts(right, judged))
    return (chance * changes).sum(axis=1)


@dataclass(frozen=True, slots=True)
class StoppingRule:
    """Stops where the chance that the class after all `k` completions is another is at most `error`."""

    classes: Classes
    k: int
    error: float

    def chance_of_change(
        self, right: np.ndarray, judged: np.ndarray, going_on: Sequence[int], sampled: int
    ) -> np.ndarray:
        """Of the problems in `going_on`, with `sampled` completions each; all counts go into the fit."""
        import numpy as np

        prior = fit_prior(Counts(right, judged))
        counts = np.stack((right, judged))[:, list(going_on)]
        different, which = np.unique(counts, axis=1, return_inverse=True)
        return chance_of_change(Counts(*different), self.k - sampled, prior, self.classes)[which.ravel()]

    def stops(self, chance: np.ndarray, sampled: int) -> np.ndarray:
        """Which of the problems with these chances, after `sampled` completions each, are left alone."""
        return chance <= (self.error if sampled >= _FEWEST else 0.0)
