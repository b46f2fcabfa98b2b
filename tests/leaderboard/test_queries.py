"""The board's numbers, ranks and blanks."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import queries

from slmr.results import SummaryRow, write_summary


def test_means_intervals_gain_and_shared_ranks(results: Path) -> None:
    rows = queries.select(queries.load_results(results).rows, queries.Filters("lab"))
    table = queries.board(rows).set_index("method")
    assert table.loc["sft", "mean"] == pytest.approx(47.0)
    assert table.loc["sft", "gain"] == pytest.approx(12.0)
    assert math.isnan(table.loc["base", "gain"])
    by_hand = 100 * 1.959963984540054 * math.sqrt(0.42 * 0.58 / 500 + 0.52 * 0.48 / 500) / 2
    assert table.loc["sft", "interval"] == pytest.approx(by_hand)
    assert table["rank"].to_dict() == {"sft": 1, "rft": 2, "base": 2}
    assert table.loc["sft", "format loss"] == pytest.approx(1.0)


def test_editions_are_never_on_one_board(results: Path) -> None:
    rows = queries.load_results(results).rows
    lab = queries.board(queries.select(rows, queries.Filters("lab")))
    paper = queries.board(queries.select(rows, queries.Filters("paper")))
    assert queries.task_columns(lab) == ["lab_gsm8k", "lab_math"]
    assert queries.task_columns(paper) == ["svamp"]


def test_a_missing_task_is_blank_and_takes_no_rank(make_row: Callable[..., SummaryRow]) -> None:
    rows = [make_row("base"), make_row("base", "lab_math"), make_row("sft", accuracy=0.9)]
    table = queries.board(rows).set_index("method")
    assert math.isnan(table.loc["sft", "lab_math"])
    assert math.isnan(table.loc["sft", "rank"])


def test_a_bad_file_is_a_notice_and_not_a_crash(results: Path) -> None:
    (results / "broken").mkdir()
    (results / "broken" / "summary.json").write_text('{"rows": 3}')
    loaded = queries.load_results(results)
    assert len(loaded.rows) == 7
    assert any("broken" in notice for notice in loaded.notices)


def test_other_checker_versions_are_not_ranked_together(
    results: Path, make_row: Callable[..., SummaryRow]
) -> None:
    (results / "new").mkdir()
    newer = [make_row("base", checker_version="numeric-2")]
    write_summary(results / "new" / "summary.json", newer)
    loaded = queries.load_results(results)
    gsm8k = [row for row in loaded.rows if row.task == "lab_gsm8k"]
    assert {row.checker_version for row in gsm8k} == {"numeric-2"}
    assert any("lab_gsm8k" in notice for notice in loaded.notices)


def test_seeds_are_averaged(make_row: Callable[..., SummaryRow]) -> None:
    rows = [make_row("sft", accuracy=a, seed=s) for s, a in enumerate((0.4, 0.5))]
    table = queries.board(rows)
    assert table.loc[0, "seeds"] == 2
    assert table.loc[0, "mean"] == pytest.approx(45.0)


def test_base_stays_whatever_kinds_are_chosen(results: Path) -> None:
    rows = queries.select(queries.load_results(results).rows, queries.Filters("lab", kinds=("rl",)))
    assert {row.method for row in rows} == {"base"}
