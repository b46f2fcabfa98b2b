"""Figures and reports in a real browser: no label lies over another, and everything fits a phone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from slmr.results.render.report import write_report
from tests.leaderboard.browsing import as_wide_as, find, idle, needs_browser, overlaps, wait
from tests.made_results import make_results

ROOT = Path(__file__).parents[2]
# Every page with figures, and every look at them.
FIGURES = (
    "curves",
    "curves?look=Tokens",
    "curves?look=Learning+curves",
    "curves?look=One+training",
    "capability",
    "curriculum?method=stagewise",
)
pytestmark = needs_browser


@pytest.fixture(scope="module", params=["made up", "results/lab-quick"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with its figures, of made-up results and of what is published."""
    place = tmp_path_factory.mktemp("report")
    run = make_results(place / "results") / "lab-0" if request.param == "made up" else ROOT / request.param
    write_report([run], place / "out", html=True)
    return place / "out"


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("page", FIGURES)
def test_no_label_of_a_figure_lies_over_another(page: str, width: int, served: str, browser: Any) -> None:
    _nothing_overlaps(f"{served}/{page}", width, browser)


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("page", FIGURES)
def test_no_label_lies_over_another_with_as_many_methods_as_are_published(
    page: str, width: int, published: str, browser: Any
) -> None:
    _nothing_overlaps(f"{published}/{page}", width, browser)


def _nothing_overlaps(address: str, width: int, browser: Any) -> None:
    with as_wide_as(browser, width):
        browser.get(address)
        wait(browser, lambda b: find(b, ".js-plotly-plot .infolayer") and idle(b))
        time.sleep(1)  # figures move into place
        assert overlaps(browser) == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1440])
def test_the_first_screen_of_published_results(width: int, published: str, browser: Any) -> None:
    with as_wide_as(browser, width):
        browser.get(published)
        wait(browser, lambda b: find(b, ".slmr-board tbody tr") and idle(b))
        order = ("h1", ".slmr-verdict", ".slmr-facts", "img.slmr-forest", ".slmr-board")
        tops = [find(browser, css)[0].rect["y"] for css in order]
        assert tops == sorted(tops) and tops[3] < 600
        (table, *_) = find(browser, ".slmr-wrap")
        scrolled = browser.execute_script("return arguments[0].scrollWidth > arguments[0].clientWidth", table)
        mean = find(browser, ".slmr-board td:nth-child(3)")[0].rect
        assert mean["x"] + mean["width"] <= width and (width < 500 or not scrolled)


def test_a_report_is_dark_where_the_reader_wants_it(report: Path, browser: Any) -> None:
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    browser.get((report / "report.html").as_uri())
    colours = [
        browser.find_element("css selector", css).value_of_css_property("background-color")
        for css in ("body", ".slmr-board td.name", ".slmr-board thead th")
    ]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert len(set(colours)) == 1


@pytest.mark.parametrize("width", [390, 1440])
def test_no_label_of_a_report_or_of_a_forest_plot_lies_over_another(width: int, report: Path, browser: Any) -> None:
    with as_wide_as(browser, width):
        _no_label_overlaps_in(report, browser)


def _no_label_overlaps_in(report: Path, browser: Any) -> None:
    browser.get((report / "report.html").as_uri())
    for fold in find(browser, "details"):
        browser.execute_script("arguments[0].open = true", fold)
    assert len(find(browser, "svg text")) > 20 and overlaps(browser) == []
    forests = [image.get_attribute("src") for image in find(browser, "img.slmr-forest")]
    assert forests
    for forest in forests:
        browser.get(forest)
        assert len(find(browser, "text")) > 8 and overlaps(browser) == []
