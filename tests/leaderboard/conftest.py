"""The made-up results, and a page drawn by Streamlit's own test driver, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.made_results import html, opened, results

__all__ = ["results"]

SCRIPT = """
from pathlib import Path
from slmr.results.selection import Filters, load_results
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
