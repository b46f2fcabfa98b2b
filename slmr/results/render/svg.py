"""Draws plotly's figures as static SVG: points, lines, stacked bars, intervals, names.

It draws what `slmr.results.render.figures` makes of them, except the flow between groups, which a report lists.
Plotly's own export needs kaleido and a Chrome; a report has to be written where neither is installed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slmr.results.render.html import escape

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_WIDTH, _LETTER = 760, 6.6  # pixels
_TOP, _BOTTOM, _BAR = 14, 46, 14
_DASHES = {"dash": "7 4", "dot": "2 4", "dashdot": "7 3 2 3"}
_ANCHORS = {"right": "start", "left": "end"}
_DOT = re.compile(r'<span style="color:([#\w]+)">●</span> ')  # before the name at the end of a line


@dataclass(frozen=True)
class _Scale:
    """Maps the values of an axis to pixels."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high, value = (math.log10(v) if self.log else v for v in (self.low, self.high, value))
        return round(self.start + (value - low) / ((high - low) or 1.0) * (self.end - self.start), 1)


def captioned(figure: Figure, title: str = "") -> str:
    """The figure below a heading: the given one, else its own title."""
    plot: Any = figure
    heading = escape(title or plot.layout.title.text or "")
    return f"<h3>{heading}</h3><figure>{figure_svg(figure)}</figure>"


def figure_svg(figure: Any) -> str:
    """A plotly figure as SVG of a fixed size, in the text colour of the page."""
    names = _names(figure)
    left = 20 + _LETTER * max(map(len, names), default=5) + (0 if names else 18)
    legend, rows = _legend(figure, left)
    top, height = _TOP + 18 * rows, (figure.layout.height or 400) - 60
    right, bottom = _WIDTH - max(16, figure.layout.margin.r or 0), height - _BOTTOM
    xs, ys = list(_values(figure, "x")), list(_values(figure, "y"))
    log = figure.layout.xaxis.type == "log"
    x = _Scale(*_limits(xs, log), left, right, log)
    flipped = figure.layout.yaxis.autorange == "reversed"
    low, high = (-0.6, len(names) - 0.4) if names else _limits(ys)
    y = _Scale(low, high, top, bottom) if flipped else _Scale(low, high, bottom, top)
    across = (
        _line(x(shape.x0), y.start, x(shape.x0), y.end, "currentColor", 'stroke-dasharray="2 4"')
        for shape in figure.layout.shapes
    )
    parts = [*legend, *_axes(figure, x, y, names), *across, *_bars(figure, x, y, names)]
    for trace in (t for t in figure.data if t.type == "scatter" and len(t.x or ())):
        parts += _scatter(trace, x, y)
    parts += [_end_label(right + 8, y(a.y) + 4, a.text) for a in figure.layout.annotations]
    title = escape(figure.layout.title.text or "")
    return (
        f'<svg class="chart" role="img" aria-label="{title}" width="{_WIDTH}" height="{height}"'
        f' viewBox="0 0 {_WIDTH} {height}">{"".join(parts)}</svg>'
    )


def _names(figure: Any) -> list[str]:
    """The row names of a vertical axis of names, from the bottom, or from the top if it is reversed."""
    axis = figure.layout.yaxis
    return list(map(str, axis.ticktext or axis.categoryarray or ()))


def _values(figure: Any, name: str) -> Iterator[float]:
    """All numbers on an axis, including the bounds of intervals."""
    totals: dict[Any, float] = {}
    for trace in figure.data:
        values = list(trace[name] or ())
        if trace.type == "bar":
            if name == "x":  # bars lie, and are stacked
                for key, value in zip(trace.y, values, strict=True):
                    totals[key] = totals.get(key, 0.0) + value
            continue
        error = trace[f"error_{name}"]
        yield from values
        for bounds, sign in ((error.array, 1), (error.arrayminus, -1)):
            yield from (v + sign * e for v, e in zip(values, () if bounds is None else bounds, strict=False))
    if totals:
        yield from (0.0, *totals.values())
    yield from (a.y for a in figure.layout.annotations if name == "y")
    yield from (s.x0 for s in figure.layout.shapes if name == "x")


def _limits(values: Sequence[float], log: bool = False) -> tuple[float, float]:
    """The range of the data, with a margin."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if log:
        return low * 0.93, high * 1.07
    pad = 0.03 * (high - low) or 0.5
    return (low if low == 0 else low - pad), high + pad


def _ticks(scale: _Scale, most: int = 6) -> list[float]:
    """Round values within the limits."""
    span = scale.high - scale.low
    size = 10 ** math.floor(math.log10(span / most))
    step = next(size * m for m in (1, 2, 5, 10) if span / (size * m) <= most)
    first = math.ceil(scale.low / step)
    return [round((first + i) * step, 10) for i in range(most + 1) if (first + i) * step <= scale.high]


def _axes(figure: Any, x: _Scale, y: _Scale, names: Sequence[str]) -> Iterator[str]:
    top, bottom = min(y.start, y.end), max(y.start, y.end)
    for tick in figure.layout.xaxis.tickvals or _ticks(x):
        yield _line(x(tick), top, x(tick), bottom, "currentColor", 'opacity=".15"')
        yield _text(x(tick), bottom + 16, f"{tick:g}", "middle")
    for i, name in enumerate(names):
        yield _text(x.start - 8, y(i) + 4, name, "end")
    for tick in () if names else _ticks(y):
        yield _line(x.start, y(tick), x.end, y(tick), "currentColor", 'opacity=".15"')
        yield _text(x.start - 8, y(tick) + 4, f"{tick:g}", "end")
    yield _text((x.start + x.end) / 2, bottom + 36, figure.layout.xaxis.title.text or "", "middle")
    middle = (top + bottom) / 2
    if title := figure.layout.yaxis.title.text:
        yield f'<g transform="rotate(-90 12 {middle:.0f})">{_text(12, middle + 4, title, "middle")}</g>'


def _bars(figure: Any, x: _Scale, y: _Scale, names: Sequence[str]) -> Iterator[str]:
    so_far = dict.fromkeys(names, 0.0)
    for trace in (t for t in figure.data if t.type == "bar"):
        for name, value in zip(trace.y, trace.x, strict=True):
            start, so_far[name] = x(so_far[name]), so_far[name] + value
            at = y(names.index(name)) - _BAR / 2
            width = max(x(so_far[name]) - start, 0)
            yield f'<rect x="{start}" y="{at:.1f}" width="{width:.1f}" height="{_BAR}" fill="{trace.marker.color}"/>'


def _scatter(trace: Any, x: _Scale, y: _Scale) -> Iterator[str]:
    colour = trace.line.color or trace.marker.color or "currentColor"
    xs, ys = [x(v) for v in trace.x], [y(v) for v in trace.y]
    if "lines" in trace.mode:
        points = " ".join(f"{a},{b}" for a, b in zip(xs, ys, strict=True))
        dash = f' stroke-dasharray="{_DASHES[trace.line.dash]}"' if trace.line.dash in _DASHES else ""
        width = trace.line.width or 1.8
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}/>'
    for name, scale in (("x", x), ("y", y)):
        error = trace[f"error_{name}"]
        up, down = (() if bounds is None else bounds for bounds in (error.array, error.arrayminus))
        for i, (value, above, below) in enumerate(zip(trace[name], up, down, strict=False)):
            low, high = scale(value - below), scale(value + above)
            ends = (low, ys[i], high, ys[i]) if name == "x" else (xs[i], low, xs[i], high)
            yield _line(*ends, colour, 'opacity=".7"')
    if "markers" in trace.mode:
        yield from (
            f'<circle cx="{a}" cy="{b}" r="{(trace.marker.size or 7) / 2}" fill="{colour}"/>'
            for a, b in zip(xs, ys, strict=True)
        )
    names: Sequence[str] = trace.text or ()
    for a, b, name, position in zip(xs, ys, names, trace.textposition or names, strict=False):
        level, side = position.split()
        below = {"top": -8, "middle": 4, "bottom": 16}[level]
        yield _text(a + {"right": 8, "left": -8}[side], b + below, name, _ANCHORS[side])


def _end_label(x: float, y: float, text: str) -> str:
    """The name at the end of a line, behind a dot of the line's colour if it has one."""
    dot = _DOT.match(text)
    if not dot:
        return _text(x, y, text, "start")
    mark = f'<text x="{x:.0f}" y="{y:.0f}" fill="{dot[1]}">●</text>'
    return mark + _text(x + 14, y, text[dot.end() :], "start")


def _legend(figure: Any, left: float) -> tuple[list[str], int]:
    """The legend of the traces, and its number of lines."""
    parts, at, row = [], left, 0
    for trace in (t for t in figure.data if t.name and t.showlegend is not False):
        wide = 26 + _LETTER * len(trace.name)
        if at + wide > _WIDTH and at > left:
            at, row = left, row + 1
        colour = trace.marker.color or trace.line.color
        parts.append(f'<rect x="{at:.0f}" y="{_TOP + 18 * row - 10}" width="10" height="10" fill="{colour}"/>')
        parts.append(_text(at + 14, _TOP + 18 * row, trace.name, "start"))
        at += wide
    return parts, row + 1 if parts else 0


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, attributes: str) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" {attributes}/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="currentColor">{escape(text)}</text>'
