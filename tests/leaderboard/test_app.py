"""The app as a whole, by Streamlit's own test driver: its filters, notices and empty state."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from streamlit.testing.v1 import AppTest

from slmr.config import MethodKind
from slmr.results.runs.notes import NOTE
from slmr.results.runs.schema import SummaryRow, write_summary
from tests.leaderboard.conftest import board
from tests.made_results import html, opened, put_samples, summary_row, verdicts

APP = Path(__file__).parents[2] / "leaderboard/slmr_leaderboard/app.py"

Open = Callable[..., AppTest]


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Open:
    def run(results: Path, *options: str, **query: str | list[str]) -> AppTest:
        monkeypatch.setattr(sys, "argv", [str(APP), "--results", str(results), *options])
        return opened(AppTest.from_file(str(APP), default_timeout=60), query)

    return run


def test_methods_of_every_kind_are_drawn(tmp_path: Path, open_page: Open) -> None:
    kinds = get_args(MethodKind)
    rows = [
        put_samples(tmp_path, summary_row(f"m{i}", method_kind=kind), verdicts(kind, "t", 0.5))
        for i, kind in enumerate(kinds)
    ]
    write_summary(tmp_path / "summary.json", rows)
    shown = html(open_page(tmp_path, ablations="true"))
    assert all(f">m{i}" in shown for i, kind in enumerate(kinds) if kind != "model") and "model" in kinds


def test_an_empty_folder_says_which_command_to_run(tmp_path: Path, open_page: Open) -> None:
    app = open_page(tmp_path)
    assert app.code[0].value == "slmr bench --method all"
    assert "slmr-board" not in html(app)


def test_a_folder_of_bad_files_alone_says_both(tmp_path: Path, open_page: Open) -> None:
    (tmp_path / "summary.json").write_text("{")
    app = open_page(tmp_path)
    assert "no readable summary.json" in app.text[0].value
    assert app.text[1].value.startswith("Not readable:")


def test_the_sample_is_called_one(results: Path, open_page: Open) -> None:
    assert "sample results" in open_page(results, "--sample").info[0].value
    assert not open_page(results).info


def test_editions_have_a_board_each_and_say_which(results: Path, open_page: Open) -> None:
    app = open_page(results)
    assert app.markdown[0].value == "**lab edition\\: procedural tasks, tiny students**"
    assert "stagewise" in html(app) and "SmolLM2" not in html(app)
    app.selectbox(key="suite").set_value("paper").run()
    assert not app.exception
    assert app.markdown[0].value.startswith("**paper edition")
    assert "SmolLM2" in html(app) and "stagewise" not in html(app)


def test_notes_stand_below_the_title_on_the_suite_of_their_run_alone(results: Path, open_page: Open) -> None:
    more = "a word " * 40
    (results / "lab-0" / NOTE).write_text(f"> **First.** A [link](x.md) and\n> {more}.\n", encoding="utf-8")
    app = open_page(results)
    assert app.expander[0].label == "lab\\-0\\: First\\." and not app.warning
    assert any(text.value == f"A link and {more.strip()} ." for text in app.text)
    app.selectbox(key="suite").set_value("paper").run()
    assert not any("First" in e.label for e in app.expander)


def test_filters_come_from_the_url_and_wrong_ones_are_ignored(results: Path, open_page: Open) -> None:
    app = open_page(results, student="lab-llama", kind=["rl"], task=["lab_math", "x"], seed="9", suite="<script>")
    assert app.multiselect(key="kind").value == ["rl"]
    assert ">grpo" in board(app) and ">stagewise" not in board(app) and "lab_gsm8k" not in board(app)


def test_a_link_from_before_there_were_suites_opens_the_same_board(results: Path, open_page: Open) -> None:
    app = open_page(results, edition="paper")
    assert not app.exception and "SmolLM2" in html(app) and "stagewise" not in html(app)
    assert app.query_params["suite"] == "paper" and "edition" not in app.query_params


def test_ablations_are_behind_a_switch_and_said_to_be_there(results: Path, open_page: Open) -> None:
    app = open_page(results, student="lab-llama")
    assert ">no_<wbr>bridge" not in html(app) and any(c.value.startswith("1 more, such as") for c in app.caption)
    app.toggle(key="ablations").set_value(True).run()
    assert ">no_<wbr>bridge" in html(app)


def test_a_filter_that_the_other_edition_lacks_is_dropped(results: Path, open_page: Open) -> None:
    app = open_page(results, student="lab-llama", task="lab_math")
    app.selectbox(key="suite").set_value("paper").run()
    assert not app.exception and "SmolLM2" in html(app)


def test_a_bad_file_is_told_as_plain_text(results: Path, open_page: Open) -> None:
    (results / "<b>bad").mkdir()
    (results / "<b>bad" / "summary.json").write_text("{")
    app = open_page(results)
    assert any("<b>bad" in text.value for text in app.text) and ">stagewise" in html(app)
    assert not any("<b>" in markdown.value for markdown in app.markdown)


def test_an_older_version_can_be_chosen_and_stands_in_the_place_of_the_newest(results: Path, open_page: Open) -> None:
    old = results / "old"
    row: SummaryRow = put_samples(old, summary_row("rft", checker_version="numeric-0"), verdicts("x", "t", 0.9))
    write_summary(old / "summary.json", [row])
    app = open_page(results, by_task="true")
    assert "numeric-0" in app.text[-1].value
    app.multiselect(key="version").set_value(["lab_gsm8k: task 1-a, checker numeric-0"]).run()
    assert not app.exception
    assert f"{100 * row.accuracy:.1f}" in html(app)
