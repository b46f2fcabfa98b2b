"""When a probe may stop sampling a problem: the chance that its class changes before all K completions. Ours.

Each problem's rate is modelled as a draw from a Beta distribution, fitted to the counts of the whole pool
(empirical Bayes). The number of right ones among the remaining completions is then beta-binomial, so the
chance that the class changes is an exact sum of at most K terms. Stopping depends only on the counts, so
earlier stops bias neither the fit nor the chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np

_FEWEST = 4  # completions before a chance is trusted: fewer say little about the distribution of the rates

Target = Literal["difficulty", "mixed"]


class Counts(NamedTuple):
    """Each problem's number of right completions and of completions with a verdict, both [problems]."""

    right: np.ndarray
    judged: np.ndarray


class BetaPrior(NamedTuple):
    """The distribution of the rates: rho ~ Beta(a, b)."""

    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Classes:
    """How problems are classified: by difficulty group, or by whether their completions are mixed.

    `difficulty`: 0 hard, 1 medium, 2 simple, by the two bounds of the rate; `mixed`: 0 all wrong, 1 mixed,
    2 all right. A problem without a verdict is in class 0.
    """

    target: Target
    medium_from: float
    simple_from: float

    def classify(self, counts: Counts) -> np.ndarray:
        """The class of each pair of counts, in the shape of the counts."""
        import numpy as np

        right, judged = counts
        if self.target == "mixed":
            return (right > 0).astype(int) + ((right > 0) & (right == judged))
        rate = right / np.maximum(judged, 1)
        return np.where(rate >= self.simple_from, 2, np.where(rate >= self.medium_from, 1, 0))


def fit_beta_prior(counts: Counts) -> BetaPrior:
    """The maximum-likelihood fit of a beta-binomial distribution to the counts.

    log L(a, b) = sum over problems of log B(a + r, b + n - r) - log B(a, b), with r of n right. a and b are
    kept in [0.01, 1000]: with equal rates they would diverge, with rates of only 0 and 1 they would fall to 0.
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
    return BetaPrior(float(a), float(b))


def chance_of_change(counts: Counts, remaining: int, prior: BetaPrior, classes: Classes) -> np.ndarray:
    """The probability that `remaining` more completions change a problem's class, [problems].

    P(R = j) = C(m, j) B(a + r + j, b + n - r + m - j) / B(a + r, b + n - r) for R right ones of m = remaining,
    summed over the j that change the class. It is exactly 0 if no j does, whatever the fit; this remains true
    if some of the completions get no verdict, because then fewer counts can be reached.
    """
    import numpy as np
    from scipy.special import betaln, gammaln

    right, judged = counts.right[:, None], counts.judged[:, None]
    more = np.arange(remaining + 1)[None, :]
    a, b = prior.a + right, prior.b + judged - right
    ways = gammaln(remaining + 1) - gammaln(more + 1) - gammaln(remaining - more + 1)
    chance = np.exp(ways + betaln(a + more, b + remaining - more) - betaln(a, b))
    changes = classes.classify(Counts(right + more, judged + remaining)) != classes.classify(Counts(right, judged))
    return (chance * changes).sum(axis=1)


@dataclass(frozen=True, slots=True)
class StoppingRule:
    """Stops sampling if the class after all `k` completions differs with a probability of at most `error`."""

    classes: Classes
    k: int
    error: float

    def chance_of_change(
        self, right: np.ndarray, judged: np.ndarray, going_on: Sequence[int], sampled: int
    ) -> np.ndarray:
        """The probability for the problems in `going_on`, with `sampled` completions each; the fit uses all counts."""
        import numpy as np

        prior = fit_beta_prior(Counts(right, judged))
        counts = np.stack((right, judged))[:, list(going_on)]
        different, which = np.unique(counts, axis=1, return_inverse=True)
        return chance_of_change(Counts(*different), self.k - sampled, prior, self.classes)[which.ravel()]

    def stops(self, chance: np.ndarray, sampled: int) -> np.ndarray:
        """Which of the problems with these probabilities, after `sampled` completions each, are stopped."""
        return chance <= (self.error if sampled >= _FEWEST else 0.0)
