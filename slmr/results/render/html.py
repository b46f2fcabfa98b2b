"""Writes rankings as HTML for the leaderboard and reports, and whole pages. Text from files is escaped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape as escape_html
from typing import TYPE_CHECKING

from slmr.config import UNTRAINED, kind_label
from slmr.errors import visible
from slmr.results.analysis.ranking import RankedMethod, Ranking
from slmr.results.render import colours
from slmr.results.render.columns import HTML, Column, columns_on, sorted_methods
from slmr.results.render.forest import forest_html
from slmr.results.render.headline import at_chance, facts, verdict
from slmr.results.render.tables import texts
from slmr.stats import Estimate

if TYPE_CHECKING:
    from rich.table import Table

STYLE = """
.slmr-wrap{overflow:auto;max-height:85vh;--bg:#fff;--line:rgba(128,128,128,.28)}
.slmr-wrap.dark{--bg:#171614}
.slmr-board{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;min-width:100%;line-height:1.25}
.slmr-board th,.slmr-board td{padding:.3rem .42rem;text-align:right;white-space:nowrap}
.slmr-board th,.slmr-board td{border-bottom:1px solid var(--line)}
.slmr-board th{font-weight:600;cursor:help;vertical-align:bottom;border-bottom-width:2px;white-space:normal}
.slmr-board thead th{position:sticky;top:0;background:var(--bg);z-index:2}
.slmr-board .text{text-align:left}
.slmr-board .name{position:sticky;left:0;background:var(--bg);z-index:1;font-weight:600}
.slmr-board thead th.name{z-index:3}
.slmr-board .open a{margin-right:.6em;font-size:.78rem;font-weight:400;color:inherit;opacity:.85}
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
.slmr-verdict{font-size:1.1rem;line-height:1.4;margin:0 0 .6rem;max-width:75rem}
.slmr-facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:.6rem;margin:0 0 .8rem}
.slmr-facts>div{border:1px solid rgba(128,128,128,.35);border-radius:.4rem;padding:.45rem .7rem;line-height:1.3}
.slmr-facts b{display:block;font-size:1.25rem;overflow-wrap:anywhere}
.slmr-facts span{font-size:.85rem;opacity:.85}
@media(max-width:560px){.slmr-verdict{font-size:1rem}
.slmr-facts{grid-template-columns:repeat(3,1fr);gap:.3rem}.slmr-facts>div{padding:.3rem .4rem}
.slmr-facts b{font-size:.95rem}.slmr-facts span{font-size:.74rem}
.slmr-board th,.slmr-board td{padding:.3rem}
.slmr-board .name{min-width:8rem;max-width:9.5rem;overflow-wrap:anywhere;white-space:normal}
.slmr-board .open{white-space:nowrap}.slmr-board .open a{margin-right:.4em}}
.slmr-forest{display:block;width:100%;max-width:70rem}
"""

_DOCUMENT_STYLE = """
:root{color-scheme:light dark}
body{font-family:system-ui,sans-serif;line-height:1.5;margin:0 auto;max-width:1300px;background:#fff;color:#1c1c1c}
body{padding:1.2rem clamp(.7rem,3vw,2.5rem);overflow-wrap:break-word}
h1{font-size:1.6rem;margin:0 0 .4rem}h2{font-size:1.25rem;margin:1.4rem 0 .4rem}h3{font-size:1rem;margin:1.2rem 0 0}
figure{margin:.4rem 0 1rem;overflow-x:auto}.chart{font:12px system-ui,sans-serif;min-width:640px;max-width:100%}
caption{caption-side:top;text-align:left;opacity:.85;padding:.3rem 0}
pre{overflow:auto;max-height:60vh;padding:.7rem;background:#8882}
details{border-top:1px solid #8885;padding:.35rem 0}summary{cursor:pointer;font-weight:600}
.note{opacity:.85;font-size:.9rem;margin:.4rem 0}
footer{border-top:1px solid #8885;margin-top:1rem;padding:.6rem 0;font-size:.85rem}
@media (prefers-color-scheme:dark){body{background:#0e1117;color:#fafafa}.slmr-wrap{--bg:#0e1117}}
"""


def escape(text: str) -> str:
    """Escapes text for HTML, and makes control characters visible."""
    return escape_html(visible(text))


def document(title: str, parts: Sequence[str]) -> str:
    """A self-contained page; `parts` are HTML."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}{_DOCUMENT_STYLE}</style></head><body>" + "\n".join(parts) + "</body></html>\n"
    )


def note(text: str, label: str = "") -> str:
    """A small paragraph, after a label in bold."""
    return f'<p class="note">{f"<b>{escape(label)}</b>: " if label else ""}{escape(text)}</p>'


def folded(title: str, html: str) -> str:
    """HTML that is shown when its title is clicked."""
    return f"<details><summary>{escape(title)}</summary>{html}</details>"


def table_html(table: Table) -> str:
    """The table as HTML, with its title as the caption."""
    classes = ["text" if column.justify == "left" else "" for column in table.columns]

    def line(tag: str, row: Sequence[str]) -> str:
        cells = (f'<{tag} class="{css}">{escape(cell)}</{tag}>' for cell, css in zip(row, classes, strict=True))
        return f"<tr>{''.join(cells)}</tr>"

    head, *body = texts(table)
    caption = f"<caption>{escape(str(table.title))}</caption>"
    return _table_html(f"{caption}<thead>{line('th', head)}</thead>", [line("td", row) for row in body])


def _table_html(head: str, lines: Sequence[str], css: str = "", attributes: str = "") -> str:
    return (
        f'<div class="slmr-wrap{css}" tabindex="0"{attributes}><table class="slmr-board">{head}'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def headline_html(ranking: Ranking, kinds: Sequence[str] = (), theme: str = "") -> str:
    """The verdict in a sentence, three figures, and the forest plot of the methods of these kinds."""
    tiles = "".join(
        f"<div><span>{escape(f.label)}</span><b>{escape(f.value)}</b><span>{escape(f.remark)}</span></div>"
        for f in facts(ranking)
    )
    sentence = f'<p class="slmr-verdict">{escape(verdict(ranking))}</p>'
    below = "".join(map(note, at_chance(ranking)))
    forest = forest_html(ranking, sorted_methods(ranking, kinds), theme) if len(ranking.complete) > 1 else ""
    return f'{sentence}<div class="slmr-facts">{tiles}</div>{forest}{below}'


def ranking_html(
    ranking: Ranking,
    kinds: Sequence[str] = (),
    sort: str = "rank",
    dark: bool = False,
    by_task: bool = True,
    links: Callable[[RankedMethod], Sequence[tuple[str, str]]] = lambda _: (),
) -> str:
    """The ranking as a table.

    Args:
        kinds: the kinds of methods shown beside base, all by default.
        sort: the name of the column to sort by.
        by_task: with the columns of the tasks.
        links: of a method, each what it leads to and its address, shown below the name.
    """
    task_columns = () if by_task else {*ranking.tasks, *ranking.other_tasks}
    columns = [column for column in columns_on(ranking, HTML) if column.name not in task_columns]
    bars = {column.name: _Bars(column, ranking) for column in columns if column.holds == "accuracy"}
    head = "".join(f'<th scope="col"{_css(c)} title="{escape(c.help)}">{escape(c.name)}</th>' for c in columns)
    lines = [
        f'<tr class="{"base" if m.kind == "base" else ""}">'
        + "".join(
            f"<td{_css(c)}>{_cell(c, m)}{bars[c.name].html(m) if c.name in bars else ''}"
            f"{_links(links(m)) if c.holds == 'text' else ''}</td>"
            for c in columns
        )
        + "</tr>"
        for m in sorted_methods(ranking, kinds, sort)
    ]
    role = f' role="region" aria-label="{escape(ranking.student)}"'
    return _table_html(f"<thead><tr>{head}</tr></thead>", lines, " dark" if dark else "", role)


def _links(links: Sequence[tuple[str, str]]) -> str:
    if not links:
        return ""
    anchors = (f'<a href="{escape(address)}" target="_self">{escape(label)}</a>' for label, address in links)
    return f'<div class="open">{"".join(anchors)}</div>'


def _css(column: Column) -> str:
    return ' class="text name"' if column.holds == "text" else ""


def _cell(column: Column, method: RankedMethod) -> str:
    """A cell's text; an interval, or a method's kind, is in small letters."""
    text, paren, small = column.text(method).partition(" (")
    chip = ""
    if column.holds == "text":
        text, paren, small = (
            column.text(method),
            "",
            "" if method.kind in (*UNTRAINED, method.name) else kind_label(method.kind),
        )
        chip = f'<span class="chip" style="background:{colours.OF_KIND[method.kind]}"></span>'
    content = escape(text)
    return (
        chip
        + (content.replace("_", "_<wbr>") if chip else content)  # on a phone a name is broken there only
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
        """The bar of a method: a single element, drawn by the style, because a board has hundreds."""
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
        """The position of a value, in percent of the width."""
        pad = 0.05 * (self._high - self._low) or 0.01
        return 100 * (value - self._low + pad) / (self._high - self._low + 2 * pad)
