"""The page: run by Streamlit's own test driver, and once in a real browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

APP = Path(__file__).parents[2] / "leaderboard" / "app.py"
BROWSER, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")


def page(results: Path, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    monkeypatch.setattr(sys, "argv", [str(APP), "--results", str(results)])
    app = AppTest.from_file(str(APP), default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def test_an_empty_folder_says_which_command_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(tmp_path, monkeypatch)
    assert not app.exception
    assert app.code[0].value == "slmr bench --method all"


def test_the_board_is_there_and_labelled_lab(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(results, monkeypatch)
    assert not app.exception
    assert app.caption[0].value.startswith("lab edition")
    table = app.dataframe[0].value
    assert list(table["method"]) == ["sft", "rft", "base"]


def test_filters_come_from_the_url_and_wrong_ones_are_ignored(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = page(results, monkeypatch, edition="paper")
    assert list(paper.dataframe[0].value["student"]) == ["SmolLM2"]
    wrong = page(results, monkeypatch, edition="<script>", student="nobody")
    assert not wrong.exception
    assert len(wrong.dataframe[0].value) == 3


def test_choosing_a_task_narrows_the_board(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(results, monkeypatch)
    app.multiselect[2].set_value(["lab_math"]).run()
    assert not app.exception
    assert "lab_gsm8k" not in app.dataframe[0].value


@pytest.fixture
def served(results: Path):
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
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
            break
        except OSError:
            time.sleep(0.5)
    yield address
    os.killpg(server.pid, 15)
    server.wait(20)


@pytest.mark.skipif(not (BROWSER.exists() and DRIVER.exists()), reason="no chromium here")
def test_a_real_browser_shows_the_board(served: str, tmp_path: Path) -> None:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        f"--disable-component-update --disable-sync --user-data-dir={tmp_path / 'profile'} --window-size=1400,1000"
    )
    for flag in flags.split():
        options.add_argument(flag)
    browser = webdriver.Chrome(options, webdriver.ChromeService(str(DRIVER)))
    try:
        browser.get(served)
        wait = WebDriverWait(browser, 60)
        wait.until(lambda b: b.find_elements(By.CSS_SELECTOR, '[data-testid="stDataFrame"]'))
        wait.until(lambda b: b.find_elements(By.CSS_SELECTOR, ".js-plotly-plot"))
        assert not browser.find_elements(By.CSS_SELECTOR, '[data-testid="stException"]')
        assert "lab edition" in browser.find_element(By.TAG_NAME, "body").text
        assert "edition=lab" in browser.current_url
    finally:
        browser.quit()
