"""A real browser, driven by selenium, and what tests ask of the page in it."""

from __future__ import annotations

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

import pytest

BROWSER, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
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
needs_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(not (BROWSER.exists() and DRIVER.exists()), reason="no chromium here"),
]


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


def _wait_for(address: str) -> None:
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
            return
        except OSError:
            time.sleep(0.25)
    pytest.fail("the server did not start within a minute")


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


@contextmanager
def as_wide_as(browser: Any, width: int) -> Iterator[None]:
    """A page of that width: a window alone is never narrower than 500."""
    metrics = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
