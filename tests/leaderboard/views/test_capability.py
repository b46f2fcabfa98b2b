"""The page of what was learnt and forgotten."""

from __future__ import annotations

from tests.leaderboard.conftest import Draw

LLAMA = {"students": ("lab-llama",)}


def test_of_each_kind_the_best_is_drawn_until_others_are_picked(draw: Draw) -> None:
    app = draw("capability", **LLAMA)
    picked = app.multiselect(key="lines")
    assert {"base", "stagewise"} <= set(picked.value) <= set(picked.options)
    app.multiselect(key="lines").set_value(["base"]).run()
    assert not app.exception and app.multiselect(key="lines").value == ["base"]


def test_gains_by_difficulty_pass_at_k_and_by_task(draw: Draw) -> None:
    app = draw("capability", **LLAMA)
    titles = [title.value for title in app.subheader]
    assert titles == [
        "Gain by initial difficulty",
        "What can be reached in k tries",
        "Gain and forgetting by task",
    ]
    assert len(app.get("plotly_chart")) == 2 and len(app.dataframe) == 3
