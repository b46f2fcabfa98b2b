"""The history of a training, drawn: a row a step (`slmr.training.curve`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slmr.results.colours import BLUE, GREEN, ORANGE, PURPLE, VERMILLION
from slmr.results.entries import MethodResult

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def validation_curve(result: MethodResult) -> list[dict[str, Any]]:
    """The course of a method's first seed; nothing where it was not validated during training.

    Raises:
        RequestError: the table is damaged.
    """
    rows = result.table("course", result.seeds[0])
    return rows if any(row.get("validation_accuracy") is not None for row in rows) else []


def _both(name: str) -> dict[str, tuple[str, str]]:
    return {name: ("training", BLUE), f"validation_{name}": ("held out", VERMILLION)}


# What is drawn: title, unit, and column -> (label, colour).
_PANELS: tuple[tuple[str, str, dict[str, tuple[str, str]]], ...] = (
    ("Loss", "loss", {"loss": ("training", BLUE)}),
    ("Reward", "mean", {"reward": ("training", BLUE)}),
    ("Strict accuracy", "share", _both("accuracy")),
    ("In the requested form", "share", _both("format")),
    ("Length", "tokens", _both("length")),
    ("Cut off", "share", _both("truncated")),
    ("KL to the start", "nats a token", _both("kl")),
    ("Entropy", "nats a token", {"entropy": ("training", BLUE)}),
    ("Clipped", "share of tokens", {"clip_ratio": ("training", BLUE)}),
    ("Groups without variance", "share", {"zero_variance": ("training", BLUE)}),
    (
        "Groups",
        "share",
        {
            "all_right": ("all right", GREEN),
            "mixed": ("mixed", ORANGE),
            "all_wrong": ("all wrong", PURPLE),
        },
    ),
    ("Gradient norm", "norm", {"grad_norm": ("training", BLUE)}),
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
