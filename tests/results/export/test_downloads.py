"""Rankings as CSV, Parquet and Markdown."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from slmr.results.analysis.ranking import rank_methods
from slmr.results.analysis.selection import Filters, load_results, rankings
from slmr.results.export.downloads import as_csv, as_parquet, as_text
from slmr.results.render.columns import sorted_methods
from slmr.results.runs.method_results import run_results
from tests.results.made_runs import made_run


def test_every_form_has_the_lines_that_are_shown_in_their_order(results: Path) -> None:
    (ranking,) = rankings(load_results(results), Filters("lab", students=("lab-llama",)))
    shown = [replace(ranking, methods=sorted_methods(ranking, ("rl", "ablation"), "tokens"))]
    expected = ["base", "grpo", "no_bridge"]  # the dearest last
    rows = list(csv.DictReader(io.StringIO(as_csv(shown))))
    table = pq.read_table(io.BytesIO(as_parquet(shown)))
    assert sorted(row["method"] for row in rows) == sorted(table["method"].to_pylist()) == expected
    assert [row["method"] for row in rows] == table["method"].to_pylist()
    assert rows[0]["edition"] == "lab" and rows[0]["student"] == "lab-llama"
    assert float(rows[0]["mean low"]) == table["mean low"].to_pylist()[0]
    text = as_text(shown)
    assert text.startswith("# slmr, lab edition\n\n## lab-llama") and "| stagewise |" not in text
    assert [text.index(f"| {row['method']} |") for row in rows] == sorted(
        text.index(f"| {row['method']} |") for row in rows
    )


def test_what_one_ranking_lacks_is_null(results: Path) -> None:
    table = pq.read_table(io.BytesIO(as_parquet(rankings(load_results(results), Filters("lab")))))
    by_student = dict(zip(table["student"].to_pylist(), table["gain"].to_pylist(), strict=True))
    assert by_student["lab-qwen"] is None  # base alone


def test_a_formula_stays_text(tmp_path: Path) -> None:
    ranking = rank_methods(run_results(made_run(tmp_path, {"base": 0.3, "=1+1": 0.5})))
    rows = {row["method"]: row for row in csv.DictReader(io.StringIO(as_csv([ranking])))}
    assert set(rows) == {"base", "'=1+1"}
    assert (
        rows["base"]["rank low"] == rows["base"]["rank high"] == "" and rows["'=1+1"]["rank high"] == "1"
    )  # whole numbers
