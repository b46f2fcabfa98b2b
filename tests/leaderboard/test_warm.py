"""What is made before the first page is asked for."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

import pytest
from slmr_leaderboard import warm

from slmr.results.analysis import selection
from slmr.results.runs import samples
from slmr.results.runs.samples import CachedVerdicts, read_below


def test_the_rankings_that_the_app_opens_with_are_there(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading: Future[CachedVerdicts] = Future()
    reading.set_result(read_below(results))
    monkeypatch.setattr(warm, "QUIET", 0)
    monkeypatch.setattr(samples, "_read", lambda file: pytest.fail(f"{file} is read again"))
    warm.FIRST_SHOWN.set()
    warm.warm(results, reading)
    hits = selection._rankings.cache_info().hits
    loaded = selection.load_results(results)
    assert selection.rankings(loaded, selection.Filters("lab"))
    assert selection._rankings.cache_info().hits == hits + 1
