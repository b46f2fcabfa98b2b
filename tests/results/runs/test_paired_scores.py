"""Scores paired item by item whatever the order of files, and the interval of a mean over tasks, by hand."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from slmr.errors import RequestError
from slmr.io import read_rows, write_rows
from slmr.results.analysis.compare import compare_results
from slmr.results.runs.method_results import MethodResult
from slmr.results.runs.paired_scores import (
    difference,
    differences,
    mean_interval,
    mean_interval_of_rows,
    pair_scores,
)
from slmr.stats import mcnemar, seeds_and_items
from tests.results.made_runs import GRPO, SFT, seeded

TASK = "lab_gsm8k"


def reordered(result: MethodResult, seeds: tuple[int, ...], places: list[int]) -> None:
    """Writes the completions of these seeds in another order of their items."""
    for row, run in result.run_rows:
        if row.seed in seeds:
            rows = read_rows(row.samples_file(run))
            write_rows(row.samples_file(run), [rows[i] for i in places])


@pytest.mark.parametrize("seeds", [{0: 30}, {0: 30, 1: 20, 2: 32}])
@pytest.mark.parametrize("order", ["reversed", "rotated"])
def test_the_order_of_a_file_changes_nothing(tmp_path: Path, seeds: dict[int, int], order: str) -> None:
    places = list(range(40))[::-1] if order == "reversed" else [*range(13, 40), *range(13)]
    other = {seed: 36 - n // 2 for seed, n in seeds.items()}
    a, b = seeded(tmp_path / "a", seeds, **SFT), seeded(tmp_path / "b", other, **GRPO)
    before = compare_results(a, b)
    assert before.tasks[0].only_a
    reordered(b, tuple(seeds), places)
    again = compare_results(unread(a), unread(b))
    same = zip(asdict(again.tasks[0].difference).items(), asdict(before.tasks[0].difference).items(), strict=True)
    for (name, value), (_, expected) in same:
        assert value == pytest.approx(expected, abs=1e-12), name
    assert again.tasks[0].only_a == before.tasks[0].only_a and again.tasks[0].only_b == before.tasks[0].only_b


def unread(result: MethodResult) -> MethodResult:
    """The same, with nothing read yet."""
    return MethodResult.of(result.run_rows)


def test_seeds_of_one_method_are_brought_into_the_order_of_the_first(tmp_path: Path) -> None:
    result = seeded(tmp_path, {0: 30, 1: 20})
    before = result.scores[TASK].values.copy()
    assert before[1].tolist() == [[float((i + 7) % 40 < 20)] for i in range(40)]
    reordered(result, (1,), list(range(40))[::-1])
    scores = unread(result).scores[TASK]
    assert scores.items[0] == f"{TASK}/0" and np.array_equal(scores.values, before)


def test_seeds_with_other_items_are_refused(tmp_path: Path) -> None:
    result = seeded(tmp_path, {0: 30, 1: 20})
    row, run = result.run_rows[1]
    write_rows(row.samples_file(run), read_rows(row.samples_file(run))[:-1])
    with pytest.raises(RequestError, match="not the items of"):
        _ = result.scores[TASK].values
    assert "not the items of" in (unread(result).fault or "")


def test_completions_that_are_not_those_of_the_summary_are_a_fault(tmp_path: Path) -> None:
    result = seeded(tmp_path, {0: 30})
    assert result.fault is None
    row, run = result.run_rows[0]
    rows = read_rows(row.samples_file(run))
    rows[0]["strict"] = not rows[0]["strict"]
    write_rows(row.samples_file(run), rows)
    assert "does not fit the summary: 0.725 of it is right, not 0.750" in (unread(result).fault or "")


def test_two_single_runs_get_mcnemars_p_value(tmp_path: Path) -> None:
    """30 and 24 of 40 right: the first 24 items for both, the next 6 for one alone."""
    a, b = seeded(tmp_path / "a", {0: 30}, **SFT), seeded(tmp_path / "b", {0: 24}, **GRPO)
    pair = pair_scores(TASK, a.scores[TASK], b.scores[TASK])
    assert pair.seeds == 1 and pair is pair_scores(TASK, a.scores[TASK], b.scores[TASK])
    assert difference([pair]).p == mcnemar(6, 0) == 2 / 2**6
    assert difference([pair, pair]).p != mcnemar(6, 0)  # several tasks: the interval's


def test_many_differences_at_once_are_each_alone(tmp_path: Path) -> None:
    results = [seeded(tmp_path / str(i), {0: 30 - i, 1: 20 + i}) for i in range(3)]
    one = seeded(tmp_path / "one", {0: 10})
    pairs = [[pair_scores(TASK, r.scores[TASK], results[0].scores[TASK])] for r in results[1:]]
    pairs.insert(1, [pair_scores(TASK, one.scores[TASK], seeded(tmp_path / "two", {0: 9}).scores[TASK])])
    assert differences(pairs) == [difference(pair) for pair in pairs]
    assert pairs[0][0].seeds == 2


def test_one_seed_has_wilsons_interval(tmp_path: Path) -> None:
    """30 of 40: (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)."""
    z, p, n = stats.norm.ppf(0.975), 0.75, 40
    centre, half = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    e = mean_interval([seeded(tmp_path, {0: 30}).scores[TASK]])
    bounds = (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)
    assert (e.low, e.high) == pytest.approx(bounds) and e.mean == 0.75


def test_several_seeds_have_the_interval_over_seeds_and_items(tmp_path: Path) -> None:
    """With all right and none, only seeds vary, by a variance of 0.5 / 2 with one degree of freedom: half the interval
    would be 12.7 standard errors, and no accuracy is below 0 or above 1."""
    e = seeded(tmp_path / "far", {0: 40, 1: 0}).scores[TASK].interval
    assert (e.mean, e.stderr, e.low, e.high) == (0.5, 0.5, 0.0, 1.0)
    tasks = seeded(tmp_path / "near", {0: 21, 1: 20}).scores[TASK]
    assert tasks.interval.low > 0 and tasks.interval.high < 1
    assert tasks.interval == seeds_and_items([tasks.parts])


def test_the_interval_of_rows_is_that_of_completions_where_they_say_all(tmp_path: Path) -> None:
    result = seeded(tmp_path, {0: 30})
    own = result.scores[TASK].interval
    row = result.first.model_copy(update={"stderr": own.stderr})
    fallback = mean_interval_of_rows([[row]])
    for name in ("mean", "stderr", "low", "high"):
        assert getattr(fallback, name) == pytest.approx(getattr(own, name), rel=1e-12), name
    # Seeds share their items: several rows of one task say no more than one.
    assert mean_interval_of_rows([[row, row]]) == fallback
    both = mean_interval_of_rows([[row], [row]])
    assert both.stderr == pytest.approx(own.stderr / math.sqrt(2)) and both.high < fallback.high
