"""Prepares what the pages need while the browser opens, the first page first."""

from __future__ import annotations

import time
from concurrent.futures import Future
from pathlib import Path
from threading import Event

from slmr.results.analysis.selection import LOCK, Filters, load_results, rankings
from slmr.results.runs.samples import CachedVerdicts, remember

FIRST_SHOWN = Event()
QUIET = 5  # seconds


def warm(folder: Path, reading: Future[CachedVerdicts]) -> None:
    """Makes the first rankings, then imports the pages.

    Args:
        folder: of the results.
        reading: the completions' verdicts, which another process reads.
    """
    with LOCK:
        results = load_results(folder)
        import scipy.special  # noqa: F401  what comparing needs, while the files are read

        remember(reading.result())
        for suite in results.suites[:1]:
            rankings(results, Filters(suite.name))
    from slmr_leaderboard.views import PAGES, page

    start, *others = (path for _, path, _ in PAGES)
    page(start)
    # What the others import would hold up the first one, and the first clicks on it.
    FIRST_SHOWN.wait()
    time.sleep(QUIET)
    for path in others:
        page(path)
