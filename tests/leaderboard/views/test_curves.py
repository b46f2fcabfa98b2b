"""The page of curves and costs."""

from __future__ import annotations

import pytest

from tests.leaderboard.conftest import Draw

LLAMA = {"students": ("lab-llama",)}


@pytest.mark.parametrize(
    ("look", "title", "figures"),
    [
        ("Accuracy and cost", "Accuracy and cost", 1),
        ("Tokens", "What the tokens were spent on", 1),
        ("Learning curves", "Learning curves", 1),
        ("One training", "One training in detail", 3),
    ],
)
def test_one_figure_is_drawn_at_a_time(look: str, title: str, figures: int, draw: Draw) -> None:
    app = draw("curves", **LLAMA, query={"look": look})
    assert [shown.value for shown in app.subheader] == [title]
    assert len(app.get("plotly_chart")) == figures


def test_a_link_to_a_method_opens_its_training(draw: Draw) -> None:
    app = draw("curves", **LLAMA, query={"method": "grpo"})
    assert app.subheader[0].value == "One training in detail" and app.selectbox(key="method").value == "grpo"


def test_models_have_no_figures(draw: Draw) -> None:
    models = draw("curves", suite="paper")
    assert models.info[0].value.startswith("Models are not trained here") and not models.get("plotly_chart")
