"""Moderated variances: the variances of many methods, each estimated from few seeds, shrunk toward a common value.

The empirical Bayes model of Smyth (2004), known as limma: the true variances come from a scaled inverse chi-squared
distribution with `d0` degrees of freedom around `s0²`, so that the sample variances follow `s0²` F(d, d0). Both are
fitted by the mean and the variance of the logarithms (section 6.2 of the paper). Five seeds give 4 degrees of freedom;
with fifteen other methods a moderated variance often has 15 or 60.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_LEAST = 1e-5  # lower limit, relative to the median: a variance of 0 has no logarithm, a tiny one would dominate


@dataclass(frozen=True, slots=True)
class Prior:
    """The distribution of the true variances, equivalent to `freedom` additional observations of `variance` each.

    Attributes:
        freedom: d0; infinite if the sample variances differ no more than equal ones would by chance.
        variance: s0².
    """

    freedom: float
    variance: float


@dataclass(frozen=True, slots=True)
class Moderated:
    """Moderated variances, and the degrees of freedom of a t statistic with each of them."""

    variances: np.ndarray
    freedom: float


def fit_prior(variances: Sequence[float] | np.ndarray, freedom: int) -> Prior:
    """The prior of sample variances with `freedom` degrees of freedom each: Smyth (2004), section 6.2.

    Raises:
        ValueError: fewer than two variances, one below 0, all of them 0, or no degree of freedom.
    """
    from scipy.special import digamma, polygamma

    s2 = np.asarray(variances, dtype=float)
    if s2.ndim != 1 or len(s2) < 2 or freedom < 1 or not (s2 >= 0).all() or not s2.any():
        raise ValueError("a prior needs at least two variances, not all 0, each with a degree of freedom")
    middle = float(np.median(s2)) or float(s2.max())
    logs = np.log(np.maximum(s2, _LEAST * middle)) - digamma(freedom / 2) + math.log(freedom / 2)
    mean = float(logs.mean())
    excess = float(logs.var(ddof=1)) - float(polygamma(1, freedom / 2))
    if excess <= 0:
        return Prior(math.inf, math.exp(mean))
    d0 = 2 * trigamma_inverse(excess)
    return Prior(d0, math.exp(mean + float(digamma(d0 / 2)) - math.log(d0 / 2)))


def moderate(variances: Sequence[float] | np.ndarray, freedom: int, pooled: int | None = None) -> Moderated:
    """Every variance as the mean of its own and the prior's, weighted by their degrees of freedom.

    The degrees of freedom add up, but to no more than those of all variances together. A single variance, and
    variances that are all 0, are returned unchanged.

    Args:
        variances: of the methods.
        freedom: degrees of freedom of each variance.
        pooled: degrees of freedom of all variances together, if less than the sum.
    """
    s2 = np.asarray(variances, dtype=float)
    most = freedom * len(s2) if pooled is None else pooled
    if len(s2) < 2 or not s2.any():
        return Moderated(s2, min(freedom, most))
    prior = fit_prior(s2, freedom)
    if math.isinf(prior.freedom):
        return Moderated(np.full(len(s2), prior.variance), most)
    total = prior.freedom + freedom
    return Moderated((prior.freedom * prior.variance + freedom * s2) / total, min(total, most))


def trigamma_inverse(value: float) -> float:
    """The y whose trigamma is the value, by Newton's method on 1 / trigamma (Smyth 2004, appendix).

    Raises:
        ValueError: the value is not above 0.
    """
    from scipy.special import polygamma

    if not value > 0:
        raise ValueError(f"trigamma never has the value {value}: it is positive everywhere")
    if value > 1e7:
        return 1 / math.sqrt(value)
    if value < 1e-6:
        return 1 / value
    y = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(polygamma(1, y))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, y))
        y += step
        if -step / y < 1e-8:
            break
    return y
