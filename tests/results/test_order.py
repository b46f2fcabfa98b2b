"""Ranks of a run's methods: with their items in any order, of those alone that are given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slmr.io import read_rows, write_rows
from slmr.results.entries import run_results
from slmr.results.order import Order, order_of
from slmr.results.ranking import rank_methods
from slmr.stats import margin
from tests.results.made_runs import TASKS, made_run

RATES = {"base": 0.3, "grpo": 0.45, "sft": 0.5, "stagewise": 0.7}


@pytest.mark.parametrize("seeds", [[0], [0, 1, 2]])
def test_the_margin_is_of_the_scores_item_by_item(tmp_path: Path, seeds: list[int]) -> None:
    results = [r for r in run_results(made_run(tmp_path, RATES, seeds=seeds)) if r.kind != "base"]
    means = [float(np.mean([r.scores[t].values.mean() for t in TASKS])) for r in results]
    found = order_of(results, means, TASKS)
    scores = [np.stack([r.scores[task].values.mean(axis=2) for r in results]) for task in TASKS]
    assert found.margin == margin(scores)
    # The same with one method's items in another order in its file.
    file = results[2].scores[TASKS[0]].files[0]
    rows = read_rows(file)
    write_rows(file, rows[::-1])
    assert order_of(run_results(tmp_path)[1:], means, TASKS) == found
    assert list(found.ranks) == list(RATES)[1:] and found.ranks["stagewise"].low == 1


def test_ranks_do_not_fall_on_the_way_down_the_table(tmp_path: Path) -> None:
    ranking = rank_methods(run_results(made_run(tmp_path, RATES, seeds=range(3))))
    assert [m.name for m in ranking.methods if m.rank is None] == ["base"]
    ranks = [m.rank for m in ranking.methods if m.rank]
    assert [r.low for r in ranks] == sorted(r.low for r in ranks)
    assert [r.high for r in ranks] == sorted(r.high for r in ranks)


def test_one_method_is_first_and_has_nobody_to_be_apart_from(tmp_path: Path) -> None:
    (base,) = run_results(made_run(tmp_path, {"base": 0.3}, seeds=[0]))
    alone = order_of([base], [0.3], TASKS)
    assert str(alone.ranks["base"]) == "1" and alone.margin is None and not alone.apart(0.9, 0.1)
    assert Order({}, 0.02).apart(0.5, 0.53) and not Order({}, 0.02).apart(0.51, 0.5)
