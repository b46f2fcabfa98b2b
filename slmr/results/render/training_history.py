"""Draws the history of a training, which has one row per step (`slmr.training.curve`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slmr.results.render.colours import BLUE, GREEN, ORANGE, PURPLE, VERMILLION
from slmr.results.render.html import document, escape
from slmr.results.render.svg import captioned
from slmr.results.runs.method_results import MethodResult

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def validation_curve(result: MethodResult) -> list[dict[str, Any]]:
    """The training history of a method's first seed; empty if it was not validated during training.

    Raises:
        RequestError: the table is damaged.
    """
    rows = result.table("course", result.seeds[0])
    return rows if any(row.get("validation_accuracy") is not None for row in rows) else []


def _training_and_held_out(name: str) -> dict[str, tuple[str, str]]:
    return {name: ("training", BLUE), f"validation_{name}": ("held out", VERMILLION)}


# What is drawn: title, unit, and column -> (label, colour).
_PANELS: tuple[tuple[str, str, dict[str, tuple[str, str]]], ...] = (
    ("Loss", "loss", {"loss": ("training", BLUE)}),
    ("Reward", "mean", {"reward": ("training", BLUE)}),
    ("Strict accuracy", "share", _training_and_held_out("accuracy")),
    ("In the requested form", "share", _training_and_held_out("format")),
    ("Length", "tokens", _training_and_held_out("length")),
    ("Cut off", "share", _training_and_held_out("truncated")),
    ("KL to the start", "nats a token", _training_and_held_out("kl")),
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


def plot_curves(rows: Sequence[Mapping[str, Any]]) -> dict[str, Figure]:
    """Title → a figure over the steps, for all measured columns; held-out problems are red."""
    measured = {name for row in rows for name, value in row.items() if value is not None}
    return {title: _panel(rows, unit, series) for title, unit, series in _PANELS if measured & set(series)}


def curves_page(title: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The figures of `plot_curves` as a self-contained page."""
    panels = [captioned(figure, name) for name, figure in plot_curves(rows).items()]
    return document(title, [f"<h1>{escape(title)}</h1>", *panels])


def _panel(rows: Sequence[Mapping[str, Any]], unit: str, series: Mapping[str, tuple[str, str]]) -> Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    for name, (label, colour) in series.items():
        if points := [(r["step"], r[name]) for r in rows if r.get(name) is not None]:
            figure.add_scatter(
                x=[x for x, _ in points],
                y=[y for _, y in points],
                mode="lines+markers",
                name=label,
                line={"color": colour},
                marker={"size": 4},
                showlegend=len(series) > 1,
            )
    figure.update_xaxes(title_text="step")
    figure.update_yaxes(title_text=unit)
    return figure.update_layout(height=300, template="plotly_white", legend={"orientation": "h", "y": 1.15})
