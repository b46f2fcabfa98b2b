"""The ranking as HTML, for the leaderboard and for a report's page, and such a page. Others' text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape as escape_html
from typing import TYPE_CHECKING

from slmr.config import kind_label
from slmr.errors import visible
from slmr.results import colours
from slmr.results.columns import HTML, Column, columns_on, sorted_methods
from slmr.results.entries import UNTRAINED
from slmr.results.ranking import RankedMethod, Ranking
from slmr.results.tables import texts
from slmr.stats import Estimate

if TYPE_CHECKING:
    from rich.table import Table

STYLE = """
.slmr-wrap{overflow-x:auto;--bg:#fff;--line:rgba(128,128,128,.28)}
.slmr-wrap.dark{--bg:#171614}
.slmr-board{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;min-width:100%;line-height:1.25}
.slmr-board th,.slmr-board td{padding:.34rem .6rem;text-align:right;white-space:nowrap}
.slmr-board th,.slmr-board td{border-bottom:1px solid var(--line)}
.slmr-board th{font-weight:600;cursor:help;vertical-align:bottom;border-bottom-width:2px}
.slmr-board .text{text-align:left}
.slmr-board .name{position:sticky;left:0;background:var(--bg);z-index:1;font-weight:600}
.slmr-board .small{color:color-mix(in srgb,currentColor 75%,transparent);font-size:.78rem;font-weight:400}
.slmr-board tr.base td{font-style:italic}
.slmr-board tbody tr:hover td{background-color:rgba(128,128,128,.12)}
.slmr-board .chip{display:inline-block;width:.62em;height:.62em;border-radius:50%;margin-right:.45em}
.slmr-track{height:11px;min-width:76px;margin-top:1px;--pale:color-mix(in srgb,var(--colour) 50%,transparent)}
.slmr-track{background:
 linear-gradient(90deg,#0000 calc(var(--mean) - 1px),var(--colour) 0 calc(var(--mean) + 2px),#0000 0) 0 2px/100% 7px,
 linear-gradient(90deg,#0000 var(--low),var(--pale) 0 calc(var(--low) + var(--wide)),#0000 0) 0 3px/100% 5px,
 linear-gradient(currentColor,currentColor) var(--base,-9px) 0/1px 11px,
 linear-gradient(rgba(128,128,128,.16),rgba(128,128,128,.16)) 0 2px/100% 7px;background-repeat:no-repeat}
"""

_DOCUMENT_STYLE = """
:root{color-scheme:light dark}
body{font-family:system-ui,sans-serif;line-height:1.5;margin:0 auto;max-width:1500px}
body{padding:1.2rem clamp(.7rem,3vw,2.5rem)}
h1{font-size:1.6rem}h2{font-size:1.25rem;margin-top:2.2rem}figure{margin:1.4rem 0;background:#fff;color:#222}
caption{caption-side:top;text-align:left;opacity:.8;padding:.3rem 0}pre{overflow-x:auto;padding:.7rem;background:#8882}
.note{opacity:.8;font-size:.9rem}
@media (prefers-color-scheme:dark){body{background:#0e1117;color:#fafafa}.slmr-wrap{--bg:#0e1117}}
"""


def escape(text: str) -> str:
    """Text as it is, inside of HTML; control characters are visible."""
    return escape_html(visible(text))


def document(title: str, parts: Sequence[str]) -> str:
    """A whole page that needs nothing else; the parts are HTML already."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_DOCUMENT_STYLE}{STYLE}</style></head><body>" + "\n".join(parts) + "</body></html>\n"
    )


def note(text: str, label: str = "") -> str:
    """A small paragraph, after a label in bold."""
    return f'<p class="note">{f"<b>{escape(label)}</b>: " if label else ""}{escape(text)}</p>'


def table_html(table: Table) -> str:
    """A table of texts as it stands, its title as the caption."""
    classes = ["text" if column.justify == "left" else "" for column in table.columns]

    def line(tag: str, row: Sequence[str]) -> str:
        cells = (
            f'<{tag} class="{css}">{escape(cell)}</{tag}>' for cell, css in zip(row, classes, strict=True)
        )
        return f"<tr>{''.join(cells)}</tr>"

    head, *body = texts(table)
    caption = f"<caption>{escape(str(table.title))}</caption>"
    return _table_html(f"{caption}<thead>{line('th', head)}</thead>", [line("td", row) for row in body])


def _table_html(head: str, lines: Sequence[str], css: str = "", attributes: str = "") -> str:
    return (
        f'<div class="slmr-wrap{css}" tabindex="0"{attributes}><table class="slmr-board">{head}'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def ranking_html(ranking: Ranking, kinds: Sequence[str] = (), sort: str = "rank", dark: bool = False) -> str:
    """The ranking as a table; `kinds` are the kinds of methods shown beside base, all by default."""
    columns = columns_on(ranking, HTML)
    bars = {column.name: _Bars(column, ranking) for column in columns if column.holds == "accuracy"}
    head = "".join(
        f'<th scope="col"{_css(c)} title="{escape(c.help)}">{escape(c.name.removeprefix("lab_"))}</th>'
        for c in columns
    )
    lines = [
        f'<tr class="{"base" if m.kind == "base" else ""}">'
        + "".join(
            f"<td{_css(c)}>{_cell(c, m)}{bars[c.name].html(m) if c.name in bars else ''}</td>"
            for c in columns
        )
        + "</tr>"
        for m in sorted_methods(ranking, kinds, sort)
    ]
    role = f' role="region" aria-label="{escape(ranking.student)}"'
    return _table_html(f"<thead><tr>{head}</tr></thead>", lines, " dark" if dark else "", role)


def _css(column: Column) -> str:
    return ' class="text name"' if column.holds == "text" else ""


def _cell(column: Column, method: RankedMethod) -> str:
    """The column's text; an interval, or the kind of a method, in small letters."""
    text, paren, small = column.text(method).partition(" (")
    chip = ""
    if column.holds == "text":
        text, paren, small = (
            column.text(method),
            "",
            "" if method.kind in (*UNTRAINED, method.name) else kind_label(method.kind),
        )
        chip = f'<span class="chip" style="background:{colours.OF_KIND[method.kind]}"></span>'
    return (
        chip
        + escape(text)
        + (f' <span class="small">{escape(paren.strip() + small)}</span>' if small else "")
    )


class _Bars:
    """The intervals of a column of accuracies as bars over one range, with base as a thin line."""

    def __init__(self, column: Column, ranking: Ranking) -> None:
        self._of = {m.name: e for m in ranking.methods if isinstance(e := column.value(m), Estimate)}
        estimates = self._of.values()
        self._low = min((e.low for e in estimates), default=0.0)
        self._high = max((e.high for e in estimates), default=1.0)
        self._base = next((self._of.get(m.name) for m in ranking.methods if m.kind == "base"), None)

    def html(self, method: RankedMethod) -> str:
        """One element a bar, drawn by the style: a board has hundreds."""
        e = self._of.get(method.name)
        if e is None:
            return ""
        low, high, mean = map(self._position, (e.low, e.high, e.mean))
        line = f";--base:{self._position(self._base.mean):.1f}%" if self._base else ""
        return (
            f'<div class="slmr-track" style="--low:{low:.1f}%;--wide:{high - low:.1f}%;--mean:{mean:.1f}%;'
            f'--colour:{colours.OF_KIND[method.kind]}{line}"></div>'
        )

    def _position(self, value: float) -> float:
        """In percent of the width."""
        pad = 0.05 * (self._high - self._low) or 0.01
        return 100 * (value - self._low + pad) / (self._high - self._low + 2 * pad)
