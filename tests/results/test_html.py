"""The board as HTML and as rows: the numbers of the standings, blanks where something is missing, text as text."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from slmr.results.compare import compare
from slmr.results.entries import run_entries
from slmr.results.html import board_columns, board_html, board_rows, sorted_standings
from slmr.results.ranking import Board, board
from slmr.results.report import as_markdown, standings_table, write_report
from slmr.results.schema import read_summary, write_summary
from tests.results.test_report import made_run

RATES = {"base": 0.3, "grpo": 0.5, "stagewise": 0.6, "no_bridge": 0.58}


@pytest.fixture
def found(tmp_path: Path) -> Board:
    return board(run_entries(made_run(tmp_path / "run", RATES)))


def cells(html: str) -> list[list[str]]:
    """The texts of a table's body."""
    lines = re.findall(r"<tr[^>]*>(.*?)</tr>", html.split("<tbody>")[1], re.S)
    return [
        [unescape(re.sub("<[^>]+>", "", cell)) for cell in re.findall(r"<td[^>]*>(.*?)</td>", line)]
        for line in lines
    ]


def test_the_page_has_the_numbers_of_report_and_compare(found: Board, tmp_path: Path) -> None:
    shown = {line[1].split()[0]: line for line in cells(board_html(found))}
    names = [column.name for column in board_columns(found)]
    for s in found.standings:
        line = dict(zip(names, shown[s.name], strict=True))
        assert s.accuracy is not None
        assert line["mean"] == f"{100 * s.mean:.1f} ±{50 * (s.accuracy.high - s.accuracy.low):.1f}"
        assert line["rank"] == ("" if s.rank is None else str(s.rank))
        assert f"| {s.name} |" in as_markdown(standings_table(found))
        if s.gain is not None:
            own = compare(f"{tmp_path / 'run'}:{s.name}", f"{tmp_path / 'run'}:base").mean
            assert own == s.gain and line["gain"].replace("*", "").startswith(f"{100 * own.mean:+.1f}")
    assert shown["no_bridge"][0] == ""  # an ablation has no rank


def test_downloaded_rows_have_every_interval(found: Board) -> None:
    rows = {row["method"]: row for row in board_rows(found, "lab")}
    best = next(s for s in found.standings if s.name == "stagewise")
    assert best.accuracy is not None and best.gain is not None
    row = rows["stagewise"]
    assert (row["mean"], row["mean low"], row["mean high"]) == pytest.approx(
        (100 * best.mean, 100 * best.accuracy.low, 100 * best.accuracy.high)
    )
    assert row["gain"] == pytest.approx(100 * best.gain.mean) and row["rank"] == 1
    assert rows["base"]["gain"] is None and rows["no_bridge"]["rank"] is None
    assert all(f"{task} low" in row for task in found.tasks)


def test_what_is_missing_is_blank_and_never_zero(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", RATES)
    rows = [r for r in read_summary(run / "summary.json").rows if (r.method, r.task) != ("grpo", "lab_mawps")]
    write_summary(run / "summary.json", rows)
    found = board(run_entries(run))
    names = [column.name for column in board_columns(found)]
    line = dict(zip(names, next(c for c in cells(board_html(found)) if c[1].startswith("grpo")), strict=True))
    assert line["rank"] == line["mean"] == line["gain"] == line["lab_mawps"] == "" and line["lab_gsm8k"]
    row = next(row for row in board_rows(found, "lab") if row["method"] == "grpo")
    assert row["mean"] is None and row["lab_mawps high"] is None and row["rank"] is None
    assert [s.name for s in sorted_standings(found, sort="mean")][-1] == "grpo"


def test_kinds_and_order(found: Board) -> None:
    assert {s.name for s in sorted_standings(found, ["rl"])} == {"grpo", "base"}
    tokens = [s.tokens for s in sorted_standings(found, sort="tokens")]
    assert tokens == sorted(tokens)
    for name in ("mean", "gain", "lab_gsm8k"):
        values = [{"mean": s.mean, "gain": s.gain and s.gain.mean, "lab_gsm8k": s.by_task["lab_gsm8k"].mean}[name]
                  for s in sorted_standings(found, sort=name)]  # fmt: skip
        known = [value for value in values if value is not None]
        assert known == sorted(known, reverse=True) and values[: len(known)] == known
    assert sorted_standings(found, sort="nonsense") == found.standings


def test_names_are_escaped(tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>"
    html = board_html(board(run_entries(made_run(tmp_path / "run", {"base": 0.3, name: 0.5}))))
    assert "<img" not in html and "&lt;img" in html


def test_a_report_as_one_page(tmp_path: Path) -> None:
    run = made_run(tmp_path / "<i>mine", RATES)
    page = write_report([run], tmp_path / "out", "base", html=True)
    text = page.read_text()
    assert page.name == "report.html" and not (tmp_path / "out" / "figures.html").exists()
    assert "[report.html](report.html)" in (tmp_path / "out" / "report.md").read_text()
    before = text.split("<figure>")[0]
    assert "<i>mine" not in before and "&lt;i&gt;mine (lab edition)" in before
    assert board_html(board(run_entries(run))) in text
    assert text.count('class="plotly-graph-div"') == 2 and text.count("Difference to base") == 1
    assert not re.search(r'<(script|link|img)[^>]+(src|href)="?https?:', text)
