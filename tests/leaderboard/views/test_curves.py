"""The page of curves and costs."""

from __future__ import annotations

from tests.leaderboard.conftest import Draw

LLAMA = {"students": ("lab-llama",)}


def test_the_figures_of_methods_are_drawn_and_models_have_none(draw: Draw) -> None:
    app = draw("curves", **LLAMA)
    titles = [title.value for title in app.subheader]
    assert titles == [
        "Accuracy and cost", "What the tokens were spent on", "Learning curves", "One training in detail",
    ]  # fmt: skip
    assert len(app.get("plotly_chart")) >= 3
    models = draw("curves", suite="paper")
    assert models.info[0].value.startswith("Models are not trained here") and not models.get("plotly_chart")
