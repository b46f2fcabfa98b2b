"""Figures of a report: cost against accuracy, pass@k, difficulty groups, learning curves, flow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

from slmr.config import UNRANKED, kind_label
from slmr.results.analysis.ranking import RankedMethod, Ranking
from slmr.results.analysis.spending import PARTS
from slmr.results.render import colours
from slmr.results.render.labels import NARROW, RIGHT_ROOM, WIDE, end_labels, place_labels
from slmr.results.runs.schema import grouped

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from slmr.results.analysis.capability import Capability
    from slmr.results.analysis.effects import Factorial
    from slmr.results.analysis.spending import Spending
    from slmr.stats import Estimate

_DASHES = ("solid", "dash", "dot", "dashdot")


def cost_and_accuracy(ranking: Ranking) -> Figure:
    """Mean accuracy against tokens; a line connects the Pareto-optimal methods.

    A name for which there is no room shows when its point is pointed at.
    """
    label_at = _names_beside(ranking.complete)
    figure = _figure()
    for kind, group in grouped(ranking.complete, lambda m: m.kind).items():
        figure.add_scatter(
            x=[m.tokens / 1e6 for m in group],
            y=[100 * m.mean for m in group],
            mode="markers+text",
            name=kind_label(kind),
            text=[m.name if label_at[m.name] else "" for m in group],
            customdata=[m.name for m in group],
            textposition=[label_at[m.name] or "middle right" for m in group],
            hovertemplate="%{customdata}: %{y:.1f} %, %{x:.2f} M tokens<extra></extra>",
            marker={"color": colours.OF_KIND[kind], "size": 9},
            cliponaxis=False,
            error_y=_bounds([m.accuracy for m in group if m.accuracy]),
        )
    front = sorted((m for m in ranking.methods if m.efficient), key=lambda m: m.tokens)
    figure.add_scatter(
        x=[m.tokens / 1e6 for m in front],
        y=[100 * m.mean for m in front],
        mode="lines",
        line={"color": "#666666", "dash": "dot"},
        name="Pareto-optimal",
        hoverinfo="skip",
    )
    figure.update_layout(margin={"r": RIGHT_ROOM})
    return _finished(
        figure,
        f"Cost and accuracy, {ranking.student}",
        560,
        "tokens generated, trained on and taught, millions",
        "mean accuracy over tasks, %",
    )


def name_on_phones(figure: Figure, ranking: Ranking) -> Figure:
    """`cost_and_accuracy` with additional names for phones, drawn last; the page's style shows one of the two sets."""
    label_at = {name: at for name, at in _names_beside(ranking.complete, NARROW).items() if at}
    points = [m for m in ranking.complete if m.name in label_at]
    return figure.add_scatter(
        x=[m.tokens / 1e6 for m in points],
        y=[100 * m.mean for m in points],
        mode="markers+text",
        text=[m.name for m in points],
        textposition=[label_at[m.name] for m in points],
        marker={"size": 9, "opacity": 0},
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
    )


def _names_beside(methods: Sequence[RankedMethod], across: int = WIDE) -> dict[str, str]:
    """Name → its position in a plot of this width; Pareto-optimal methods choose first, then ranked ones."""
    methods = sorted(methods, key=lambda m: (not m.efficient, m.kind in UNRANKED, -m.mean))
    bounds = [100 * bound for m in methods if (e := m.accuracy) for bound in (e.low, e.high)]
    places = place_labels([(m.tokens / 1e6, 100 * m.mean, m.name) for m in methods], bounds, across)
    return dict(zip((m.name for m in methods), places, strict=True))


def tokens_spent(spendings: Sequence[Spending], student: str) -> Figure:
    """The tokens of each method by what they were spent on, the best method on top."""
    methods = [s.method for s in spendings]
    figure = _figure()
    for (part, label), colour in zip(PARTS.items(), colours.PALETTE, strict=False):
        figure.add_bar(
            y=methods,
            x=[getattr(s, part) / 1e6 for s in spendings],
            orientation="h",
            name=label,
            marker_color=colour,
            hovertemplate="%{y}, " + label + ": %{x:.3f} M<extra></extra>",
        )
    figure.update_layout(barmode="stack", legend_traceorder="normal")
    figure.update_yaxes(categoryorder="array", categoryarray=methods[::-1])
    return _finished(
        figure,
        f"What tokens were spent on, {student}",
        200 + 26 * len(spendings),
        "tokens, millions; shared stages in full",
    )


def pass_curves(capabilities: Sequence[Capability], ranking: Ranking) -> Figure:
    """pass@k against k with 95 % intervals, on a logarithmic axis."""
    lines = {e.method: (list(e.passed), [100 * e.passed[k].mean for k in e.passed]) for e in capabilities}
    figure = _lines(lines, ranking, {e.method: list(e.passed.values()) for e in capabilities})
    figure.update_xaxes(type="log", tickvals=list(capabilities[0].passed), tickformat="d")
    return _finished(
        figure,
        f"What can be reached in k tries, {ranking.student}",
        560,
        "k, completions",
        "pass@k, % of items",
    )


def gains_by_difficulty(capabilities: Sequence[Capability], student: str) -> Figure:
    """The gain in accuracy with 95 % intervals, by initial difficulty."""
    figure = _figure()
    methods = [e.method for e in capabilities if e.method != "base"]
    for number, (group, colour) in enumerate(colours.OF_GROUP.items()):
        gains = {e.method: g for e in capabilities for g in e.gains if g.group == group and e.method != "base"}
        if gains:
            figure.add_scatter(
                x=[100 * (g.after.mean - g.before) for g in gains.values()],
                y=[methods.index(method) + 0.22 * (number - 1) for method in gains],
                mode="markers",
                name=f"{group} ({next(iter(gains.values())).items} items)",
                marker={"color": colour, "size": 8},
                error_x=_bounds([g.after for g in gains.values()]),
                customdata=list(gains),
                hovertemplate="%{customdata}: %{x:+.1f} points<extra></extra>",
            )
    _name_lines(figure, methods)
    return _finished(
        figure,
        f"Gain by initial difficulty, {student}",
        160 + 34 * len(methods),
        "points gained, with the 95 % interval",
    )


def effects_by_group(factorial: Factorial) -> Figure:
    """The main effects with 95 % intervals: on the primary outcome, and by the item's level or exposure."""
    figure = _figure()
    outcomes = [factorial.outcomes[0], *factorial.groups]
    lines = [f"{o.outcome} ({o.items} items)" for o in outcomes]
    for number, (effect, colour) in enumerate(zip(factorial.outcomes[0].mains, colours.PALETTE, strict=False)):
        differences = [o.mains[number].difference for o in outcomes]
        figure.add_scatter(
            x=[100 * d.mean for d in differences],
            y=[i + 0.2 * (1 - number) for i in range(len(lines))],
            mode="markers",
            name=effect.name,
            marker={"color": colour, "size": 9},
            error_x=_bounds(differences),
        )
    _name_lines(figure, lines)
    return _finished(
        figure,
        f"What each factor adds, {' and '.join(factorial.students)}",
        160 + 70 * len(lines),
        "main effect, points of accuracy, with its 95 % interval",
    )


def learning_curves(curves: Mapping[str, Sequence[Mapping[str, Any]]], ranking: Ranking) -> Figure:
    """Held-out accuracy during training against the tokens spent so far; `curves`: method → its rows."""
    validated = {
        name: [row for row in rows if row.get("validation_accuracy") is not None] for name, rows in curves.items()
    }
    lines = {
        name: ([p["tokens"] / 1e6 for p in points], [100 * p["validation_accuracy"] for p in points])
        for name, points in validated.items()
    }
    figure = _lines(lines, ranking)
    return _finished(
        figure,
        f"Learning curves, {ranking.student}",
        560,
        "tokens spent so far, millions",
        "accuracy on held-out training problems, %",
    )


def flow(moves: Sequence[Mapping[str, Any]], title: str) -> Figure:
    """A Sankey diagram of how problems moved between difficulty groups and outcomes; `moves` are the table's rows."""
    links = [(_flow_nodes(move), move["n"]) for move in moves]
    order = list(colours.OF_STATE)
    nodes = sorted({node for ends, _ in links for node in ends}, key=lambda n: (n[0], order.index(n[1])))
    phases = [f"round {column // 2 + 1}: {('groups', 'after SFT')[column % 2]}" for column, _ in nodes]
    figure = _figure().add_sankey(
        node={
            "label": [state for _, state in nodes],
            "pad": 18,
            "customdata": [f"{state}, {phase}" for (_, state), phase in zip(nodes, phases, strict=True)],
            "color": [colours.OF_STATE[state] for _, state in nodes],
            "hovertemplate": "%{customdata}<br>%{value} problems<extra></extra>",
        },
        link={
            "source": [nodes.index(start) for (start, _), _ in links],
            "target": [nodes.index(end) for (_, end), _ in links],
            "value": [n for _, n in links],
            "color": colours.tint(colours.GREY, 0.3),
            "hovertemplate": "%{source.customdata} → %{target.customdata}<br>%{value} problems<extra></extra>",
        },
    )
    last = max((column for column, _ in nodes), default=0) or 1
    for phase, column in dict(zip(phases, (column for column, _ in nodes), strict=True)).items():
        figure.add_annotation(x=column / last, y=1.12, xref="paper", yref="paper", showarrow=False, text=phase)
    return _finished(figure, title, 460)


def _flow_nodes(move: Mapping[str, Any]) -> tuple[tuple[int, str], tuple[int, str]]:
    """Where a move starts and ends, as (column, state)."""
    start = 2 * (move["round"] - 1) + (move["to"] == "next")
    return (start, move["before"]), (start + 1, move["after"])


def _lines(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    ranking: Ranking,
    intervals: Mapping[str, Sequence[Estimate]] | None = None,
) -> Figure:
    """One line per method, its name at the end, in the colour of its kind; dashes distinguish methods of a kind."""
    kinds = {m.name: m.kind for m in ranking.methods}
    dashes = {kind: cycle(_DASHES) for kind in set(kinds.values())}
    figure = _figure()
    last = max((x for xs, _ in lines.values() for x in xs), default=1.0)
    bounds = [100 * bound for es in (intervals or {}).values() for e in es for bound in (e.low, e.high)]
    ends = end_labels(lines, bounds)
    for name, (x, y) in lines.items():
        colour = colours.OF_KIND[kinds[name]]
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines+markers",
            name=name,
            line={"color": colour, "dash": next(dashes[kinds[name]])},
            marker={"size": 5},
            showlegend=False,
            error_y=_bounds(intervals[name]) if intervals else None,
        )
        if name in ends:
            _add_end_label(figure, name, colour, (x[-1], y[-1]), (last, ends[name]))
    figure.update_layout(margin={"r": 34 + 7 * max(map(len, ends), default=0)})
    return figure


def _add_end_label(
    figure: Figure, name: str, colour: str, point: tuple[float, float], label: tuple[float, float]
) -> None:
    """Writes a name beside the plot, and draws a thin line to it from a curve's last point that is elsewhere."""
    figure.add_annotation(
        text=f'<span style="color:{colour}">●</span> {name}',
        x=1.01,
        xref="paper",
        xanchor="left",
        y=label[1],
        showarrow=False,
        font={"size": 12},
    )
    if point != label:
        figure.add_scatter(
            x=[point[0], label[0]],
            y=[point[1], label[1]],
            mode="lines",
            hoverinfo="skip",
            showlegend=False,
            line={"color": colour, "width": 0.6},
        )


def _figure() -> Figure:
    import plotly.graph_objects as go  # half a second, of a page that may draw none

    return go.Figure()


def _bounds(estimates: Sequence[Estimate]) -> dict[str, Any]:
    """plotly's error bars, in percent."""
    return {
        "type": "data",
        "symmetric": False,
        "thickness": 1,
        "width": 2,
        "array": [100 * (e.high - e.mean) for e in estimates],
        "arrayminus": [100 * (e.mean - e.low) for e in estimates],
    }


def _name_lines(figure: Figure, names: Sequence[str]) -> None:
    """Labels the rows with names, the first on top, and draws a line at 0."""
    figure.add_vline(x=0, line={"color": colours.GREY, "dash": "dot"})
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=names, autorange="reversed")


def _finished(figure: Figure, title: str, height: int, across: str | None = None, up: str | None = None) -> Figure:
    """The figure with its title and the titles of its axes."""
    figure.update_layout(xaxis_title_text=across, yaxis_title_text=up)
    return figure.update_layout(
        title=title,
        template="plotly_white",
        height=height,
        bargap=0.25,
        legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom"},
    )
