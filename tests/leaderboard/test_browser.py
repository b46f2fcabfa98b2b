"""`slmr leaderboard` in a real browser: every page, filters, links, downloads, the way back."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.leaderboard.browsing import find, idle, link_to, methods, needs_browser, path, text, wait

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
pytestmark = needs_browser


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


def test_a_link_opens_the_same_view_and_a_filter_changes_it_and_its_address(served: str, browser: Any) -> None:
    browser.get(f"{served}/?student=lab-llama&kind=rl&task=lab_math&sort=tokens&by_task=true&ablations=true")
    wait(browser, lambda b: find(b, ".slmr-board") and len(methods(b)) == 2)
    assert set(methods(browser)) == {"base", "grpo"}
    heads = [cell.text for cell in find(browser, ".slmr-board th")]
    assert "lab_math" in heads and "lab_gsm8k" not in heads
    # The filter's own button takes the kind away; the table and the address follow.
    label = '[data-testid="stMultiSelect"]'
    kind = next(e for e in find(browser, label) if "Kind of method" in e.text)
    kind.find_element("css selector", '[aria-label="Clear all"], [title="Clear all"], [aria-label*="lear"]').click()
    wait(browser, lambda b: len(methods(b)) == 5)
    wait(browser, lambda b: "kind=" not in b.current_url)
    assert "task=lab_math" in browser.current_url


def test_the_way_back(served: str, browser: Any) -> None:
    browser.get(f"{served}/?student=lab-llama")
    wait(browser, lambda b: find(b, ".slmr-board"))
    link = wait(browser, lambda b: next((e for e in find(b, "a") if e.text.strip().endswith("Samples")), None))
    link.click()
    wait(browser, lambda b: "/samples" in b.current_url and "of 240 completions" in text(b))
    browser.back()
    wait(browser, lambda b: "/samples" not in b.current_url and find(b, ".slmr-board"))
    assert "stagewise" in methods(browser)


def kept(browser: Any, chosen: tuple[str, ...]) -> bool:
    return all(part in browser.current_url for part in chosen)


@pytest.mark.parametrize("chosen", FILTERS)
def test_every_filter_keeps_its_address_on_every_page(chosen: tuple[str, ...], served: str, browser: Any) -> None:
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
def test_the_board_is_readable_on_narrow_and_wide_screens(size: tuple[int, int], served: str, browser: Any) -> None:
    browser.set_window_size(*size)
    browser.get(f"{served}/?student=lab-llama")
    (board, *_) = wait(browser, lambda b: find(b, ".slmr-wrap"))
    assert board.rect["width"] <= size[0]  # a wide table scrolls inside of its own frame, not the page
    assert browser.execute_script("return document.body.scrollWidth") <= size[0]
    browser.set_window_size(1400, 1000)
