"""`slmr leaderboard` in a real browser: every page, filters, links, downloads, the way back."""

from __future__ import annotations

import csv
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow.parquet as pq
import pytest

from slmr.results.report import write_report
from tests.made_results import make_results

ROOT = Path(__file__).parents[2]

BROWSER, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
# Where a page is done, and what is then on it.
PAGES = {
    "": (".slmr-board tbody tr", "Methods on lab-llama"),
    "compare": (".slmr-text", "stagewise is better by"),
    "curves": (".js-plotly-plot .scatterlayer", "Pareto-optimal"),
    "capability": (".js-plotly-plot .scatterlayer", "What can be reached in k tries"),
    "curriculum": (".js-plotly-plot .sankey", "Bridge: traces before and after"),
    "samples": (".slmr-text", "of 240 completions"),
    "run": ('[data-testid="stCode"]', "slmr bench --method stagewise"),
}
# A value of every filter, as it stands in an address.
# Two walks over the pages: a walk takes half a minute.
FILTERS = (("suite=paper",), ("ablations=true", "student=lab-llama", "kind=rl", "task=lab_math", "seed=0"))
# Every page with figures, and every look at them.
FIGURES = (
    "curves", "curves?look=Tokens", "curves?look=Learning+curves", "curves?look=One+training", "capability",
    "curriculum?method=stagewise",
)  # fmt: skip
# What two labels of one figure have in common, where that is more than their margins.
OVERLAPS = """
const found = [];
for (const svg of document.querySelectorAll('svg')) {
  const boxes = [...svg.querySelectorAll('text')]
    .filter(t => t.closest('svg') === svg && t.textContent.trim() && getComputedStyle(t).visibility !== 'hidden'
                 && getComputedStyle(t).opacity > 0)
    .map(t => [t.textContent, t.getBoundingClientRect()]).filter(([, box]) => box.width > 0);
  boxes.forEach(([name, a], i) => boxes.slice(0, i).forEach(([other, b]) => {
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 1.5 && high > 3) found.push(`${name} over ${other}`);
  }));
}
return found;
"""
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (BROWSER.exists() and DRIVER.exists()), reason="no chromium here"),
]


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
    with serving(ROOT / "results" / "lab") as address:
        yield address


@contextmanager
def serving(results: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "slmr.cli",
        "leaderboard",
        "--results",
        str(results),
        "--port",
        str(port),
    ]
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True, text=True
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline().startswith(f"Leaderboard http://localhost:{port}")
        _wait_for(f"http://localhost:{port}")
        yield f"http://localhost:{port}"
    finally:
        os.killpg(server.pid, 15)
        server.wait(20)


@pytest.fixture(scope="module", params=["made up", "results/lab-quick"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with its figures, of made-up results and of what is published."""
    place = tmp_path_factory.mktemp("report")
    run = make_results(place / "results") / "lab-0" if request.param == "made up" else ROOT / request.param
    write_report([run], place / "out", html=True)
    return place / "out"


def _wait_for(address: str) -> None:
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
            return
        except OSError:
            time.sleep(0.25)
    pytest.fail("the server did not start within a minute")


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


def wait(browser: Any, until: Callable[[Any], Any]) -> Any:
    from selenium.common.exceptions import StaleElementReferenceException
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 60, ignored_exceptions=[StaleElementReferenceException]).until(until)


def find(browser: Any, css: str) -> list[Any]:
    return browser.find_elements("css selector", css)


def text(browser: Any) -> str:
    return browser.find_element("tag name", "body").text


def path(browser: Any) -> str:
    return urlsplit(browser.current_url).path.strip("/")


def link_to(browser: Any, page: str) -> Any:
    """The link to a page in the bar on top; None where it is not drawn yet."""
    links = find(browser, "a")
    return next((e for e in links if e.get_attribute("href").split("?")[0].endswith(f"/{page}")), None)


def idle(browser: Any) -> bool:
    """Whether Streamlit is not at work."""
    return not find(browser, '[data-testid="stStatusWidget"]')


def overlaps(browser: Any) -> list[str]:
    return browser.execute_script(OVERLAPS)


def methods(browser: Any) -> list[str]:
    """The names on the first board."""
    (table, *_) = find(browser, ".slmr-board")
    return [cell.text.split()[0] for cell in table.find_elements("css selector", "tbody td.name")]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_there_without_an_error(page: str, served: str, browser: Any) -> None:
    ready, words = PAGES[page]
    browser.get(f"{served}/{page}?student=lab-llama")
    wait(browser, lambda b: find(b, ready))
    wait(browser, lambda b: words in text(b))
    assert not find(browser, '[data-testid="stException"]')
    assert "lab edition" in text(browser)
    wait(browser, lambda b: "Left out (1)" in text(b))
    assert not find(browser, "b.bad")
    # Streamlit looks for its own configuration below a page's path first.
    own = ("_stcore/health", "_stcore/host-config")
    severe = [e["message"] for e in browser.get_log("browser") if e["level"] == "SEVERE"]
    assert not [message for message in severe if not any(name in message for name in own)]


def test_a_link_opens_the_same_view_and_a_filter_changes_it_and_its_address(
    served: str, browser: Any
) -> None:
    browser.get(f"{served}/?student=lab-llama&kind=rl&task=lab_math&sort=tokens&by_task=true&ablations=true")
    wait(browser, lambda b: find(b, ".slmr-board") and len(methods(b)) == 2)
    assert set(methods(browser)) == {"base", "grpo"}
    heads = [cell.text for cell in find(browser, ".slmr-board th")]
    assert "lab_math" in heads and "lab_gsm8k" not in heads
    # The filter's own button takes the kind away; the table and the address follow.
    label = '[data-testid="stMultiSelect"]'
    kind = next(e for e in find(browser, label) if "Kind of method" in e.text)
    kind.find_element(
        "css selector", '[aria-label="Clear all"], [title="Clear all"], [aria-label*="lear"]'
    ).click()
    wait(browser, lambda b: len(methods(b)) == 5)
    wait(browser, lambda b: "kind=" not in b.current_url)
    assert "task=lab_math" in browser.current_url


def test_the_way_back(served: str, browser: Any) -> None:
    browser.get(f"{served}/?student=lab-llama")
    wait(browser, lambda b: find(b, ".slmr-board"))
    link = wait(
        browser, lambda b: next((e for e in find(b, "a") if e.text.strip().endswith("Samples")), None)
    )
    link.click()
    wait(browser, lambda b: "/samples" in b.current_url and "of 240 completions" in text(b))
    browser.back()
    wait(browser, lambda b: "/samples" not in b.current_url and find(b, ".slmr-board"))
    assert "stagewise" in methods(browser)


def kept(browser: Any, chosen: tuple[str, ...]) -> bool:
    return all(part in browser.current_url for part in chosen)


@pytest.mark.parametrize("chosen", FILTERS)
def test_every_filter_keeps_its_address_on_every_page(
    chosen: tuple[str, ...], served: str, browser: Any
) -> None:
    browser.get(f"{served}/?{'&'.join(chosen)}")
    wait(browser, lambda b: find(b, ".slmr-board") and idle(b))
    for page in [*list(PAGES)[1:], ""]:
        link = wait(browser, lambda b, page=page: link_to(b, page))
        browser.execute_script("arguments[0].click()", link)
        # Streamlit writes the page's path first and what is chosen a moment later.
        wait(browser, lambda b, page=page: path(b) == page and kept(b, chosen) and idle(b))
        assert not find(browser, '[data-testid="stException"]')


def switch_of(browser: Any, label: str) -> Any:
    """A switch at the side; None where it is not drawn yet."""
    return next((e for e in find(browser, '[data-testid="stCheckbox"] label') if label in e.text), None)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_back_undoes_a_filter_on_every_page(page: str, served: str, browser: Any) -> None:
    browser.get(f"{served}/{page}?student=lab-llama")
    wait(browser, lambda b: find(b, PAGES[page][0]) and idle(b))
    wait(browser, lambda b: switch_of(b, "Ablations")).click()
    wait(browser, lambda b: "ablations=true" in b.current_url and idle(b))
    browser.back()
    wait(browser, lambda b: path(b) == page and "ablations" not in b.current_url and idle(b))
    assert "student=lab-llama" in browser.current_url
    wait(browser, lambda b: not find(b, '[data-testid="stCheckbox"] input:checked'))


@contextmanager
def as_wide_as(browser: Any, width: int) -> Iterator[None]:
    """A page of that width: a window alone is never narrower than 500."""
    metrics = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    yield
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


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
def test_no_label_of_a_report_or_of_a_forest_plot_lies_over_another(
    width: int, report: Path, browser: Any
) -> None:
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


@pytest.mark.parametrize("page", [page for page in PAGES if page])
def test_filters_stay_in_the_address_from_page_to_page(page: str, served: str, browser: Any) -> None:
    """A link from before there were suites, too, must not end on another suite's methods."""
    browser.get(f"{served}/?edition=paper")
    wait(browser, lambda b: find(b, ".slmr-board") and "suite=paper" in b.current_url)
    browser.execute_script("arguments[0].click()", link_to(browser, page))
    wait(browser, lambda b: f"/{page}" in b.current_url and "paper edition" in text(b))
    assert "suite=paper" in browser.current_url and "lab-llama" not in text(browser)


def test_back_undoes_a_filter_and_forward_does_it_again(served: str, browser: Any) -> None:
    browser.get(f"{served}/?student=lab-llama")
    wait(browser, lambda b: find(b, ".slmr-board") and len(methods(b)) == 4)
    wait(browser, lambda b: switch_of(b, "Ablations")).click()
    wait(browser, lambda b: len(methods(b)) == 5 and "ablations=true" in b.current_url)
    browser.back()
    wait(browser, lambda b: len(methods(b)) == 4 and "ablations" not in b.current_url)
    browser.forward()
    wait(browser, lambda b: len(methods(b)) == 5 and "student=lab-llama" in b.current_url)


def test_the_whole_table_is_seen_without_scrolling(served: str, browser: Any) -> None:
    browser.set_window_size(1440, 1000)
    browser.get(f"{served}/?student=lab-llama")
    (board, *_) = wait(browser, lambda b: find(b, ".slmr-wrap"))
    assert browser.execute_script("return arguments[0].scrollWidth <= arguments[0].clientWidth", board)
    browser.set_window_size(1400, 1000)


def test_a_sample_has_an_address_of_its_own(served: str, browser: Any) -> None:
    browser.get(f"{served}/samples?student=lab-llama&method=grpo&in_task=lab_math&item=item-9")
    wait(browser, lambda b: "What is 9 apples?" in text(b))
    assert len(find(browser, ".slmr-text")) == 3  # the problem, and two completions


def test_downloads_have_the_rows_that_are_shown(served: str, browser: Any, downloads: Path) -> None:
    browser.get(f"{served}/?student=lab-llama&kind=rl")
    wait(browser, lambda b: len(find(b, '[data-testid="stDownloadButton"] button')) == 3)
    shown = methods(browser)
    for button in find(browser, '[data-testid="stDownloadButton"] button'):
        button.click()
        time.sleep(0.5)  # chromium refuses several downloads at one moment
    files = [downloads / f"slmr-lab.{kind}" for kind in ("csv", "parquet", "md")]
    wait(browser, lambda _: all(file.is_file() for file in files))
    with files[0].open(encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    assert [row["method"] for row in rows] == shown == ["grpo", "base"]
    assert pq.read_table(files[1]).column("method").to_pylist() == shown
    markdown = files[2].read_text(encoding="utf-8")
    assert "| grpo |" in markdown and "stagewise" not in markdown
    assert float(rows[0]["mean low"]) < float(rows[0]["mean"]) < float(rows[0]["mean high"])


@pytest.mark.parametrize("size", [(420, 900), (1400, 1000)])
def test_the_board_is_readable_on_narrow_and_wide_screens(
    size: tuple[int, int], served: str, browser: Any
) -> None:
    browser.set_window_size(*size)
    browser.get(f"{served}/?student=lab-llama")
    (board, *_) = wait(browser, lambda b: find(b, ".slmr-wrap"))
    assert board.rect["width"] <= size[0]  # a wide table scrolls inside of its own frame, not the page
    assert browser.execute_script("return document.body.scrollWidth") <= size[0]
    browser.set_window_size(1400, 1000)
