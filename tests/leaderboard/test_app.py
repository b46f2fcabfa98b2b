"""The page: run by Streamlit's own test driver, and once in a real browser."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from slmr.results import MethodKind, SummaryRow, write_summary

APP = Path(__file__).parents[2] / "leaderboard" / "app.py"
BROWSER, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
BROWSER_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1400,1000"
).split()

Open = Callable[..., AppTest]


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Open:
    def run(results: Path, **query: str | list[str]) -> AppTest:
        monkeypatch.setattr(sys, "argv", [str(APP), "--results", str(results)])
        app = AppTest.from_file(str(APP), default_timeout=60)
        for key, value in query.items():
            app.query_params[key] = value
        app.run()
        assert not app.exception
        return app

    return run


def shown(app: AppTest) -> list[tuple[str, str]]:
    """The lines of the table as (method, student); the student column hides itself where there is one."""
    table = app.dataframe[0].value
    students = table["student"] if "student" in table else [""] * len(table)
    return list(zip(table["method"], students, strict=True))


def test_methods_of_every_kind_are_drawn(
    tmp_path: Path, open_page: Open, make_row: Callable[..., SummaryRow]
) -> None:
    kinds = get_args(MethodKind)
    rows = [make_row(f"m{i}", method_kind=kind) for i, kind in enumerate(kinds)]
    (tmp_path / "run").mkdir()
    write_summary(tmp_path / "run" / "summary.json", rows)
    assert len(shown(open_page(tmp_path))) == len(kinds)


def test_an_empty_folder_says_which_command_to_run(tmp_path: Path, open_page: Open) -> None:
    app = open_page(tmp_path)
    assert app.code[0].value == "slmr bench --method all"
    assert not app.dataframe


def test_a_folder_of_bad_files_alone_says_both(tmp_path: Path, open_page: Open) -> None:
    (tmp_path / "summary.json").write_text("{")
    app = open_page(tmp_path)
    assert "no readable summary.json" in app.text[0].value
    assert app.text[1].value.startswith("Not readable:")


def test_the_board_is_there_and_labelled_lab(results: Path, open_page: Open) -> None:
    app = open_page(results)
    assert app.markdown[0].value == "**lab edition: procedural tasks, tiny students**"
    assert [method for method, student in shown(app) if student == "lab-llama"] == [
        "sft",
        "grpo",
        "rft",
        "base",
    ]
    table = app.dataframe[0].value
    expected = (
        "rank method student mean gain lab_gsm8k lab_math kind seeds|format loss|cut off|no answer"
        "|trained tokens|sampled tokens|teacher tokens|FLOPs|seconds|items|command"
    )
    assert list(table.columns) == [*expected.split("|")[0].split(), *expected.split("|")[1:]]
    assert table["mean"].tolist()[0] == " 47.0 ±3.1"


def test_text_sorts_as_its_numbers(
    tmp_path: Path, make_row: Callable[..., SummaryRow], open_page: Open
) -> None:
    rows = [make_row(f"m{i}", accuracy=a) for i, a in enumerate((0.05, 0.5, 1.0, 0.098))]
    write_summary(tmp_path / "summary.json", rows)
    texts = open_page(tmp_path).dataframe[0].value["mean"]
    assert [text.split()[0] for text in sorted(texts)] == ["5.0", "9.8", "50.0", "100.0"]


def test_editions_have_a_board_each(results: Path, open_page: Open) -> None:
    app = open_page(results, edition="paper")
    assert app.dataframe[0].value["method"].tolist() == ["base"]
    assert app.markdown[0].value.startswith("**paper edition")
    app.selectbox[0].set_value("lab").run()
    assert not app.exception
    assert len(shown(app)) == 5


def test_a_filter_that_the_other_edition_lacks_is_dropped(results: Path, open_page: Open) -> None:
    app = open_page(results, student="lab-llama", task="lab_math")
    app.selectbox[0].set_value("paper").run()
    assert not app.exception
    assert app.dataframe[0].value["method"].tolist() == ["base"]


def test_filters_by_student_kind_and_task(results: Path, open_page: Open) -> None:
    app = open_page(results)
    app.multiselect(key="student").set_value(["lab-llama"]).run()
    assert len(shown(app)) == 4
    app.multiselect(key="kind").set_value(["rl"]).run()
    assert shown(app) == [("grpo", ""), ("base", "")]
    app.multiselect(key="task").set_value(["lab_math"]).run()
    assert not app.exception
    assert "lab_gsm8k" not in app.dataframe[0].value


def test_filters_come_from_the_url(results: Path, open_page: Open) -> None:
    app = open_page(results, student="lab-llama", kind=["rl", "sft"])
    assert [method for method, _ in shown(app)] == ["sft", "grpo", "rft", "base"]
    assert app.multiselect(key="kind").value == ["rl", "sft"]


def test_wrong_values_in_the_url_are_ignored(results: Path, open_page: Open) -> None:
    app = open_page(results, edition="<script>", student="nobody", kind="", task=["lab_math", "x"])
    assert len(shown(app)) == 5
    assert "lab_gsm8k" not in app.dataframe[0].value


def test_filters_that_fit_nothing_say_so(
    results: Path, make_row: Callable[..., SummaryRow], open_page: Open
) -> None:
    (results / "more").mkdir()
    write_summary(results / "more" / "summary.json", [make_row("base", "lab_svamp", student="lab-new")])
    app = open_page(results, student="lab-new", task="lab_math")
    assert app.info[0].value == "No result fits these filters."


def test_a_bad_file_is_told_as_plain_text(results: Path, open_page: Open) -> None:
    (results / "<b>bad").mkdir()
    (results / "<b>bad" / "summary.json").write_text("{")
    app = open_page(results)
    assert len(shown(app)) == 5
    assert any("<b>bad" in text.value for text in app.text)
    assert not any("<b>" in markdown.value for markdown in app.markdown)


def test_names_are_escaped_in_the_figure(
    tmp_path: Path, make_row: Callable[..., SummaryRow], open_page: Open
) -> None:
    name = '<a href="javascript:alert(1)">x</a>'
    write_summary(tmp_path / "summary.json", [make_row(name)])
    app = open_page(tmp_path)
    figure = app.get("plotly_chart")[0].proto.spec
    assert "<a" not in figure and "&lt;a" in figure
    assert shown(app) == [(name, "")]


def test_interval_bars_stay_between_0_and_100_percent(
    tmp_path: Path, make_row: Callable[..., SummaryRow], open_page: Open
) -> None:
    rows = [make_row("base", accuracy=0.0, n_items=20), make_row("sft", accuracy=1.0, n_items=20)]
    write_summary(tmp_path / "summary.json", rows)
    figure = json.loads(open_page(tmp_path).get("plotly_chart")[0].proto.spec)
    bars = {trace["name"]: trace["error_x"] for trace in figure["data"]}
    below, above = (
        {name: numbers(bar[side])[0] for name, bar in bars.items()} for side in ("arrayminus", "array")
    )
    assert below["base"] == 0 and above["sft"] == 0
    assert above["base"] > 5 and below["sft"] > 5


def numbers(array: Any) -> list[float]:
    """Plotly writes a column as base64 of its bytes."""
    if isinstance(array, dict):
        return np.frombuffer(base64.b64decode(array["bdata"]), array["dtype"]).tolist()
    return array


def test_the_rows_can_be_downloaded(results: Path, open_page: Open) -> None:
    app = open_page(results, student="lab-llama")
    assert app.get("download_button")[0].proto.label == "Download these rows as CSV"


# ----------------------------------------------------------------------------- a real browser


@pytest.fixture
def served(results: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "slmr.cli", "leaderboard", "--results", str(results), "--port", str(port)
    ]  # fmt: skip
    server = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    address = f"http://localhost:{port}"
    try:
        _wait_for(address)
        yield address
    finally:
        os.killpg(server.pid, 15)
        server.wait(20)


def _wait_for(address: str) -> None:
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
            return
        except OSError:
            time.sleep(0.5)
    pytest.fail("the server did not start within a minute")


@pytest.mark.browser
@pytest.mark.skipif(not (BROWSER.exists() and DRIVER.exists()), reason="no chromium here")
def test_a_real_browser_shows_the_board(served: str, tmp_path: Path) -> None:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for flag in (*BROWSER_FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    downloads = tmp_path / "downloads"
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    browser = webdriver.Chrome(options, webdriver.ChromeService(str(DRIVER)))
    try:
        browser.get(f"{served}/?student=lab-llama")
        wait = WebDriverWait(browser, 60)
        wait.until(lambda b: b.find_elements(By.CSS_SELECTOR, '[data-testid="stDataFrame"] table'))
        wait.until(lambda b: b.find_elements(By.CSS_SELECTOR, ".js-plotly-plot .bars"))
        assert not browser.find_elements(By.CSS_SELECTOR, '[data-testid="stException"]')
        assert "lab edition" in browser.find_element(By.TAG_NAME, "body").text
        cells = browser.find_element(By.CSS_SELECTOR, '[data-testid="stDataFrame"] table')
        text = cells.get_attribute("textContent") or ""
        assert all(method in text for method in ("base", "sft", "rft", "grpo"))
        assert "student=lab-llama" in browser.current_url
        browser.find_element(By.CSS_SELECTOR, '[data-testid="stDownloadButton"] button').click()
        wait.until(lambda _: (downloads / "slmr-lab.csv").is_file())
        rows = list(csv.DictReader(io.StringIO((downloads / "slmr-lab.csv").read_text(encoding="utf-8"))))
        assert [row["method"] for row in rows] == ["sft", "grpo", "rft", "base"]
        assert float(rows[0]["mean ±"]) == pytest.approx(3.1, abs=0.05)
    finally:
        browser.quit()
