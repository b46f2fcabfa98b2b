"""The history of a training, drawn: a row a step (`slmr.training.curve`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


# Okabe and Ito's palette, told apart by colour-blind readers too.
_BLUE, _RED, _GREEN, _ORANGE, _PURPLE = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7"


def _both(name: str) -> dict[str, tuple[str, str]]:
    return {name: ("training", _BLUE), f"validation_{name}": ("held out", _RED)}


# What is drawn: title, unit, and column -> (label, colour).
_PANELS: tuple[tuple[str, str, dict[str, tuple[str, str]]], ...] = (
    ("Loss", "loss", {"loss": ("training", _BLUE)}),
    ("Reward", "mean", {"reward": ("training", _BLUE)}),
    ("Strict accuracy", "share", _both("accuracy")),
    ("In the requested form", "share", _both("format")),
    ("Length", "tokens", _both("length")),
    ("Cut off", "share", _both("truncated")),
    ("KL to the start", "nats a token", _both("kl")),
    ("Entropy", "nats a token", {"entropy": ("training", _BLUE)}),
    ("Clipped", "share of tokens", {"clip_ratio": ("training", _BLUE)}),
    ("Groups without variance", "share", {"zero_variance": ("training", _BLUE)}),
    (
        "Groups",
        "share",
        {
            "all_right": ("all right", _GREEN),
            "mixed": ("mixed", _ORANGE),
            "all_wrong": ("all wrong", _PURPLE),
        },
    ),
    ("Gradient norm", "norm", {"grad_norm": ("training", _BLUE)}),
)


def plot_curve(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Small multiples over the steps: a panel for each thing that was measured, held-out problems in red."""
    from plotly.subplots import make_subplots

    measured = {name for row in rows for name, value in row.items() if value is not None}
    shown = [panel for panel in _PANELS if measured & set(panel[2])]
    columns = min(3, max(1, len(shown)))
    lines = max(1, -(-len(shown) // columns))
    figure = make_subplots(lines, columns, subplot_titles=[title for title, _, _ in shown])
    named: set[str] = set()
    for i, (_, unit, series) in enumerate(shown):
        row, col = i // columns + 1, i % columns + 1
        for name, (label, colour) in series.items():
            points = [(r["step"], r[name]) for r in rows if r.get(name) is not None]
            if points:
                figure.add_scatter(
                    x=[x for x, _ in points], y=[y for _, y in points], mode="lines+markers", name=label,
                    legendgroup=label, showlegend=label not in named, line={"color": colour}, marker={"size": 4},
                    row=row, col=col,
                )  # fmt: skip
                named.add(label)
        figure.update_xaxes(title_text="step", row=row, col=col)
        figure.update_yaxes(title_text=unit, row=row, col=col)
    return figure.update_layout(height=100 + 280 * lines, template="plotly_white", title="Training")
