"""One list of columns: what it sorts by, downloads, and leaves blank."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from slmr.results.analysis.ranking import Ranking, rank_methods
from slmr.results.analysis.selection import Filters, load_results, rankings
from slmr.results.render.columns import HTML, TEXT, columns_on, download_rows, sorted_methods
from slmr.results.render.html import ranking_html
from slmr.results.runs.method_results import MethodResult, run_results
from slmr.results.runs.schema import read_summary, write_summary
from tests.results.made_runs import cells, made_run

RATES = {"base": 0.3, "grpo": 0.5, "stagewise": 0.6, "no_bridge": 0.58}


@pytest.fixture
def ranking(tmp_path: Path) -> Ranking:
    return rank_methods(run_results(made_run(tmp_path / "run", RATES)))


def test_downloaded_rows_have_every_interval(ranking: Ranking) -> None:
    rows = {row["method"]: row for row in download_rows(ranking)}
    best = next(s for s in ranking.methods if s.name == "stagewise")
    assert best.accuracy is not None and best.gain is not None
    row = rows["stagewise"]
    assert (row["mean"], row["mean low"], row["mean high"]) == pytest.approx(
        (100 * best.mean, 100 * best.accuracy.low, 100 * best.accuracy.high)
    )
    assert row["gain"] == pytest.approx(100 * best.gain.mean) and row["rank low"] == 1
    assert rows["base"]["gain"] is None and rows["no_bridge"]["rank low"] is None
    assert all(f"{task} low" in row for task in ranking.tasks)


def test_a_star_marks_a_significant_gain_alone(ranking: Ranking) -> None:
    gain = next(column for column in columns_on(ranking, TEXT) if column.name == "gain")
    best = next(s for s in ranking.methods if s.name == "stagewise")
    assert best.gain is not None
    assert "*" in gain.text(replace(best, gain=replace(best.gain, p=0.049)))
    assert "*" not in gain.text(replace(best, gain=replace(best.gain, p=0.05)))
    assert gain.text(replace(best, gain=None)) == ""


def test_what_is_missing_is_blank_and_never_zero(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", RATES | {"sft_grpo": 0.5})
    rows = [r for r in read_summary(run / "summary.json").rows if (r.method, r.task) != ("grpo", "lab_mawps")]
    write_summary(run / "summary.json", rows)
    ranking = rank_methods(run_results(run))
    names = [column.name for column in columns_on(ranking, HTML)]
    line = dict(zip(names, next(c for c in cells(ranking_html(ranking)) if c[1].startswith("grpo")), strict=True))
    assert line["rank"] == line["mean"] == line["gain"] == line["lab_mawps"] == "" and line["lab_gsm8k"]
    row = next(row for row in download_rows(ranking) if row["method"] == "grpo")
    assert row["mean"] is None and row["lab_mawps high"] is None and row["rank high"] is None
    assert [s.name for s in sorted_methods(ranking, sort="mean")][-1] == "grpo"


def test_kinds_and_order(ranking: Ranking) -> None:
    assert {s.name for s in sorted_methods(ranking, ["rl"])} == {"grpo", "base"}
    tokens = [s.tokens for s in sorted_methods(ranking, sort="tokens")]
    assert tokens == sorted(tokens)
    for name in ("mean", "gain", "lab_gsm8k"):
        values = [
            {"mean": s.mean, "gain": s.gain and s.gain.mean, "lab_gsm8k": s.by_task["lab_gsm8k"].mean}[name]
            for s in sorted_methods(ranking, sort=name)
        ]
        known = [value for value in values if value is not None]
        assert known == sorted(known, reverse=True) and values[: len(known)] == known
    assert sorted_methods(ranking, sort="nonsense") == ranking.methods


def test_items_are_those_of_one_seed_times_their_completions(ranking: Ranking) -> None:
    column = next(column for column in columns_on(ranking, HTML) if column.name == "items")
    method = ranking.methods[0]
    assert column.text(method) == "240 × 2" and column.value(method) == 720  # three seeds
    rows = [r._replace(row=r.row.model_copy(update={"k": 1, "n_items": 1500})) for r in method.result.run_rows]
    once = replace(method, result=MethodResult.of(rows))
    assert column.text(once) == "3,000"
    mixed = MethodResult.of(r._replace(row=r.row.model_copy(update={"k": i + 2})) for i, r in enumerate(rows))
    assert column.text(replace(method, result=mixed)) == "3,000"


def test_costs_are_shown_in_their_units(ranking: Ranking) -> None:
    (row,) = [row for row in download_rows(ranking) if row["method"] == "grpo"]
    method = next(m for m in ranking.methods if m.name == "grpo")
    texts = {column.name: column.text(method) for column in columns_on(ranking, HTML)}
    assert (row["flops"], row["seconds"], row["tokens"]) == (1e12, 1.0, 4000)
    assert (texts["TFLOP"], texts["minutes"], texts["tokens"], texts["seeds"]) == (
        "1.00",
        "0.0",
        "◆ 4 k",
        "3",
    )
    assert (texts["format loss"], texts["cut off"], texts["no answer"]) == ("0.0", "0.0", "0.0")
    cut = [r._replace(row=r.row.model_copy(update={"truncated_rate": 0.5})) for r in method.result.run_rows]
    (column,) = [column for column in columns_on(ranking, HTML) if column.name == "cut off"]
    assert column.value(replace(method, result=MethodResult.of(cut))) == 50


def test_models_have_no_gain_and_no_cost(results: Path) -> None:
    (ranking,) = rankings(load_results(results), Filters("paper"))
    names = [column.name for column in columns_on(ranking, HTML)]
    assert names[:2] == ["model", "mean"] and not {"gain", "tokens", "TFLOP", "minutes", "sd"} & set(names)
    (row,) = download_rows(ranking)
    assert row["method"] == "eval" and row["student"] == "SmolLM2" and row["gain low"] is None


def test_a_teacher_model_is_a_class_that_tables_name(ranking: Ranking) -> None:
    """A download keeps the kind by which recipes and results know it."""
    column = next(c for c in columns_on(ranking, TEXT) if c.name == "kind")
    method = ranking.methods[0]
    runs = [r._replace(row=r.row.model_copy(update={"method_kind": "distill"})) for r in method.result.run_rows]
    taught = replace(method, result=MethodResult.of(runs))
    assert column.text(taught) == "teacher model" and column.download(taught) == {"kind": "distill"}
