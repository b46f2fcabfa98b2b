"""The made-up results, and a page drawn by Streamlit's own test driver, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.leaderboard.browsing import BROWSER, DRIVER, FLAGS, serving
from tests.made_results import html, make_results, opened, results

__all__ = ["results"]

SCRIPT = """
from pathlib import Path
from slmr.results.analysis.selection import Filters, load_results
from slmr_leaderboard.views import {view} as page
from slmr_leaderboard.views.parts import View
page.show(View(load_results(Path({folder!r})), Filters({suite!r}, **{filters!r})))
"""

Draw = Callable[..., AppTest]


@pytest.fixture
def draw(results: Path) -> Draw:
    def run(
        view: str,
        folder: Path = results,
        suite: str = "lab",
        query: dict[str, str] | None = None,
        **filters: object,
    ) -> AppTest:
        script = SCRIPT.format(view=view, folder=str(folder), suite=suite, filters=filters)
        return opened(AppTest.from_string(script, default_timeout=60), query or {})

    return run


def board(app: AppTest) -> str:
    """The first table of a ranking."""
    return next(part for part in html(app).split("\n<div") if 'class="slmr-board"' in part)


LLAMA = {"students": ("lab-llama",)}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    results = make_results(tmp_path_factory.mktemp("shown") / "results")
    (results / "<b>bad").mkdir()
    (results / "<b>bad" / "summary.json").write_text("{")
    with serving(results) as address:
        yield address


@pytest.fixture(scope="module")
def published() -> Iterator[str]:
    """The largest of the published results: figures of 28 methods, two seeds, long names."""
    with serving(Path(__file__).parents[2] / "results" / "lab") as address:
        yield address


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(downloads: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for flag in (*FLAGS, "--window-size=1400,1000", f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(DRIVER)))
    yield driver
    driver.quit()
