"""Intervals of ranks: the margin against Tukey's table, what it must not depend on, and simulated tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from slmr.stats import RankInterval, margin, noisy_methods, paired_difference, rank_intervals
from slmr.stats.ranks import items_covariance, seeds_error


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.floats(0, 0.5))
def test_ranks_never_fall_on_the_way_down_the_sorted_table(means: list[float], width: float) -> None:
    means = sorted(means, reverse=True)
    found = rank_intervals(means, width)
    low, high = [r.low for r in found], [r.high for r in found]
    assert low == sorted(low) and high == sorted(high)
    assert all(1 <= r.low <= place <= r.high <= len(means) for place, r in enumerate(found, 1))


def test_ranks_by_hand() -> None:
    found = rank_intervals([0.50, 0.54, 0.53, 0.40], 0.02)
    assert found == [RankInterval(3, 3), RankInterval(1, 2), RankInterval(1, 2), RankInterval(4, 4)]
    assert [str(r) for r in found] == ["3", "1–2", "1–2", "4"]


def test_of_equal_variances_the_margin_is_tukeys() -> None:
    """Seeds alone: q of the studentized range, with the pooled variance where the prior is infinite."""
    rng = np.random.default_rng(2)
    common, own = rng.normal(0, 1, (1, 5)), np.tile(rng.normal(0, 1, 5), (6, 1))
    for method in own:
        rng.shuffle(method)  # the same spread in each
    by_seed = common + own
    error = seeds_error(by_seed, np.random.default_rng(0))
    rest = by_seed - by_seed.mean(axis=1, keepdims=True) - by_seed.mean(axis=0) + by_seed.mean()
    pooled = (rest**2).sum() / 20
    found = np.quantile(np.ptp(error, axis=1), 0.95)
    tukey = stats.studentized_range.ppf(0.95, 6, 20) * np.sqrt(pooled / 5)
    assert tukey <= 1.03 * found and found <= 1.3 * tukey  # moderated upward alone: never narrower


@pytest.mark.parametrize("items", [2, 7])
def test_the_covariance_due_to_items_is_that_of_a_two_way_layout(items: int) -> None:
    """Of the means over seeds, less what the interaction of seeds and items adds to it."""
    task = np.random.default_rng(items).normal(size=(3, 4, items))
    mean = task.mean(axis=1)
    interaction = np.sum([np.cov(task[:, seed] - mean) for seed in range(4)], axis=0) / 3
    assert items_covariance(task) == pytest.approx(np.cov(mean) / items - interaction / (4 * items))


def scores(rng: np.random.Generator, methods: int, seeds: int, items: int = 60, tasks: int = 2) -> list[np.ndarray]:
    ease = rng.normal(0, 1, (tasks, 1, 1, items))
    logits = ease + rng.normal(0, 0.2, (methods, seeds, 1)) + rng.normal(0, 0.5, (tasks, methods, seeds, items))
    return list(rng.binomial(2, 1 / (1 + np.exp(-logits))) / 2)


@pytest.mark.parametrize("seeds", [1, 4])
def test_what_the_margin_does_not_depend_on(seeds: int) -> None:
    rng = np.random.default_rng(seeds)
    tasks = scores(rng, 5, seeds)
    found = margin(tasks)
    assert margin([task[:, :, rng.permutation(60)] for task in tasks]) == pytest.approx(found, rel=1e-9)
    assert margin([1 - task for task in tasks]) == pytest.approx(found, rel=0.03)
    assert margin([task[[3, 1, 0, 2, 4]] for task in tasks]) == pytest.approx(found, rel=0.03)
    if seeds > 1:
        shifted = [task + np.linspace(0, 3, 5)[:, None, None] for task in tasks]  # strengths are no error
        assert margin(shifted) == pytest.approx(found, rel=0.03)
        by_pool = [task + rng.normal(0, 5, (1, 4, 1)) for task in tasks[:1]] + tasks[1:]  # all alike: cancels
        assert margin(by_pool) == pytest.approx(found, rel=0.03)


def test_one_noisy_method_widens_the_margin_of_all() -> None:
    tasks = scores(np.random.default_rng(3), 8, 5)
    steady = margin(tasks)
    tasks[0][0] += np.linspace(-1, 1, 5)[:, None]
    assert margin(tasks) > 1.5 * steady
    assert noisy_methods(tasks) == [0]
    assert margin([task[1:] for task in tasks]) == pytest.approx(steady, rel=0.1)


@pytest.mark.parametrize(("methods", "seeds"), [(8, 1), (3, 5), (2, 5)])
def test_too_few_methods_or_seeds_do_not_tell_what_is_noisy(methods: int, seeds: int) -> None:
    tasks = scores(np.random.default_rng(3), methods, seeds)
    tasks[0][0] += np.linspace(-1, 1, seeds)[:, None]
    assert noisy_methods(tasks) == []


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_of_equally_noisy_methods_few_are_called_noisy(seeds: int) -> None:
    """In one table of twenty, by the F test's level; a seed's effect on all methods together is no noise."""
    rng = np.random.default_rng(seeds)
    tables = [
        [rng.normal(0, 1, (8, seeds, 1)) + rng.normal(0, 5, (1, seeds, 1)) + np.zeros((8, seeds, 2))]
        for _ in range(400)
    ]
    false = sum(bool(noisy_methods(tasks)) for tasks in tables)
    assert stats.binomtest(false, len(tables), 0.05, alternative="greater").pvalue > 0.01


def test_where_all_others_are_alike_to_the_last_digit_a_varying_method_is_noisy() -> None:
    task = np.ones((5, 3, 4))
    assert noisy_methods([task]) == []
    task[2, 0] = 0
    assert noisy_methods([task]) == [2]


def test_of_two_single_runs_the_margin_is_about_the_half_of_their_interval() -> None:
    rng = np.random.default_rng(4)
    a, b = (rng.random((2, 300, 2)) < 0.5).astype(float)
    half = paired_difference(a, b).half
    found = margin([np.stack([a.mean(axis=1), b.mean(axis=1)])[:, None, :]])
    assert found == pytest.approx(half, rel=0.04)
    same = margin([np.ones((2, 1, 300))])
    assert same == pytest.approx(paired_difference(np.ones((300, 1)), np.ones((300, 1))).half, rel=0.04) and same > 0


def test_faulty_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="ranks need a task"):
        margin([])
    with pytest.raises(ValueError, match="ranks need a task"):
        margin([np.ones((2, 1, 5)), np.ones((2, 2, 5))])


@pytest.mark.parametrize("seeds", [1, 3, 5])
def test_equal_methods_are_seldom_told_apart(seeds: int) -> None:
    """`python -m studies.coverage_ranks` is the whole of it. With one seed what is true is the trained models' own."""
    rng = np.random.default_rng(seeds)
    false, tables = 0, 200
    for _ in range(tables):
        ease, by_seed = rng.normal(0, 1, (1, 1, 80)), rng.normal(0, 0.2 * (seeds > 1), (8, seeds, 1))
        task = rng.binomial(1, 1 / (1 + np.exp(-(ease + by_seed)))).astype(float) * np.ones((8, seeds, 1))
        false += np.ptp(task.mean(axis=(1, 2))) > margin([task])
    assert stats.binomtest(false, tables, 0.05, alternative="greater").pvalue > 0.01
