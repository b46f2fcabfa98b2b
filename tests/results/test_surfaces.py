"""One number and one interval for one thing: every surface, over everything that is published in results/."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from slmr.cli.bench import comparison_tables
from slmr.results.analysis.compare import compare_results
from slmr.results.analysis.ranking import RankedMethod, Ranking, run_rankings
from slmr.results.analysis.selection import Filters, load_results, rankings
from slmr.results.export.downloads import as_csv, as_text
from slmr.results.render.columns import HTML, columns_on
from slmr.results.render.html import ranking_html
from slmr.results.render.report import read_section
from slmr.results.render.tables import comparison_table, eval_table, texts
from slmr.results.runs.method_results import MethodResult, RunRow
from slmr.results.runs.paired_scores import mean_interval_of_rows
from slmr.results.runs.schema import read_summary, write_summary
from slmr.stats import formats
from tests.made_results import put_samples, summary_row
from tests.results.made_runs import cells

ROOT = Path(__file__).parents[2]
PUBLISHED = sorted(file.parent for file in (ROOT / "results").glob("**/summary.json"))
Cells = dict[str, dict[str, str]]  # method → heading → what is printed


@cache
def of_run(run: Path) -> list[tuple[str, Ranking]]:
    return run_rankings(run)


def expected(method: RankedMethod) -> dict[str, str]:
    """What each accuracy and the gain of a method must read as, where it has them."""
    estimates = {"mean": method.accuracy, **method.by_task}
    found = {name: formats.percent(e.mean, e.low, e.high) for name, e in estimates.items() if e}
    if method.gain:
        found["gain"] = formats.points(method.gain.mean, method.gain.low, method.gain.high)
    return found


def by_method(*tables: list[tuple[str, ...]]) -> Cells:
    """The cells of tables of text, headings first, by method; a star is a p-value's and no part of a number."""
    found: Cells = {}
    for head, *rows in tables:
        for row in rows:
            line = dict(zip(head, row, strict=True))
            name = line.get("method") or line.get("model") or ""
            found.setdefault(name, {}).update({k: v.replace("*", "") for k, v in line.items()})
    return found


def of_markdown(text: str) -> Cells:
    """All tables of a Markdown text that have a column `mean`, or tasks beside a method."""
    blocks = [
        [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in block.splitlines()]
        for block in re.findall(r"(?:^\|.*\n?)+", text, re.M)
    ]
    return by_method(*([head, *rows] for head, _, *rows in blocks[:2]))


def of_html(ranking: Ranking) -> Cells:
    head = tuple(column.name for column in columns_on(ranking, HTML))
    at = int(head[0] == "rank")  # a single method has none
    lines = [(*line[:at], line[at].split()[0], *line[at + 1 :]) for line in cells(ranking_html(ranking))]
    return by_method([head, *map(tuple, lines)])


def of_csv(ranking: Ranking) -> Cells:
    found: Cells = {}
    for row in csv.DictReader(io.StringIO(as_csv([ranking]))):
        name = row["student"] if ranking.student == "models" else row["method"]
        found[name] = {
            key: _of_numbers(key, *(row[f"{key}{end}"] for end in ("", " low", " high")))
            for key in row
            if f"{key} low" in row and row[key]
        }
    return found


def _of_numbers(key: str, *numbers: str) -> str:
    write = formats.points if key == "gain" else formats.percent
    return write(*(float(number) / 100 for number in numbers))


@pytest.mark.parametrize("run", PUBLISHED, ids=lambda run: run.relative_to(ROOT).as_posix())
def test_every_surface_prints_the_same_of_what_is_published(run: Path) -> None:
    sections = read_section(run, None)
    bench = dict(comparison_tables(run_rankings(run), ablations=False))
    page = sections.html()
    for part, (title, ranking) in zip(sections.parts, of_run(run), strict=True):
        assert ranking.suite is not None
        filters = Filters(ranking.suite.name)
        (board,) = [b for b in rankings(load_results(run), filters) if b.student == ranking.student]
        # What was undone in training stands beside the tables, and is not read for the board.
        assert board == replace(ranking, notes=board.notes) and ranking_html(ranking) in page
        surfaces = {
            "bench": by_method(*map(texts, bench[title])),
            "report": of_markdown(sections.markdown().split(f"## {title}\n")[1]),
            "board": of_html(board),
            "CSV": of_csv(board),
            "Markdown download": of_markdown(as_text([board])),
        }
        assert part.title == title and len(ranking.methods) > 0
        for method in ranking.methods:
            for surface, printed in surfaces.items():
                shown = printed[method.name]
                assert {key: shown.get(key) for key in expected(method)} == expected(method), surface


@pytest.mark.parametrize("run", PUBLISHED, ids=lambda run: run.relative_to(ROOT).as_posix())
def test_compare_prints_the_gains_of_the_board(run: Path) -> None:
    for _, ranking in of_run(run):
        base = next((m for m in ranking.methods if m.kind == "base"), None)
        for method in ranking.methods:
            if method.gain is None or base is None:
                continue
            comparison = compare_results(method.result, base.result)
            rows = {row[0]: row for row in texts(comparison_table(comparison))}
            assert rows["mean"][4] == expected(method)["gain"]
            for task in ranking.tasks:
                assert rows[task][2] == expected(method)[task].split(" ")[0]


def test_an_evaluated_model_prints_what_the_board_prints() -> None:
    (run,) = [run for run in PUBLISHED if run.name == "smol-eval"]
    ((_, ranking),) = of_run(run)
    assert len(PUBLISHED) >= 3
    (method,) = ranking.methods
    rows = {row[0]: row[3] for row in texts(eval_table(method.result))}
    assert rows.items() >= expected(method).items()


@pytest.mark.parametrize("run", PUBLISHED, ids=lambda run: run.relative_to(ROOT).as_posix())
def test_a_summary_says_the_interval_of_one_seed(run: Path) -> None:
    """What a row keeps is that of its own completions; without them the board falls back on the row."""
    rows = [row for row in read_summary(run / "summary.json").rows if row.samples_file(run).is_file()]
    assert rows
    for row in rows[:: max(1, len(rows) // 40)]:
        e = MethodResult.of([RunRow(row, run)]).scores[row.task].interval
        assert (e.low, e.high) == pytest.approx(row.ci95, abs=1e-12)
        fallback = mean_interval_of_rows([[row]])
        if row.k == 1:
            assert (fallback.low, fallback.high) == pytest.approx(row.ci95, abs=1e-9)
        else:  # items of 4 completions reach from 0 to 1 in the fallback
            assert fallback.low <= e.low + 1e-9 and e.high <= fallback.high + 1e-9


def test_a_hand_calculated_interval_on_every_surface(tmp_path: Path) -> None:
    """Wilson (1927) at 30 of 100, z² = 3.8415: centre (0.3 + z²/200) / (1 + z²/100), half
    z sqrt(0.21/100 + z²/40000) / (1 + z²/100): 21.9 to 39.6. Base at 20 of 100, of which 10 are among the 30: of 30
    changed items 20 are up; variance of a change (0.3 - 0.01) * 100/99, widened by 1 item: ± 1.96 sqrt(0.2929/100 +
    1/10000), that is 10.0 ± 10.8."""
    right = {"grpo": range(30), "base": range(20, 40)}
    rows = [
        put_samples(
            tmp_path,
            summary_row(method, "lab_gsm8k", method_kind={"grpo": "rl"}.get(method, method)),
            np.array([[i in which] for i in range(100)]),
        )
        for method, which in right.items()
    ]
    write_summary(tmp_path / "summary.json", rows)
    ((title, ranking),) = run_rankings(tmp_path)
    mean, gain = "30.0 (21.9 to 39.6)", "+10.0 (-0.8 to +20.8)"
    ((_, tables),) = comparison_tables(run_rankings(tmp_path), ablations=False)
    printed = {
        "bench": by_method(*map(texts, tables)),
        "report": of_markdown(read_section(tmp_path, None).markdown().split(f"## {title}\n")[1]),
        "board": of_html(ranking),
        "CSV": of_csv(ranking),
        "Markdown download": of_markdown(as_text([ranking])),
    }
    for surface, found in printed.items():
        assert [found["grpo"][key] for key in ("mean", "lab_gsm8k", "gain")] == [mean, mean, gain], surface
    result = next(m.result for m in ranking.methods if m.name == "grpo")
    assert texts(eval_table(result))[1][3] == mean
    base = next(m.result for m in ranking.methods if m.name == "base")
    comparison = compare_results(result, base)
    assert texts(comparison_table(comparison))[1][4] == gain
