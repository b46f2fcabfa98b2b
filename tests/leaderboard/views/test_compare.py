"""The comparison page."""

from __future__ import annotations

from tests.leaderboard.conftest import Draw
from tests.made_results import html

LLAMA = {"students": ("lab-llama",)}


def test_it_opens_on_stagewise_and_the_best_baseline(draw: Draw) -> None:
    app = draw("compare", **LLAMA)
    assert app.selectbox(key="a").value == "stagewise" and app.multiselect(key="b").value == ["rft"]


def test_flips_are_stepped_through(draw: Draw) -> None:
    app = draw("compare", **LLAMA)
    items = app.selectbox(key="flip").options
    before, after = app.button
    assert before.disabled and not after.disabled
    after.click().run()
    assert not app.exception and app.selectbox(key="flip").value == items[1]
    app.button[0].click().run()
    assert app.selectbox(key="flip").value == items[0]


def test_compare_says_who_is_better_and_what_flipped(draw: Draw) -> None:
    app = draw("compare", **LLAMA, query={"a": "stagewise", "b": "base"})
    table = app.dataframe[0].value
    assert list(table["task"]) == ["lab_gsm8k", "lab_math", "mean"]
    assert app.text[0].value.startswith("stagewise is better by")
    ways = app.selectbox(key="way")
    assert ways.options == ["only stagewise", "only base"]
    assert len(app.selectbox(key="flip").options) == int(table["only stagewise"][0])
    assert "<mark>" in html(app)
    several = draw("compare", **LLAMA)
    several.multiselect(key="b").set_value(["base", "grpo"]).run()
    assert list(several.dataframe[0].value.iloc[:, 0]) == ["base", "grpo"]
