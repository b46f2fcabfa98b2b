"""One list of columns: what it sorts by, downloads, and leaves blank."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.results.columns import HTML, columns_on, download_rows, sorted_methods
from slmr.results.entries import run_results
from slmr.results.html import ranking_html
from slmr.results.ranking import Ranking, rank_methods
from slmr.results.schema import read_summary, write_summary
from tests.results.made_runs import cells, made_run

RATES = {"base": 0.3, "grpo": 0.5, "stagewise": 0.6, "no_bridge": 0.58}


@pytest.fixture
def ranking(tmp_path: Path) -> Ranking:
    return rank_methods(run_results(made_run(tmp_path / "run", RATES)))


def test_downloaded_rows_have_every_interval(ranking: Ranking) -> None:
    rows = {row["method"]: row for row in download_rows(ranking, "lab")}
    best = next(s for s in ranking.methods if s.name == "stagewise")
    assert best.accuracy is not None and best.gain is not None
    row = rows["stagewise"]
    assert (row["mean"], row["mean low"], row["mean high"]) == pytest.approx(
        (100 * best.mean, 100 * best.accuracy.low, 100 * best.accuracy.high)
    )
    assert row["gain"] == pytest.approx(100 * best.gain.mean) and row["rank"] == 1
    assert rows["base"]["gain"] is None and rows["no_bridge"]["rank"] is None
    assert all(f"{task} low" in row for task in ranking.tasks)


def test_what_is_missing_is_blank_and_never_zero(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", RATES)
    rows = [r for r in read_summary(run / "summary.json").rows if (r.method, r.task) != ("grpo", "lab_mawps")]
    write_summary(run / "summary.json", rows)
    ranking = rank_methods(run_results(run))
    names = [column.name for column in columns_on(ranking, HTML)]
    line = dict(
        zip(names, next(c for c in cells(ranking_html(ranking)) if c[1].startswith("grpo")), strict=True)
    )
    assert line["rank"] == line["mean"] == line["gain"] == line["lab_mawps"] == "" and line["lab_gsm8k"]
    row = next(row for row in download_rows(ranking, "lab") if row["method"] == "grpo")
    assert row["mean"] is None and row["lab_mawps high"] is None and row["rank"] is None
    assert [s.name for s in sorted_methods(ranking, sort="mean")][-1] == "grpo"


def test_kinds_and_order(ranking: Ranking) -> None:
    assert {s.name for s in sorted_methods(ranking, ["rl"])} == {"grpo", "base"}
    tokens = [s.tokens for s in sorted_methods(ranking, sort="tokens")]
    assert tokens == sorted(tokens)
    for name in ("mean", "gain", "lab_gsm8k"):
        values = [{"mean": s.mean, "gain": s.gain and s.gain.mean, "lab_gsm8k": s.by_task["lab_gsm8k"].mean}[name]
                  for s in sorted_methods(ranking, sort=name)]  # fmt: skip
        known = [value for value in values if value is not None]
        assert known == sorted(known, reverse=True) and values[: len(known)] == known
    assert sorted_methods(ranking, sort="nonsense") == ranking.methods
