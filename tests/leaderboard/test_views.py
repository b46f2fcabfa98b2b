"""Every page, drawn by Streamlit's own test driver: what is on it, and that a model's text stays text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slmr_leaderboard.views.parts import LONGEST, NOT_KEPT, plain, text_html
from slmr_leaderboard.views.samples import completion_html
from streamlit.testing.v1 import AppTest

from slmr.results.schema import write_summary
from tests.made_results import html, opened, put_samples, summary_row, verdicts

SCRIPT = """
from pathlib import Path
from slmr.results.selection import Filters, load_results
from slmr_leaderboard.views import {view} as page
from slmr_leaderboard.views.parts import View
page.show(View(load_results(Path({folder!r})), Filters({edition!r}, **{filters!r})))
"""
PAGES = ("board", "compare", "curves", "capability", "curriculum", "samples", "run")
HOSTILE = (
    "<script>alert(1)</script> [a](javascript:alert(1)) ![b](http://x.test/i.png) \x1b[31m‮ **b** $\\frac{"
)

Draw = Callable[..., AppTest]


@pytest.fixture
def draw(results: Path) -> Draw:
    def run(
        view: str,
        folder: Path = results,
        edition: str = "lab",
        query: dict[str, str] | None = None,
        **filters: object,
    ) -> AppTest:
        script = SCRIPT.format(view=view, folder=str(folder), edition=edition, filters=filters)
        return opened(AppTest.from_string(script, default_timeout=60), query or {})

    return run


LLAMA = {"students": ("lab-llama",)}


@pytest.mark.parametrize("view", PAGES)
def test_every_page_has_an_empty_state(view: str, draw: Draw) -> None:
    app = draw(view, students=("nobody",))
    assert app.info[0].value == "No result fits these filters."


@pytest.mark.parametrize("view", PAGES)
def test_every_page_is_drawn_for_models_too(view: str, draw: Draw) -> None:
    draw(view, edition="paper")


@pytest.mark.parametrize("view", PAGES)
def test_every_page_is_drawn_for_methods(view: str, draw: Draw) -> None:
    draw(view)
    draw(view, **LLAMA)


def test_pages_say_what_is_missing(tmp_path: Path, draw: Draw) -> None:
    folder = tmp_path / "bare"
    rows = [put_samples(folder, summary_row(m), verdicts(m, "t", 0.4)) for m in ("base", "grpo")]
    write_summary(folder / "summary.json", rows)
    for view, words in (("curves", "No curve was kept"), ("capability", "Needs many completions"),
                        ("curriculum", "None of these methods has a curriculum"),
                        ("run", "kept no table of its stages")):  # fmt: skip
        assert any(words in info.value for info in draw(view, folder).info), view


def test_compare_says_who_is_better_and_what_flipped(draw: Draw) -> None:
    app = draw("compare", **LLAMA, query={"a": "stagewise", "b": "base"})
    table = app.dataframe[0].value
    assert list(table["task"]) == ["lab_gsm8k", "lab_math", "mean"]
    assert app.text[0].value.startswith("stagewise is better by")
    ways = app.selectbox(key="way")
    assert ways.options == ["better in stagewise", "better in base"]
    assert len(app.selectbox(key="flip").options) == int(table["better in stagewise"][0])
    assert "<mark>" in html(app)
    several = draw("compare", **LLAMA)
    several.multiselect(key="b").set_value(["base", "grpo"]).run()
    assert list(several.dataframe[0].value.iloc[:, 0]) == ["base", "grpo"]


def test_curriculum_shades_tokens_and_marks_the_wrong_step(draw: Draw) -> None:
    text = html(draw("curriculum", **LLAMA))
    assert 'title="5.50 nats"' in text and "&lt;b&gt;3 + 4" in text and "<b>3" not in text
    assert '<span class="wrong">2 * 2 = 5.</span>' in text and "<mark>2 * 2 = 4. #### 4</mark>" in text


def test_samples_are_filtered_searched_and_linked(draw: Draw) -> None:
    app = draw("samples", **LLAMA)
    assert "of 240 completions" in app.caption[0].value
    app.text_input(key="text").set_value("What is 7 apples").run()
    assert "of 2 completions" in app.caption[0].value and "What is 7 apples" in html(app)
    app.text_input(key="text").set_value("nowhere").run()
    assert app.info[0].value.startswith("No completion fits")
    one = draw("samples", **LLAMA, query={"item": "item-3"})
    assert html(one).count("What is") == 1 and "What is 3 apples" in html(one)
    one.button[0].click().run()
    assert "of 240 completions" in one.caption[0].value


def test_an_item_that_is_nowhere_is_no_crash(draw: Draw) -> None:
    app = draw("samples", **LLAMA, query={"item": "../../etc/passwd"})
    assert app.info[0].value == "This cell has no such item."


def test_the_stages_are_a_graph_and_the_command_is_shown(draw: Draw) -> None:
    app = draw("run", **LLAMA, query={"method": "stagewise"})
    assert app.code[0].value == "slmr bench --method stagewise"
    graph = app.get("graphviz_chart")[0].proto.spec
    assert '"a" -> "c"' in graph and 'pool \\"1\\"' in graph and "2 k tokens" in graph


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
    ]  # fmt: skip
    write_summary(folder / "summary.json", rows)
    for view in PAGES:
        app = draw(view, folder)
        assert "<script" not in html(app) and "<img" not in html(app), view
        assert all("](" not in m.value.replace("\\", "") or "\\[" in m.value for m in app.markdown), view
        assert all("\x1b" not in part and len(part) < 10 * LONGEST for part in html(app).split("</div>")), (
            view
        )
    app = draw("samples", folder, query={"latex": "true"})
    assert "more characters" in html(app) and not app.exception


@given(st.text(), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=3))
def test_text_is_whole_and_escaped_whatever_it_holds(text: str, spans: list[tuple[int, int]]) -> None:
    marks, at = [], 0
    for a, b in spans:
        start, end = sorted((max(a, at), max(b, at)))
        marks.append((min(start, len(text)), min(end, len(text))))
        at = end
    shown = text_html(text, marks)
    inside = shown.removeprefix('<div class="slmr-text">').removesuffix("</div>").replace("<mark>", "")
    assert "<" not in inside.replace("</mark>", "") and "\x1b" not in shown
    for letter in "abcxyz0123456789":
        if letter not in "x0123456789abcdef":  # those are in the escapes, too
            assert inside.replace("mark", "").count(letter) >= text.count(letter)


@given(st.text())
def test_a_name_in_markdown_stays_a_name(text: str) -> None:
    assert all(c.isalnum() or c not in "*_[]()<>`$#" for c in plain(text).replace("\\\\", "").split("\\")[0])


def test_a_text_that_was_not_published_is_said_to_be_so() -> None:
    row = {"status": "wrong", "k_index": 1, "lenient": False, "strict": False, "finish_reason": "stop", "tokens": 5,
           "extracted": "2", "reason": "", "prompt": "How many?", "completion": "#### 2"}  # fmt: skip
    assert "#### 2" in completion_html(row) and NOT_KEPT not in completion_html(row)
    without = completion_html({**row, "completion": None})
    assert NOT_KEPT in without and "answered 2" in without
    # Without a licence the caption of the problem says why.
    assert NOT_KEPT not in completion_html({**row, "completion": None, "prompt": None})
