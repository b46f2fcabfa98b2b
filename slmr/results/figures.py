"""Figures of a report: bars with intervals, cost against accuracy, pass@k, difficulty groups, learning curves, flow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slmr.results.labels import place_labels
from slmr.results.ranking import Board, Standing
from slmr.results.spending import PARTS
from slmr.stats import Estimate

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from slmr.results.capability import Capability
    from slmr.results.spending import Spending

# Okabe and Ito's palette, told apart by colour-blind readers too; a kind keeps its colour in all figures.
KIND_COLOURS = {
    "base": "#7f7f7f", "sft": "#0072B2", "distill": "#56B4E9", "rl": "#E69F00", "sft_rl": "#009E73",
    "stagewise": "#D55E00", "ablation": "#CC79A7", "control": "#882255", "model": "#44AA99",
}  # fmt: skip
GROUP_COLOURS = {"hard": "#D55E00", "medium": "#E69F00", "simple": "#009E73"}
STATE_COLOURS = GROUP_COLOURS | {
    "unsolved": "#882255", "recycled": "#CC79A7", "mixed": "#56B4E9", "solved": "#0072B2",
}  # fmt: skip
_PALETTE = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#8C6D00", "#000000")
_DASHES = ("solid", "dash", "dot", "dashdot")
ASIDE = (
    "ablation",
    "control",
)  # kinds whose lines are drawn on a click in the legend only, where there are others


def bars(board: Board) -> Figure:
    """Mean accuracy of every method with its 95 % interval, the best on top."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for kind, group in _by_kind(board.complete).items():
        figure.add_bar(
            y=[s.name for s in group], x=[100 * s.mean for s in group], orientation="h", name=kind,
            marker_color=KIND_COLOURS[kind], error_x=_errors(_accuracies(group)),
        )  # fmt: skip
    order = [s.name for s in reversed(board.complete)]
    figure.update_yaxes(categoryorder="array", categoryarray=order)
    figure.update_xaxes(title_text="mean accuracy over tasks, %, with its 95 % interval")
    return _finished(figure, f"Accuracy, {board.student}", 120 + 26 * len(order))


def cost_and_accuracy(board: Board) -> Figure:
    """Tokens against mean accuracy; those that nothing cheaper beats are joined.

    A name for which there is no room shows when its point is pointed at.
    """
    import plotly.graph_objects as go

    named = sorted(board.complete, key=lambda s: (not s.efficient, s.kind in ASIDE, -s.mean))
    places = place_labels([(s.tokens / 1e6, 100 * s.mean, s.name) for s in named])
    label_at = dict(zip((s.name for s in named), places, strict=True))
    figure = go.Figure()
    for kind, group in _by_kind(board.complete).items():
        figure.add_scatter(
            x=[s.tokens / 1e6 for s in group], y=[100 * s.mean for s in group], mode="markers+text", name=kind,
            text=[s.name if label_at[s.name] else "" for s in group], customdata=[s.name for s in group],
            textposition=[label_at[s.name] or "middle right" for s in group],
            hovertemplate="%{customdata}: %{y:.1f} %, %{x:.2f} M tokens<extra></extra>",
            marker={"color": KIND_COLOURS[kind], "size": 9}, cliponaxis=False,
            error_y=_errors(_accuracies(group)) | {"thickness": 1, "width": 2},
        )  # fmt: skip
    front = sorted((s for s in board.standings if s.efficient), key=lambda s: s.tokens)
    figure.add_scatter(
        x=[s.tokens / 1e6 for s in front], y=[100 * s.mean for s in front], mode="lines",
        line={"color": "#666666", "dash": "dot"}, name="nothing cheaper is better", hoverinfo="skip",
    )  # fmt: skip
    figure.update_xaxes(title_text="tokens generated, trained on and taught, millions")
    figure.update_yaxes(title_text="mean accuracy over tasks, %")
    return _finished(figure, f"Cost and accuracy, {board.student}", 560)


def what_was_spent(spent: Sequence[Spending], board: Board) -> Figure:
    """Tokens of every method by what they were spent on, the best method on top."""
    import plotly.graph_objects as go

    names = {s.method: s.name for s in board.standings}
    figure = go.Figure()
    for (part, what), colour in zip(PARTS.items(), _PALETTE, strict=False):
        figure.add_bar(
            y=[names[s.method] for s in spent], x=[getattr(s, part) / 1e6 for s in spent], orientation="h", name=what,
            marker_color=colour, hovertemplate="%{y}, " + what + ": %{x:.3f} M<extra></extra>",
        )  # fmt: skip
    figure.update_layout(barmode="stack", legend_traceorder="normal")
    figure.update_yaxes(categoryorder="array", categoryarray=[names[s.method] for s in reversed(spent)])
    figure.update_xaxes(title_text="tokens, millions; shared stages in full")
    return _finished(figure, f"What tokens were spent on, {board.student}", 120 + 26 * len(spent))


def pass_curves(found: Sequence[Capability], board: Board) -> Figure:
    """pass@k against k, on a logarithmic axis."""
    lines = {e.method: (list(e.passed), [100 * e.passed[k].mean for k in e.passed]) for e in found}
    figure = _lines(lines, board)
    figure.update_xaxes(
        type="log", title_text="k, completions", tickvals=list(found[0].passed), tickformat="d"
    )
    figure.update_yaxes(title_text="pass@k, % of items")
    return _finished(figure, f"What can be reached in k tries, {board.student}", 560)


def gains_by_difficulty(found: Sequence[Capability], student: str) -> Figure:
    """Accuracy after training less that before, by what the untrained student could do."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for group, colour in GROUP_COLOURS.items():
        rows = [(e.method, g) for e in found for g in e.gains if g.group == group and e.method != "base"]
        if rows:
            figure.add_bar(
                x=[method for method, _ in rows], y=[100 * (g.after.mean - g.before) for _, g in rows],
                name=f"{group} ({rows[0][1].items} items)", marker_color=colour,
            )  # fmt: skip
    figure.update_yaxes(title_text="accuracy after less before, points")
    return _finished(figure, f"Gain by initial difficulty, {student}", 460)


def learning_curves(curves: Mapping[str, Sequence[Mapping[str, Any]]], board: Board) -> Figure:
    """Held-out accuracy during training against the tokens spent so far; name of an entry → its points."""
    lines = {}
    for name, rows in curves.items():
        points = [row for row in rows if row.get("validation_accuracy") is not None]
        lines[name] = (
            [p["tokens"] / 1e6 for p in points],
            [100 * p["validation_accuracy"] for p in points],
        )
    figure = _lines(lines, board)
    figure.update_xaxes(title_text="tokens spent so far, millions")
    figure.update_yaxes(title_text="accuracy on held-out training problems, %")
    return _finished(figure, f"Learning curves, {board.student}", 560)


def flow(moves: Sequence[Mapping[str, Any]], title: str) -> Figure:
    """How problems moved between difficulty groups and outcomes over the rounds (Sankey): rows of `moves`."""
    import plotly.graph_objects as go

    links = [(_flow_nodes(m), m["n"]) for m in moves]
    nodes = sorted(
        {node for ends, _ in links for node in ends}, key=lambda n: (n[0], list(STATE_COLOURS).index(n[1]))
    )
    place = {node: i for i, node in enumerate(nodes)}
    names = [
        f"{state}, {'groups' if column % 2 == 0 else 'after SFT'} of round {column // 2 + 1}"
        for column, state in nodes
    ]
    figure = go.Figure(
        go.Sankey(
            node={"label": [state for _, state in nodes], "customdata": names, "pad": 18,
                  "color": [STATE_COLOURS[state] for _, state in nodes],
                  "hovertemplate": "%{customdata}<br>%{value} problems<extra></extra>"},
            link={"source": [place[ends[0]] for ends, _ in links], "target": [place[ends[1]] for ends, _ in links],
                  "value": [n for _, n in links], "color": "rgba(128,128,128,0.3)",
                  "hovertemplate": "%{source.customdata} → %{target.customdata}<br>%{value} problems<extra></extra>"},
        )
    )  # fmt: skip
    columns = sorted({column for column, _ in nodes})
    for column in columns:
        what = "groups" if column % 2 == 0 else "after SFT"
        figure.add_annotation(
            x=column / max(columns[-1], 1), y=1.12, xref="paper", yref="paper", showarrow=False,
            text=f"round {column // 2 + 1}: {what}",
        )  # fmt: skip
    return _finished(figure, title, 460)


def _flow_nodes(move: Mapping[str, Any]) -> tuple[tuple[int, str], tuple[int, str]]:
    """Where a move starts and ends, as (column, state)."""
    start = 2 * (move["round"] - 1) + (move["to"] == "next")
    return (start, move["before"]), (start + 1, move["after"])


def as_divs(figures: Sequence[Figure]) -> list[str]:
    """The figures as HTML; the drawing library is in the first, so that they need no network."""
    config = {"displayModeBar": False, "responsive": True}
    return [
        figure.to_html(full_html=False, include_plotlyjs=i == 0, div_id=f"figure-{i}", config=config)
        for i, figure in enumerate(figures)
    ]


def _lines(lines: Mapping[str, tuple[Sequence[float], Sequence[float]]], board: Board) -> Figure:
    """A line an entry, those aside last; colours and dashes repeat only after all of them were used together."""
    import plotly.graph_objects as go

    aside = {s.name for s in board.standings if s.kind in ASIDE} & set(lines)
    figure = go.Figure()
    for i, name in enumerate(sorted(lines, key=lambda name: name in aside)):
        hidden = name in aside and len(aside) < len(lines)
        x, y = lines[name]
        figure.add_scatter(
            x=x, y=y, mode="lines+markers", name=name, visible="legendonly" if hidden else True,
            line={"color": _PALETTE[i % len(_PALETTE)], "dash": _DASHES[i // len(_PALETTE) % len(_DASHES)]},
        )  # fmt: skip
    return figure


def _accuracies(standings: Sequence[Standing]) -> list[Estimate]:
    return [s.accuracy for s in standings if s.accuracy is not None]


def _by_kind(standings: Sequence[Standing]) -> dict[str, list[Standing]]:
    groups: dict[str, list[Standing]] = {}
    for entry in standings:
        groups.setdefault(entry.kind, []).append(entry)
    return groups


def _errors(estimates: Sequence[Estimate]) -> dict[str, Any]:
    return {
        "type": "data", "symmetric": False, "array": [100 * (e.high - e.mean) for e in estimates],
        "arrayminus": [100 * (e.mean - e.low) for e in estimates],
    }  # fmt: skip


def _finished(figure: Figure, title: str, height: int) -> Figure:
    return figure.update_layout(title=title, template="plotly_white", height=height, bargap=0.25)
