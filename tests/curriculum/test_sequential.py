"""The stopping rule: the chance is exact, and what stops early stays in its class."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.curriculum.consolidate import outcome_of
from slmr.curriculum.partition import GROUP_ORDER, GroupBounds, group_of
from slmr.curriculum.probe import ProbeParams, Tally
from slmr.curriculum.sequential import (
    BetaPrior,
    Classes,
    Counts,
    StoppingRule,
    chance_of_change,
    fit_beta_prior,
)

DIFFICULTY = Classes("difficulty", 0.25, 0.75)


MIXED = Classes("mixed", 0.25, 0.75)


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0, 1), st.floats(0, 1))
def test_classes_are_the_partitions_groups_and_the_consolidation_sets_outcomes(
    right: int, wrong: int, medium_from: float, simple_from: float
) -> None:
    counts = Counts(np.array([right]), np.array([right + wrong]))
    bounds = GroupBounds(medium_from=medium_from, simple_from=simple_from)
    (group,) = Classes("difficulty", medium_from, simple_from).classify(counts)
    assert GROUP_ORDER[group] == group_of(right / max(right + wrong, 1), bounds)
    if right + wrong:
        assert ("all wrong", "mixed", "all right")[MIXED.classify(counts)[0]] == outcome_of(right, right + wrong)


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 8), st.sampled_from((DIFFICULTY, MIXED)))
def test_the_chance_is_that_of_drawing_on(right: int, wrong: int, left: int, classes: Classes) -> None:
    """Against the same sum by Pólya's urn: one completion after another, each as likely as the counts say."""
    prior = BetaPrior(0.7, 1.9)

    def changed(more_right: int, more_wrong: int) -> float:
        r, n = right + more_right, right + wrong + more_right + more_wrong
        if more_right + more_wrong == left:
            now, then = (
                classes.classify(Counts(np.array([a]), np.array([b]))) for a, b in ((right, right + wrong), (r, n))
            )
            return float(now[0] != then[0])
        p = (prior.a + r) / (prior.a + prior.b + n)
        return p * changed(more_right + 1, more_wrong) + (1 - p) * changed(more_right, more_wrong + 1)

    counts = Counts(np.array([right]), np.array([right + wrong]))
    assert chance_of_change(counts, left, prior, classes)[0] == pytest.approx(changed(0, 0), abs=1e-12)


@given(
    st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=16),
    st.integers(0, 16),
    st.sampled_from((DIFFICULTY, MIXED)),
)
def test_without_an_error_only_what_cannot_change_stops(
    verdicts: list[bool | None], seen: int, classes: Classes
) -> None:
    """Also where completions (None) get no verdict."""
    rule, drawn = StoppingRule(classes, len(verdicts), 0.0), min(seen, len(verdicts))
    head, whole = (Counts(*map(np.array, zip(_counts(v), strict=True))) for v in (verdicts[:drawn], verdicts))
    chance = rule.chance_of_change(head.right, head.judged, [0], drawn)
    if rule.stops(chance, drawn)[0]:
        assert classes.classify(head)[0] == classes.classify(whole)[0]


def _counts(verdicts: Sequence[bool | None]) -> tuple[int, int]:
    judged = [v for v in verdicts if v is not None]
    return sum(judged), len(judged)


@pytest.mark.parametrize("shape", [(0.4, 0.9), (2.0, 5.0), (1.0, 1.0)])
def test_the_fit_finds_the_law_of_the_rates(shape: tuple[float, float]) -> None:
    rng = np.random.default_rng(0)
    right = rng.binomial(8, rng.beta(*shape, 20_000))
    prior = fit_beta_prior(Counts(right, np.full(20_000, 8)))
    assert (prior.a, prior.b) == pytest.approx(shape, rel=0.06)


def _two(low: float, high: float) -> Callable[[np.random.Generator, int], np.ndarray]:
    return lambda rng, n: np.where(rng.random(n) < 0.5, low, high)


RATES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "uniform": lambda rng, n: rng.random(n),
    "middle": lambda rng, n: rng.beta(2, 5, n),
    "ends": lambda rng, n: rng.beta(0.3, 0.5, n),
    "nearly all wrong": lambda rng, n: rng.beta(0.05, 0.3, n),
    # no Beta laws
    "one rate": lambda rng, n: np.full(n, 0.24),
    "two rates": _two(0.02, 0.5),
    "two close rates": _two(0.3, 0.7),
    "wrong or right": _two(0.1, 0.9),
    "three rates": lambda rng, n: rng.choice([0.0, 0.5, 1.0], n),
}


@pytest.mark.parametrize(("k", "wave"), [(8, 2), (16, 1)])
@pytest.mark.parametrize("rates", RATES)
def test_the_share_of_changed_classes_is_at_most_the_error(rates: str, k: int, wave: int) -> None:
    """10,000 simulated problems, probed in full and adaptively."""
    rng, n = np.random.default_rng(k), 10_000
    draws = rng.random((n, k)) < RATES[rates](rng, n)[:, None]
    for target, error in (("difficulty", 0.05), ("difficulty", 0.02), ("difficulty", 0.0), ("mixed", 0.0)):
        rule = ProbeParams(k=k, adaptive=target, stop_error=error).rule()  # type: ignore[arg-type]
        assert rule
        right, drawn, expected = _simulate(rule, draws, wave)
        changed = rule.classes.classify(Counts(right, drawn)) != rule.classes.classify(
            Counts(draws.sum(1), np.full(n, k))
        )
        assert drawn.sum() < n * k
        assert changed.mean() <= error + 3 * math.sqrt(error * (1 - error) / n)
        if rates in ("uniform", "middle", "ends"):  # the law fits, so the promise is kept in detail
            assert changed.mean() == pytest.approx(expected / n, abs=4 * math.sqrt(max(expected, 1)) / n)


def _simulate(rule: StoppingRule, draws: np.ndarray, wave: int) -> tuple[np.ndarray, np.ndarray, float]:
    """How many are right and drawn of each problem, and how many changes of class the rule expects."""
    tally, going_on, changes = Tally([{"id": i} for i in range(len(draws))]), list(range(len(draws))), 0.0
    for start in range(0, rule.k, wave):
        tally.right[going_on] += draws[going_on, start : start + wave].sum(1)
        tally.judged[going_on] += wave
        going_on, expected = tally.unsettled(rule, going_on, start + wave)
        changes += expected
    return tally.right, tally.judged, changes
