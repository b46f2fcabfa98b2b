"""The ranking as HTML: the columns' texts, bars, and text that stays text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slmr.results.analysis.ranking import Ranking, rank_methods
from slmr.results.render.colours import OF_KIND
from slmr.results.render.columns import HTML, columns_on
from slmr.results.render.html import document, ranking_html, table_html
from slmr.results.render.text_tables import text_table
from slmr.results.runs.method_results import run_results
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


def test_a_long_name_may_be_broken_after_an_underscore_only(ranking: Ranking) -> None:
    html = ranking_html(ranking)
    assert "no_<wbr>bridge" in html and "no_bridge" not in re.sub('title="[^"]*"', "", html)


def test_names_are_escaped(tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>"
    html = ranking_html(rank_methods(run_results(made_run(tmp_path / "run", {"base": 0.3, name: 0.5}))))
    assert "<img" not in html and "&lt;img" in html


def test_a_bar_is_the_interval(ranking: Ranking) -> None:
    """Positions in percent of the column's range, which leaves 5 % on both sides of the outermost bounds."""
    tracks = re.findall(
        r"--low:([\d.]+)%;--wide:([\d.]+)%;--mean:([\d.]+)%;--colour:(#\w+);--base:([\d.]+)%",
        ranking_html(ranking),
    )
    per_line = 1 + len(ranking.tasks)
    accuracies = [m.accuracy for m in ranking.methods if m.accuracy]
    low, high = min(e.low for e in accuracies), max(e.high for e in accuracies)
    unit = 100 / (1.1 * (high - low))
    assert len(tracks) == per_line * len(ranking.methods) and len(accuracies) == len(ranking.methods)
    base = next(m for m in ranking.methods if m.kind == "base")
    for method, e, track in zip(ranking.methods, accuracies, tracks[::per_line], strict=True):
        start = 100 * 0.05 / 1.1
        expected = [start + (e.low - low) * unit, (e.high - e.low) * unit, start + (e.mean - low) * unit]
        assert [float(x) for x in track[:3]] == pytest.approx(expected, abs=0.11)
        assert track[3] == OF_KIND[method.kind]
        assert float(track[4]) == pytest.approx(start + (base.mean - low) * unit, abs=0.06)


def test_a_table_of_text_is_escaped_with_its_title_as_caption() -> None:
    html = table_html(text_table("A & B", ["method", "mean"], [["<i>", "1.0"]]))
    assert "<caption>A &amp; B</caption>" in html and '<td class="text">&lt;i&gt;</td><td class="">1.0</td>' in html


def test_the_page_is_dark_where_the_reader_wants_it(ranking: Ranking) -> None:
    assert 'class="slmr-wrap dark"' in ranking_html(ranking, dark=True)
    page = document("<t>", ["<p>x</p>"])
    assert page.startswith("<!doctype html>") and "<title>&lt;t&gt;</title>" in page and "<p>x</p></body>" in page
