"""Takes the pictures of the leaderboard anew: `python docs/pictures.py results`. Needs chromium and its driver."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

IMAGES = Path(__file__).parent / "img"
WIDTH = 1400
# Page and query, the height of the picture in pixels, and what is there once the page is drawn.
PICTURES = {
    "leaderboard": ("", 1000, ".slmr-board tbody tr"),
    "leaderboard-compare": ("compare", 1300, ".slmr-text"),
    "leaderboard-curves": ("curves", 1150, ".js-plotly-plot .scatterlayer"),
    "leaderboard-capability": ("capability", 1500, ".js-plotly-plot .scatterlayer"),
    "leaderboard-curriculum": ("curriculum?method=stagewise", 1900, ".js-plotly-plot .sankey"),
    "leaderboard-samples": ("samples?method=stagewise", 1000, ".slmr-text"),
    "leaderboard-run": ("run?method=stagewise", 1500, '[data-testid="stCode"]'),
}


def main(results: str, *names: str) -> None:
    """Serves the results and takes the named pictures, all if none is named."""
    browser = _browser()
    command = [sys.executable, "-m", "slmr.cli", "leaderboard", "--results", results]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    address = server.stdout.readline().split()[1]
    try:
        _wait(lambda: urlopen(f"{address}/_stcore/health", timeout=1).status == 200)
        for name in names or PICTURES:
            page, height, drawn = PICTURES[name]
            browser.set_window_size(WIDTH, height)
            browser.get(f"{address}/{page}")
            _wait(lambda drawn=drawn: bool(browser.find_elements("css selector", drawn)))
            time.sleep(3)  # figures move into place
            browser.save_screenshot(str(IMAGES / f"{name}.png"))
    finally:
        browser.quit()
        server.terminate()


def _browser() -> Chrome:
    from selenium import webdriver

    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        raise SystemExit("no chromium and chromedriver here")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"):
        options.add_argument(flag)
    return webdriver.Chrome(options, webdriver.ChromeService(driver))


def _wait(until: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if until():
                return
        except OSError:
            pass
        time.sleep(0.25)
    raise SystemExit("the page was not drawn within two minutes")


if __name__ == "__main__":
    main(*sys.argv[1:])
