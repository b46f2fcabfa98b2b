"""The ranking as HTML: the columns' texts, bars, and text that stays text."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.results.columns import HTML, columns_on
from slmr.results.entries import run_results
from slmr.results.html import ranking_html
from slmr.results.ranking import Ranking, rank_methods
from tests.results.made_runs import cells, made_run

RATES = {"base": 0.3, "grpo": 0.5, "stagewise": 0.6, "no_bridge": 0.58}


@pytest.fixture
def ranking(tmp_path: Path) -> Ranking:
    return rank_methods(run_results(made_run(tmp_path / "run", RATES)))


def test_every_cell_reads_as_its_column_says(ranking: Ranking) -> None:
    columns = columns_on(ranking, HTML)
    for method, line in zip(ranking.methods, cells(ranking_html(ranking)), strict=True):
        texts = [column.text(method) for column in columns]
        texts[1] += {"grpo": " rl", "no_bridge": " ablation"}.get(method.name, "")
        assert line == texts


def test_names_are_escaped(tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>"
    html = ranking_html(rank_methods(run_results(made_run(tmp_path / "run", {"base": 0.3, name: 0.5}))))
    assert "<img" not in html and "&lt;img" in html
