"""The forest plot of a ranking: a point and an interval a method, as SVG that needs nothing else.

Positions across are shares of the width, so that letters keep their size on a narrow screen.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Sequence
from html import escape as escape_html

from slmr.errors import visible
from slmr.results import colours
from slmr.results.ranking import RankedMethod, Ranking
from slmr.stats import formats

_ROW, _HEAD, _FOOT = 22, 8, 38  # pixels
_LEFT, _RIGHT = 27.0, 71.0  # where the axis starts and ends, in percent of the width
_LETTER, _LEFT_MOST = 1.9, 48.0  # of a name on a phone, likewise; and where the axis starts at most
_INKS = {"light": ("#222222", "#9a9a9a"), "dark": ("#eeeeee", "#777777")}


def forest_svg(
    ranking: Ranking, methods: Sequence[RankedMethod], theme: str = "", width: str = "100%"
) -> str:
    """The methods in this order, with base as a line; what lacks a mean is left out.

    Args:
        theme: `light` or `dark`; without it that of the reader's system.
        width: of the picture: a share, or pixels where it stands alone as a file.
    """
    shown = [m for m in methods if m.accuracy]
    axis = _Axis(shown)
    height, bottom = _height(shown), _height(shown) - _FOOT
    parts = [_style(theme)]
    for tick in axis.ticks:
        x = axis.at(tick)
        parts += [f'<line x1="{x}" x2="{x}" y1="{_HEAD}" y2="{bottom}" class="grid"/>',
                  f'<text x="{x}" y="{bottom + 15}" class="mid small">{tick:g}</text>']  # fmt: skip
    for m in (m for m in ranking.methods if m.kind == "base" and m.accuracy):
        x = axis.at(100 * m.mean)
        parts.append(f'<line x1="{x}" x2="{x}" y1="{_HEAD}" y2="{bottom}" class="base"/>')
    for i, method in enumerate(shown):
        parts += _row(method, axis, _HEAD + _ROW * i + _ROW // 2)
    parts.append(
        f'<text x="{(axis.left + _RIGHT) / 2:.1f}%" y="{bottom + 31}" class="mid small">mean accuracy, %</text>'
    )
    label = escape_html(f"Mean accuracy with 95 % intervals, {visible(ranking.student)}")
    box = "" if width.endswith("%") else f' viewBox="0 0 {width} {height}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" width="{width}" height="{height}"'
        f"{box}>{''.join(parts)}</svg>"
    )


def forest_html(ranking: Ranking, methods: Sequence[RankedMethod], theme: str = "") -> str:
    """The same as a picture in a page, as wide as that; a page that allows no SVG of its own shows it, too."""
    shown = [m for m in methods if m.accuracy]
    if not shown:
        return ""
    svg = forest_svg(ranking, shown, theme)
    alt = escape_html(
        f"Mean accuracy with 95 % intervals, {visible(ranking.student)}; the table has the numbers"
    )
    data, size = b64encode(svg.encode()).decode(), f"height:{_height(shown)}px"
    return f'<img class="slmr-forest" style="{size}" alt="{alt}" src="data:image/svg+xml;base64,{data}">'


def _height(methods: Sequence[RankedMethod]) -> int:
    """Of a picture of so many, in pixels."""
    return _HEAD + _ROW * len(methods) + _FOOT


class _Axis:
    """Percent of accuracy → percent of the width, over what is shown; it starts behind the longest name."""

    def __init__(self, methods: Sequence[RankedMethod]) -> None:
        longest = max((len(visible(m.name)) for m in methods), default=0)
        self.left = min(max(_LEFT, _LETTER * longest), _LEFT_MOST)
        estimates = [m.accuracy for m in methods if m.accuracy]
        low = min((100 * e.low for e in estimates), default=0.0)
        high = max((100 * e.high for e in estimates), default=100.0)
        # A round distance of ticks, of which the span holds at most five.
        self.step = next((step for step in (0.5, 1, 2, 5, 10) if (high - low) / step <= 5), 20)
        self.low = math.floor(low / self.step) * self.step
        self.high = max(math.ceil(high / self.step) * self.step, self.low + self.step)

    @property
    def ticks(self) -> list[float]:
        count = round((self.high - self.low) / self.step)
        return [round(self.low + i * self.step, 6) for i in range(count + 1)]

    def at(self, value: float) -> str:
        share = (value - self.low) / (self.high - self.low)
        return f"{self.left + share * (_RIGHT - self.left):.2f}%"


def _row(method: RankedMethod, axis: _Axis, y: int) -> list[str]:
    e, colour = method.accuracy, colours.OF_KIND[method.kind]
    assert e is not None  # those that lack it are not drawn
    low, high, mean = (axis.at(100 * value) for value in (e.low, e.high, e.mean))
    name = escape_html(visible(method.name))
    return [
        f'<text x="0" y="{y + 4}" class="name">{name}</text>',
        f'<line x1="{low}" x2="{high}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="3" stroke-linecap="round"/>',
        f'<circle cx="{mean}" cy="{y}" r="5" fill="{colour}"/>',
        f'<text x="100%" y="{y + 4}" class="end">{formats.percent(e.mean)}<tspan class="pale"> ('
        f"{formats.interval(e.low, e.high)})</tspan></text>",
    ]  # fmt: skip


def _style(theme: str) -> str:
    """Ink and lines for a light or a dark ground; the numbers of the intervals give way on a narrow screen."""
    light, dark = (
        f"text{{fill:{ink}}}.pale,.small{{fill:{ink};opacity:.75}}.grid{{stroke:{line};opacity:.35}}.base{{stroke:{line}}}"
        for ink, line in (_INKS[name] for name in ("light", "dark"))
    )
    ink = {"light": light, "dark": dark}.get(theme, f"{light}@media(prefers-color-scheme:dark){{{dark}}}")
    return (
        "<style>text{font:13px system-ui,sans-serif}.small,.pale{font-size:11.5px}.mid{text-anchor:middle}"
        ".end{text-anchor:end}.base{stroke-dasharray:4 3}@media(max-width:560px){.pale{display:none}"
        f"text{{font-size:12px}}}}{ink}</style>"
    )
