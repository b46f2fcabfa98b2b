"""The forest plot of a ranking as SVG: a point and an interval for each method.

Positions across are shares of the width, so that letters keep their size on a narrow screen.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Sequence
from html import escape as escape_html

from slmr.errors import visible
from slmr.results.analysis.ranking import RankedMethod, Ranking
from slmr.results.render import colours
from slmr.stats import formats

_ROW, _HEAD, _FOOT = 20, 6, 38  # pixels
_LEFT_MOST = 48.0  # where the axis starts at most, in percent of the width
# Where the plot is on a screen, in percent of the picture's width: how wide a letter of a name is, where the axis
# starts at least, and where it ends.
_SCREENS = {"narrow": (2.0, 18.0, 87.0), "usual": (1.4, 16.0, 74.0), "wide": (0.9, 12.0, 84.0)}
_INKS = {"light": ("#222222", "#9a9a9a"), "dark": ("#eeeeee", "#777777")}


def forest_svg(ranking: Ranking, methods: Sequence[RankedMethod], theme: str = "", width: str = "100%") -> str:
    """The methods in this order, with base as a line; methods without a mean are left out.

    Args:
        theme: `light` or `dark`; without it that of the reader's system.
        width: of the picture: a share, or pixels where it stands alone as a file.
    """
    methods = [m for m in methods if m.accuracy]
    height, heights = _height(methods), [_HEAD + _ROW * i + _ROW // 2 for i in range(len(methods))]
    names = [text for method, y in zip(methods, heights, strict=True) for text in _texts(method, y)]
    plot = "".join(_plot(ranking, methods, heights))
    symbol = f'<symbol id="plot" overflow="visible">{plot}</symbol>'
    parts = [_style(theme), *names, symbol, *_placed(methods, height)]
    label = escape_html(f"Mean accuracy with 95 % intervals, {visible(ranking.student)}")
    box = "" if width.endswith("%") else f' viewBox="0 0 {width} {height}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" width="{width}" height="{height}"'
        f"{box}>{''.join(parts)}</svg>"
    )


def forest_html(ranking: Ranking, methods: Sequence[RankedMethod], theme: str = "") -> str:
    """The plot as an image element of full width, which also works in pages that do not allow inline SVG."""
    methods = [m for m in methods if m.accuracy]
    if not methods:
        return ""
    svg = forest_svg(ranking, methods, theme)
    alt = escape_html(f"Mean accuracy with 95 % intervals, {visible(ranking.student)}; the table has the numbers")
    data, size = b64encode(svg.encode()).decode(), f"height:{_height(methods)}px"
    return f'<img class="slmr-forest" style="{size}" alt="{alt}" src="data:image/svg+xml;base64,{data}">'


def _height(methods: Sequence[RankedMethod]) -> int:
    """The height of the picture, in pixels."""
    return _HEAD + _ROW * len(methods) + _FOOT


def _placed(methods: Sequence[RankedMethod], height: int) -> list[str]:
    """The plot to the right of the longest name, for each screen width; the style shows the one that fits."""
    longest = max((len(visible(m.name)) for m in methods), default=0)
    uses = []
    for screen, (letter, least, end) in _SCREENS.items():
        start = min(max(least, letter * longest + 1), _LEFT_MOST)
        uses.append(
            f'<use href="#plot" class="{screen}" x="{start:.1f}%" width="{end - start:.1f}%" height="{height}"/>'
        )
    return uses


def _plot(ranking: Ranking, methods: Sequence[RankedMethod], heights: Sequence[int]) -> list[str]:
    """Axis, base and intervals, in percent of the plot's own width."""
    axis, bottom = _Axis(methods), _height(methods) - _FOOT
    parts = []
    for tick in axis.ticks:
        x = axis.at(tick)
        parts += [
            f'<line x1="{x}" x2="{x}" y1="{_HEAD}" y2="{bottom}" class="grid"/>',
            f'<text x="{x}" y="{bottom + 15}" class="mid small">{tick:g}</text>',
        ]
    base = [m for m in ranking.methods if m.kind == "base" and m.accuracy]
    for x in (axis.at(100 * m.mean) for m in base):
        parts.append(f'<line x1="{x}" x2="{x}" y1="{_HEAD}" y2="{bottom}" class="base"/>')
    for method, y in zip(methods, heights, strict=True):
        parts += _interval(method, axis, y)
    label = "mean accuracy, %" + ("; dashed: base" if base else "")
    return [*parts, f'<text x="50%" y="{bottom + 31}" class="mid small">{label}</text>']


class _Axis:
    """Maps accuracy in percent to percent of the plot's width, with a margin, within 0 to 100."""

    def __init__(self, methods: Sequence[RankedMethod]) -> None:
        estimates = [m.accuracy for m in methods if m.accuracy]
        low = min((100 * e.low for e in estimates), default=0.0)
        high = max((100 * e.high for e in estimates), default=100.0)
        margin = max(0.03 * (high - low), 0.25)
        self.low, self.high = max(low - margin, 0.0), min(high + margin, 100.0)
        span = self.high - self.low
        # A round distance of ticks, of which the span holds at most five.
        self.step = next((step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10) if span / step <= 5), 20)

    @property
    def ticks(self) -> list[float]:
        lowest, highest = math.ceil(self.low / self.step), math.floor(self.high / self.step)
        return [round(i * self.step, 6) for i in range(lowest, highest + 1)]

    def at(self, value: float) -> str:
        return f"{100 * (value - self.low) / (self.high - self.low):.2f}%"


def _texts(method: RankedMethod, y: int) -> list[str]:
    """The name on the left, the numbers on the right."""
    e = method.accuracy
    assert e is not None  # those that lack it are not drawn
    return [
        f'<text x="0" y="{y + 4}" class="name">{escape_html(visible(method.name))}</text>',
        f'<text x="100%" y="{y + 4}" class="end">{formats.percent(e.mean)}<tspan class="pale"> ('
        f"{formats.interval(e.low, e.high)})</tspan></text>",
    ]


def _interval(method: RankedMethod, axis: _Axis, y: int) -> list[str]:
    e, colour = method.accuracy, colours.OF_KIND[method.kind]
    assert e is not None  # those that lack it are not drawn
    low, high, mean = (axis.at(100 * value) for value in (e.low, e.high, e.mean))
    return [
        f'<line x1="{low}" x2="{high}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="3" stroke-linecap="round"/>',
        f'<circle cx="{mean}" cy="{y}" r="5" fill="{colour}"/>',
    ]


def _style(theme: str) -> str:
    """The style for a light or a dark background; a narrow screen hides the numbers of the intervals."""
    light, dark = (
        f"text{{fill:{ink}}}.pale,.small{{fill:{ink};opacity:.75}}.grid{{stroke:{line};opacity:.35}}.base{{stroke:{line}}}"
        for ink, line in (_INKS[name] for name in ("light", "dark"))
    )
    ink = {"light": light, "dark": dark}.get(theme, f"{light}@media(prefers-color-scheme:dark){{{dark}}}")
    return (
        "<style>text{font:13px system-ui,sans-serif}.small,.pale{font-size:11.5px}.mid{text-anchor:middle}"
        ".end{text-anchor:end}.base{stroke-dasharray:4 3}.narrow,.wide{display:none}"
        "@media(max-width:560px){.pale,.usual{display:none}.narrow{display:inline}text{font-size:12px}}"
        f"@media(min-width:900px){{.usual{{display:none}}.wide{{display:inline}}}}{ink}</style>"
    )
