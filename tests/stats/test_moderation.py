"""Moderated variances: against numerical integration, a root finder, and variances whose law is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize, special, stats

from slmr.stats import fit_prior, moderate
from slmr.stats.moderation import trigamma_inverse


def log_moments(d0: float, s02: float, freedom: int) -> tuple[float, float]:
    """Mean and variance of the logarithm of s0² F(d, d0), by integration of its density."""
    law = stats.f(freedom, d0)

    def moment(power: int, centre: float = 0.0) -> float:
        def integrand(x: float) -> float:  # over x = log F
            return (x + math.log(s02) - centre) ** power * law.pdf(math.exp(x)) * math.exp(x)

        return integrate.quad(integrand, -40, 40, limit=400)[0]

    mean = moment(1)
    return mean, moment(2, mean)


@pytest.mark.parametrize("freedom", [1, 2, 4])
def test_the_fitted_law_has_the_moments_of_the_variances(freedom: int) -> None:
    """What the formulas of Smyth (2004) are the solution of, without digamma and trigamma."""
    rng = np.random.default_rng(freedom)
    s2 = 0.3 * stats.f(freedom, 6).rvs(400, random_state=rng)
    prior = fit_prior(s2, freedom)
    mean, variance = log_moments(prior.freedom, prior.variance, freedom)
    assert mean == pytest.approx(np.log(s2).mean(), abs=1e-5)
    assert variance == pytest.approx(np.log(s2).var(ddof=1), abs=1e-5)


def test_the_prior_is_that_which_the_variances_were_drawn_from() -> None:
    rng = np.random.default_rng(5)
    true = 0.02 * 8 / rng.chisquare(8, 20_000)  # scaled inverse chi-squared, d0 = 8
    s2 = true * rng.chisquare(4, 20_000) / 4
    prior = fit_prior(s2, 4)
    assert prior.freedom == pytest.approx(8, rel=0.05) and prior.variance == pytest.approx(0.02, rel=0.02)
    shrunk = moderate(s2, 4)
    assert shrunk.freedom == pytest.approx(4 + prior.freedom)
    assert np.mean((np.log(shrunk.variances) - np.log(true)) ** 2) < 0.5 * np.mean((np.log(s2) - np.log(true)) ** 2)


def test_by_hand() -> None:
    """Two variances, 1 and e², of 2 degrees of freedom: z = 0, 2; trigamma(1) = π²/6; digamma(1) = -γ."""
    prior = fit_prior([1.0, math.e**2], 2)
    half = optimize.brentq(lambda y: float(special.polygamma(1, y)) - (2 - math.pi**2 / 6), 0.1, 100)
    assert prior.freedom == pytest.approx(2 * half)
    expected = math.exp(1 + np.euler_gamma + float(special.digamma(half)) - math.log(half))
    assert prior.variance == pytest.approx(expected)
    d0 = prior.freedom
    assert list(moderate([1.0, math.e**2], 2).variances) == pytest.approx(
        [(d0 * expected + 2) / (d0 + 2), (d0 * expected + 2 * math.e**2) / (d0 + 2)]
    )


def test_variances_no_more_apart_than_by_chance_are_one() -> None:
    prior = fit_prior([1.0, 1.1, 0.9, 1.0], 4)
    assert prior.freedom == math.inf
    found = moderate([1.0, 1.1, 0.9, 1.0], 4, pooled=12)
    assert found.freedom == 12 and list(found.variances) == pytest.approx([prior.variance] * 4)


def test_what_has_nothing_to_share_stays() -> None:
    assert moderate([0.5], 4).variances == [0.5] and moderate([0.5], 4).freedom == 4
    assert list(moderate([0.0, 0.0], 4).variances) == [0, 0]
    assert np.isfinite(moderate([0.0, 0.0, 1.0], 4).variances).all()
    for bad in ([1.0], [0.0, 0.0], [1.0, -1.0]):
        with pytest.raises(ValueError, match="a prior needs"):
            fit_prior(bad, 4)


@given(st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=20), st.integers(1, 9), st.floats(1e-3, 1e3))
def test_moderation_keeps_the_order_narrows_the_range_and_knows_no_unit(
    s2: list[float], freedom: int, unit: float
) -> None:
    found = moderate(s2, freedom)
    order = np.argsort(s2, kind="stable")
    assert (np.diff(found.variances[order]) >= -1e-9 * found.variances.max()).all()
    spread = np.ptp(np.log(found.variances))
    assert spread <= np.ptp(np.log(s2)) + 1e-6
    assert freedom <= found.freedom + 1e-9 and found.freedom <= freedom * len(s2) + 1e-9
    again = moderate([unit * x for x in s2], freedom)
    assert again.variances == pytest.approx(unit * found.variances, rel=1e-4)


@given(st.floats(1e-8, 1e8))
def test_the_inverse_of_trigamma(value: float) -> None:
    assert float(special.polygamma(1, trigamma_inverse(value))) == pytest.approx(value, rel=1e-3)
    with pytest.raises(ValueError, match="positive everywhere"):
        trigamma_inverse(-value)
