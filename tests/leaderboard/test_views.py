"""Every page, drawn by Streamlit's own test driver: that it is there, and that a model's text stays text."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

import pytest
from slmr_leaderboard.views.parts import LONGEST
from streamlit.testing.v1 import AppTest

from slmr.results.runs.schema import write_summary
from tests.hostile_results import IN_PART, hostile_results
from tests.leaderboard.conftest import Draw
from tests.made_results import html, put_samples, summary_row, verdicts

# Page → what it says of methods, and of models that are only evaluated.
PAGES = {
    "board": ("Methods on lab-llama", "Models, evaluated as they are"),
    "compare": ("Items that flipped", "A comparison needs two methods"),
    "curves": ("Accuracy and cost", "Models are not trained here"),
    "capability": ("What can be reached in k tries", "Needs many completions"),
    "curriculum": ("How problems moved", "None of these methods has a curriculum"),
    "samples": ("Method", "Method"),
    "run": ("Stages", "The run kept no table of its stages"),
}
HOSTILE = "<script>alert(1)</script> [a](javascript:alert(1)) ![b](http://x.test/i.png) \x1b[31m‮ **b** $\\frac{"
OWN_PICTURE = '<img class="slmr-forest"'
LLAMA = {"students": ("lab-llama",)}


@pytest.mark.parametrize("view", PAGES)
def test_every_page_has_an_empty_state(view: str, draw: Draw) -> None:
    app = draw(view, students=("nobody",))
    assert app.info[0].value == "No result fits these filters."


def words(app: AppTest) -> str:
    """The headings, the labels of the choices, and the remarks of a page."""
    parts = [e.value for e in (*app.subheader, *app.info)] + [e.label for e in app.selectbox]
    return "\n".join(map(str, parts))


@pytest.mark.parametrize("view", PAGES)
def test_every_page_is_drawn_for_models_too(view: str, draw: Draw) -> None:
    assert PAGES[view][1] in words(draw(view, suite="paper"))


@pytest.mark.parametrize("view", PAGES)
def test_every_page_is_drawn_for_methods(view: str, draw: Draw) -> None:
    for filters in ({}, LLAMA):
        assert PAGES[view][0] in words(draw(view, **filters))


def test_pages_say_what_is_missing(tmp_path: Path, draw: Draw) -> None:
    folder = tmp_path / "bare"
    rows = [put_samples(folder, summary_row(m), verdicts(m, "t", 0.4)) for m in ("base", "grpo")]
    write_summary(folder / "summary.json", rows)
    learning = draw("curves", folder, query={"look": "Learning curves"})
    assert "No curves: none of these methods was validated" in words(learning)
    for view, remark in (
        ("capability", "Needs many completions"),
        ("curriculum", "None of these methods has a curriculum"),
        ("run", "kept no table of its stages"),
    ):
        assert remark in words(draw(view, folder)), view


def test_a_hostile_text_stays_text_on_every_page(tmp_path: Path, draw: Draw) -> None:
    folder = tmp_path / "hostile"
    texts = {
        "prompt": HOSTILE,
        "completion": HOSTILE + "x" * 1_000_000,
        "reason": HOSTILE,
        "extracted": HOSTILE,
    }
    rows = [
        put_samples(folder, summary_row(name, command=HOSTILE, **kind), verdicts(name, "t", 0.4)[:3], **texts)
        for name, kind in ((HOSTILE.replace("/", ""), {}), ("base", {}))
    ]
    write_summary(folder / "summary.json", rows)
    for view in PAGES:
        app = draw(view, folder)
        assert "<script" not in html(app) and "<img" not in html(app).replace(OWN_PICTURE, ""), view
        assert all("](" not in m.value.replace("\\", "") or "\\[" in m.value for m in app.markdown), view
        assert all("\x1b" not in part and len(part) < 10 * LONGEST for part in html(app).split("</div>")), view
    app = draw("samples", folder, query={"latex": "true"})
    assert "more characters" in html(app) and not app.exception


def test_every_page_over_hostile_folders_is_drawn_and_says_what_is_wrong(tmp_path: Path, draw: Draw) -> None:
    folder = tmp_path / "hostile"
    hostile_results(folder)
    shown = html(draw("board", folder))
    assert set(re.findall('aria-label="(.*?)"', shown)) == {
        escape(n) for n in ("sound-one", "sound-two", "deep", *IN_PART)
    }
    assert "<script>alert" not in shown
    for view, student in (
        ("capability", "capability-without-columns"),
        ("capability", "capability-is-none"),
        ("curves", "course-without-columns"),
        ("run", "stages-without-columns"),
        ("compare", "no-verdicts"),
        ("compare", "base-lacks-a-task"),
        ("samples", "no-parquet"),
    ):
        app = draw(view, folder, students=(student,), query={"method": "grpo", "task": "lab_math"})
        faults = " ".join(text.value for text in app.text)
        assert student in faults or view in ("compare", "samples"), (view, faults)
