"""Estimators against hand-worked values and independent routes; intervals against simulated truth."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from slmr.stats import (
    Answer,
    avg_at_k,
    bounded_mean,
    bounds_of_moments,
    holm,
    maj_at_k,
    majority_score,
    mean_over_tasks,
    mean_with_interval,
    minimum_detectable_difference,
    paired_difference,
    paired_difference_over_tasks,
    pass_at_k,
    pass_scores,
    score_variance,
)
from studies import coverage as sim

Z = 1.959963984540054


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


scores = st.lists(st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 0.9, 1.0]) | st.floats(0, 1), min_size=1, max_size=40)


# ------------------------------------------------------------------------------------- estimators


def test_pass_at_k_by_hand() -> None:
    # 1 - C(3, 2) / C(5, 2) = 1 - 3 / 10
    assert pass_scores(5, 2)[2] == pytest.approx(0.7)
    found = pass_at_k([2, 2, 0, 5], samples=5, k=2)
    assert found.mean == pytest.approx((0.7 + 0.7 + 0 + 1) / 4)
    assert found.stderr == pytest.approx(scipy_stats.sem([0.7, 0.7, 0, 1]))


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_subsets_with_a_right_one(case: tuple[int, int, int]) -> None:
    n, right, k = case
    hits = [min(chosen) < right for chosen in combinations(range(n), k)]
    assert pass_scores(n, k)[right] == pytest.approx(sum(hits) / len(hits))


@given(st.integers(2, 300), st.integers(1, 299))
def test_pass_at_k_grows_with_k_and_starts_at_the_mean(n: int, k: int) -> None:
    now, more = pass_scores(n, min(k, n - 1)), pass_scores(n, min(k, n - 1) + 1)
    assert (more >= now).all() and (np.diff(now) >= 0).all()
    assert pass_scores(n, 1) == pytest.approx(np.arange(n + 1) / n)
    assert (now[0], now[-1]) == (0, 1)


def test_pass_at_k_of_many_samples_does_not_overflow() -> None:
    # C(10000, 5000) has 3,009 digits.
    table = pass_scores(10_000, 5_000)
    assert np.isfinite(table).all() and table[1] == pytest.approx(0.5)


RIGHT, WRONG, OTHER, NONE = ("4", True), ("5", False), ("6", False), (None, False)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([RIGHT, RIGHT, WRONG], 1.0),
        ([RIGHT, WRONG, WRONG], 0.0),
        ([RIGHT, WRONG], 0.5),
        ([RIGHT, WRONG, OTHER], 1 / 3),
        ([RIGHT, RIGHT, WRONG, WRONG, OTHER], 0.5),
        ([NONE, NONE, RIGHT], 1.0),
        ([NONE, NONE, NONE], 0.0),
        ([], 0.0),
        ([("4", True), ("4.0", True), WRONG, WRONG], 0.0),  # the keys vote, not the verdicts
        ([RIGHT, ("4", False)], 0.5),  # one answer, judged both ways
    ],
)
def test_majority_by_hand(answers: list[Answer], expected: float) -> None:
    assert majority_score(answers) == pytest.approx(expected)


def test_maj_at_k_by_hand() -> None:
    items = [[RIGHT, RIGHT, WRONG], [RIGHT, WRONG, NONE], [NONE, NONE, NONE], [WRONG, OTHER, WRONG]]
    found = maj_at_k(items)
    assert found.mean == pytest.approx((1 + 0.5 + 0 + 0) / 4)
    assert found.stderr == pytest.approx(scipy_stats.sem([1, 0.5, 0, 0]))
    assert found == bounded_mean([1, 0.5, 0, 0])


votes = st.lists(st.sampled_from([RIGHT, WRONG, OTHER, NONE]), min_size=1, max_size=9)


@given(votes)
def test_one_vote_is_the_mean(answers: list[Answer]) -> None:
    items = [[answer] for answer in answers]
    assert maj_at_k(items) == avg_at_k(column(*(right for _, right in answers)))


# ------------------------------------------------------------------------------------- the interval


def test_wilson_interval_by_its_formula() -> None:
    estimate = mean_with_interval(column(*[1] * 30, *[0] * 70))
    z, n, p = 1.959963984540054, 100, 0.3
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    assert estimate.mean == pytest.approx(0.3)
    assert (estimate.low, estimate.high) == (pytest.approx(centre - half), pytest.approx(centre + half))
    assert estimate.stderr == pytest.approx(math.sqrt(0.3 * 0.7 / 99))


def test_wilson_agrees_with_statistics_by_another_route() -> None:
    ours = mean_with_interval(column(*[1] * 7, *[0] * 3), level=0.9)
    # Wilson's bounds are the p at which the score test rejects: |0.7 - p| = z sqrt(p (1 - p) / n).
    z = scipy_stats.norm.ppf(0.95)
    for bound in (ours.low, ours.high):
        assert abs(0.7 - bound) == pytest.approx(z * math.sqrt(bound * (1 - bound) / 10))


def test_errors_are_clustered_by_item() -> None:
    once = column(1, 0, 1, 0, 1, 1)
    repeated = np.repeat(once, 50, axis=1)
    assert mean_with_interval(repeated).stderr == pytest.approx(mean_with_interval(once).stderr)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_interval_of_repeated_verdicts_is_that_of_the_items(value: float) -> None:
    # Four equal completions an item say no more than one: 20 of 20 right is not certainty.
    once, four = (mean_with_interval(np.full((20, k), value)) for k in (1, 4))
    assert four == once
    assert four.high - four.low == pytest.approx(1.96**2 / (20 + 1.96**2), abs=1e-4)


def by_hand(items: Sequence[float], z: float = Z) -> tuple[float, float]:
    """The bounds of `bounded_mean`, from its docstring, for scores that are not all equal."""
    n, m = len(items), sum(items) / len(items)
    squares = sum((y - m) ** 2 for y in items)
    error = squares / (n - 1) / n
    d = n * error / (m * (1 - m) + error)

    def upper(m: float, most: float) -> float:
        x = squares / ((most - m) ** 2 * (1 - m))
        size = n / d ** (1 - math.exp(-((x / 4.3) ** 2)))
        root = math.sqrt(m * (1 - m) / size + z * z / (4 * size * size))
        return (m + z * z / (2 * size) + z * root) / (1 + z * z / size)

    return 1 - upper(1 - m, 1 - min(items)), upper(m, max(items))


def test_the_interval_by_its_formula() -> None:
    items = [0.25, 0.5, 0.5, 0.75, 1.0, 0.0, 0.25]
    estimate = bounded_mean(items, level=0.9)
    expected = by_hand(items, scipy_stats.norm.ppf(0.95))
    assert (estimate.low, estimate.high) == pytest.approx(expected)


def test_several_completions_count_for_more_than_one_and_less_than_as_many_items() -> None:
    rng = np.random.default_rng(0)
    drawn = (rng.random((200, 8)) < rng.beta(1, 1, (200, 1))).astype(float)
    width = [x.high - x.low for x in map(avg_at_k, (drawn[:, :1], drawn, drawn.reshape(-1, 1)))]
    assert width[0] > 1.2 * width[1] > 1.5 * width[2]


@given(scores)
def test_the_interval_is_in_the_unit_and_holds_the_mean(items: list[float]) -> None:
    found = bounded_mean(items)
    assert 0 <= found.low <= found.mean + 1e-12 and found.mean - 1e-12 <= found.high <= 1
    assert found.high - found.low > 1e-3
    assert found.mean == pytest.approx(np.mean(items))


@given(scores)
def test_exchanging_right_and_wrong_mirrors_the_interval(items: list[float]) -> None:
    there, back = bounded_mean(items), bounded_mean([1 - item for item in items])
    assert (there.low, there.high) == pytest.approx((1 - back.high, 1 - back.low), abs=1e-6)
    assert there.stderr == pytest.approx(back.stderr, abs=1e-9)


@given(scores, st.integers(2, 5))
def test_more_items_of_the_same_kind_narrow_the_interval(items: list[float], times: int) -> None:
    once, often = bounded_mean(items), bounded_mean(items * times)
    assert often.high - often.low < once.high - once.low


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_equal_scores_are_no_certainty(value: float) -> None:
    # Nothing was seen to vary, so they may be all or nothing: Wilson's interval of that many items.
    found = bounded_mean([value] * 10)
    half = Z / math.sqrt(10) * math.sqrt(value * (1 - value) + Z * Z / 40) / (1 + Z * Z / 10)
    assert found.stderr == 0
    assert found.high - found.low == pytest.approx(2 * half)


def test_rounding_is_no_spread() -> None:
    noisy = np.full(10, 0.3) + np.array([0, 1e-16] * 5)
    found, exact = bounded_mean(noisy), bounded_mean([0.3] * 10)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))


def test_one_half_right_item_tells_little() -> None:
    estimate = mean_with_interval(np.array([[1.0, 0.0]]))
    assert (estimate.mean, estimate.stderr) == (0.5, 0.0)
    assert estimate.low < 0.06 and estimate.high > 0.94


def test_the_mean_over_tasks_weighs_them_the_same() -> None:
    a, b = column(*[1, 0] * 50), column(*[1, 1, 1, 0] * 100)
    whole = mean_over_tasks([a, b])
    assert whole.mean == pytest.approx((0.5 + 0.75) / 2)
    assert whole.stderr == pytest.approx(math.hypot(*(avg_at_k(x).stderr for x in (a, b))) / 2)
    # Far from 0 and 1, and with this many items, the interval is nearly the normal one.
    assert whole.high - whole.low == pytest.approx(2 * Z * whole.stderr, rel=0.03)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_tasks_without_a_right_or_a_wrong_one_are_no_certainty(value: float) -> None:
    # Two tasks of 10 and one of 20: worth 9 / (1/10 + 1/10 + 1/20) = 36 items that are all or nothing.
    found = mean_over_tasks([column(*[value] * n) for n in (10, 10, 20)])
    assert found.stderr == 0
    assert found.high - found.low == pytest.approx(Z * Z / (36 + Z * Z))


# ------------------------------------------------------------------------------------- coverage


@pytest.mark.parametrize("name", ["avg", "pass", "maj"])
def test_the_interval_holds_the_true_value_in_93_to_97_percent(name: str) -> None:
    # 5,000 evaluations leave a standard error of 0.3 points, too much for 1,530 regimes: where they show less
    # than 93.5 or more than 96.5, 100,000 others decide.
    found = {}
    for regime in sim.regimes():
        if regime.score.name == name:
            truth, moments = sim.simulate(regime, 5000)
            found[regime] = sim.coverage(truth, bounds_of_moments([moments]))
            if not 0.935 <= found[regime] <= 0.965:
                found[regime] = sim.measure_again(regime)
    assert len(found) == {"avg": 480, "pass": 600, "maj": 450}[name]
    assert {r: c for r, c in found.items() if not 0.93 <= c <= 0.97} == {}


def test_simulated_truth_is_what_repeated_sampling_gives() -> None:
    # The benchmark never draws single completions; here they are, and go through the estimators.
    rng = np.random.default_rng(0)
    rates = rng.beta(0.6, 1.4, 20_000)
    right = rng.random((20_000, 8)) < rates[:, None]
    none = rng.random((20_000, 8)) < 0.1
    same = rng.random((20_000, 8)) < 0.6
    keys = np.where(none, None, np.where(right, "right", np.where(same, "wrong", np.arange(8).astype(str))))
    answers = [[(k, k == "right") for k in item] for item in keys.tolist()]
    means = sim.law(sim.Score("avg", 8, 8), 2.0)[1]
    for score, drawn in (
        (sim.Score("avg", 8, 8), avg_at_k(right.astype(float))),
        (sim.Score("pass", 4, 8), pass_at_k(right.sum(axis=1), 8, 4)),
        (sim.Score("maj", 8, 8), maj_at_k(answers)),
    ):
        truth = np.interp(0.3, means, sim.law(score, 2.0)[1])
        assert drawn.mean == pytest.approx(truth, abs=4 * drawn.stderr)


@pytest.mark.parametrize("items", [(10,), (100,), (10, 100)])
@pytest.mark.parametrize("bands", [(0.02,), (0.5,), (0.02, 0.98)])
def test_the_interval_of_a_mean_over_tasks_holds_it_in_93_percent(
    items: tuple[int, ...], bands: tuple[float, ...]
) -> None:
    # Tasks as different as (0.02, 0.98) cannot be told from ones that are all or nothing: up to 100 %.
    for score, concentration in ((sim.Score("avg", 1, 1), 0.0), (sim.Score("avg", 16, 16), math.inf)):
        cells = [sim.Regime(score, items[i % len(items)], bands[i % len(bands)], concentration) for i in range(4)]
        truth, moments = sim.simulate_tasks(cells, 4000)
        covered = sim.coverage(truth, bounds_of_moments(moments))
        assert covered >= 0.93
        if len(bands) == 1 and items == (100,):
            assert covered <= 0.975


# -------------------------------------------------------------------------------- paired differences


def test_the_paired_difference_by_hand() -> None:
    # 3 of 10 items gained, 1 lost: s² = (4 - 10 0.2²) / 9 = 0.4, and one more item counts as changed.
    found = paired_difference(column(1, 1, 1, 0, 1, 1, 1, 0, 0, 0), column(0, 0, 0, 1, 1, 1, 1, 0, 0, 0))
    widened = math.sqrt((0.4 + 1 / 10) / 10)
    assert (found.mean, found.stderr) == (pytest.approx(0.2), pytest.approx(0.2))
    assert (found.low, found.high) == pytest.approx((0.2 - Z * widened, 0.2 + Z * widened))
    assert found.p == pytest.approx(2 * scipy_stats.norm.sf(0.2 / widened))


def test_with_many_items_that_differ_it_is_the_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random((1000, 3)), rng.random((1000, 3))
    found = paired_difference(a, b)
    expected = scipy_stats.ttest_rel(a.mean(axis=1), b.mean(axis=1))
    assert found.p == pytest.approx(expected.pvalue, rel=0.01)
    interval = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=0.01)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_where_nothing_differs_a_difference_is_not_ruled_out(value: float) -> None:
    # Agresti and Min's (2005) interval of 20 pairs without a change: as if one had changed.
    same = column(*[value] * 20)
    found = paired_difference(same, same)
    assert (found.mean, found.stderr, found.p) == (0, 0, 1)
    assert (found.low, found.high) == pytest.approx((-Z / 20, Z / 20))


def test_other_items_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="same items: 3 and 2"):
        paired_difference(column(1, 0, 1), column(1, 0))


def test_paired_differences_over_tasks_by_hand() -> None:
    pairs = [(column(1, 1, 0, 1), column(0, 1, 0, 0)), (column(1, 0), column(0, 1))]
    ours = paired_difference_over_tasks(pairs)
    assert ours.mean == pytest.approx((0.5 + 0) / 2)
    variances = (1 / 3) / 4, 2 / 2
    assert ours.stderr == pytest.approx(math.sqrt(sum(variances)) / 2)
    widened = math.sqrt(sum(variances) + 1 / 4**2 + 1 / 2**2) / 2
    assert ours.p == pytest.approx(2 * scipy_stats.norm.sf(ours.mean / widened))
    assert (ours.low, ours.high) == pytest.approx((0.25 - Z * widened, 1.0))
    assert paired_difference_over_tasks([(x, x) for x, _ in pairs]).p == 1.0


@pytest.mark.parametrize("items", [1, 2, 5])
def test_a_change_without_spread_is_tested_by_flipping_signs(items: int) -> None:
    won, lost = np.ones((items, 1)), np.zeros((items, 1))
    found = paired_difference(won, lost)
    expected = 1.0
    if items > 1:
        expected = scipy_stats.permutation_test(
            (won[:, 0], lost[:, 0]), lambda a, b: (a - b).mean(), permutation_type="samples"
        ).pvalue
    assert found.p == pytest.approx(expected)
    assert found.low <= 0 < found.high


def test_five_gains_are_too_few_and_six_are_not() -> None:
    # However many items did not change: Fisher's sign-flip test gives 2 / 2^5 and 2 / 2^6 at least.
    five, six = (paired_difference(column(*[1] * n, *[0] * (500 - n)), column(*[0] * 500)) for n in (5, 6))
    assert five.p == pytest.approx(0.0625) and five.low == 0
    assert 0.03125 <= six.p < 0.05 and six.low > 0


def test_rounding_is_no_difference() -> None:
    thirds = np.tile([0.1, 0.2, 0.3], (50, 1))
    assert paired_difference(thirds, thirds[:, ::-1]).p == 1.0


@given(st.integers(2, 40), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_swapping_the_sides_mirrors_the_difference(items: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.integers(0, 2, (items, k)).astype(float) for _ in range(2))
    there, back = paired_difference(a, b), paired_difference(b, a)
    assert (there.mean, there.low, there.p) == (
        pytest.approx(-back.mean),
        pytest.approx(-back.high),
        pytest.approx(back.p),
    )
    assert 0 <= there.p <= 1


@given(st.lists(st.sampled_from([-1, -0.5, 0, 0.125, 0.25, 1]), min_size=1, max_size=30))
def test_p_and_the_paired_interval_agree(moved: list[float]) -> None:
    found = paired_difference(column(*(max(x, 0) for x in moved)), column(*(max(-x, 0) for x in moved)))
    assert (found.p < 0.05) == (not found.low <= 0 <= found.high)
    assert -1 <= found.low <= found.mean <= found.high <= 1 and found.low < found.high


@pytest.mark.parametrize("items", [10, 100])
def test_the_paired_interval_holds_the_difference_in_93_percent(items: int) -> None:
    # More than 97 % where few items differ: what did not happen in 10 items cannot be ruled out.
    found: dict[sim.Change, float] = {}
    for change in sim.changes():
        if change.items == items:
            for size in (1000, 4000):
                truth, second, first = sim.simulate_change(change, size)
                found[change] = sim.coverage(truth, sim.bounds_of_changes(second, first))
                if found[change] >= 0.945:
                    break
    assert len(found) == 27
    assert min(found.values()) >= 0.93


# ---------------------------------------------------------------------- refusals, power, many comparisons


@pytest.mark.parametrize("scores", [np.ones(3), np.ones((0, 1)), np.array([[1.0], [math.nan]])])
def test_what_is_no_score_is_refused(scores: np.ndarray) -> None:
    with pytest.raises(ValueError, match="scores must be"):
        mean_with_interval(scores)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pass_at_k([1], samples=5, k=0), r"k in 1\.\.5"),
        (lambda: pass_at_k([1], samples=5, k=6), r"k in 1\.\.5"),
        (lambda: pass_at_k([6], samples=5, k=2), "counts of right completions"),
        (lambda: pass_at_k([0.5], samples=5, k=2), "counts of right completions"),
        (lambda: pass_at_k([], samples=5, k=2), "item scores must be"),
        (lambda: maj_at_k([[RIGHT], [RIGHT, RIGHT]]), "same number"),
        (lambda: bounded_mean([1.1]), "item scores must be"),
        (lambda: bounded_mean([math.nan]), "item scores must be"),
    ],
)
def test_what_cannot_be_estimated_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_no_task_is_refused() -> None:
    with pytest.raises(ValueError, match="no tasks"):
        mean_over_tasks([])
    with pytest.raises(ValueError, match="no tasks"):
        paired_difference_over_tasks([])


def test_a_test_finds_the_detectable_difference_with_its_power() -> None:
    difference = minimum_detectable_difference(2.0, power=0.9, level=0.99)
    cut = scipy_stats.norm.ppf(0.995) * 2.0
    assert scipy_stats.norm.sf(cut, loc=difference, scale=2.0) == pytest.approx(0.9)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_never_lowers_and_keeps_the_order(pvalues: list[float]) -> None:
    adjusted = holm(pvalues)
    assert all(0 <= p <= q <= 1 for p, q in zip(pvalues, adjusted, strict=True))
    pairs = sorted(zip(pvalues, adjusted, strict=True))
    assert all(x[1] <= y[1] for x, y in zip(pairs, pairs[1:], strict=False))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_the_definition(pvalues: list[float]) -> None:
    # Holm (1979): the i-th smallest of m gets the largest (m - j) p_j of those up to it, at most 1.
    order = np.argsort(pvalues, kind="stable")
    m = len(pvalues)
    expected = np.minimum(np.maximum.accumulate((m - np.arange(m)) * np.array(pvalues)[order]), 1)
    assert np.array(holm(pvalues))[order] == pytest.approx(expected)


@pytest.mark.parametrize(("samples", "k"), [(2, 1), (2, 4), (8, 2)])
def test_the_variance_of_a_score_over_another_number_of_completions(samples: int, k: int) -> None:
    rng = np.random.default_rng(5)
    rates = rng.beta(0.7, 1.2, 20_000)
    said = score_variance(rng.binomial(samples, rates), samples, k)
    assert said == pytest.approx((rng.binomial(k, rates) / k).var(), rel=0.05)
    with pytest.raises(ValueError, match="two items and two completions"):
        score_variance([1, 0], 1, k)
