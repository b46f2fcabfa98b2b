"""The board as HTML, for the leaderboard and for a report's page, and such a page. Whatever is not ours is escaped."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape as escape_html
from typing import TYPE_CHECKING, Any

from slmr.errors import visible
from slmr.results.entries import UNTRAINED
from slmr.results.figures import KIND_COLOURS
from slmr.results.ranking import Board, Standing
from slmr.stats import Estimate

if TYPE_CHECKING:
    from rich.table import Table


def escape(text: str) -> str:
    """Text as it is, inside of HTML; control characters are visible."""
    return escape_html(visible(text))


EDITIONS = {
    "lab": "lab edition: procedural tasks, tiny students",
    "paper": "paper edition: public benchmarks, pretrained students",
}

HELP = {
    "rank": "1 + how many methods of the same student are significantly better (Holm-corrected, 5 %). Methods that "
            "cannot be told apart share a rank; ablations and controls have none.",
    "method": "The recipe and its kind of training; base is the untrained student.",
    "model": "A model that is evaluated as it is, not trained here.",
    "mean": "Unweighted mean of the tasks' strict accuracies, percent, with its 95 % interval as a bar; the thin line "
            "is base. Blank where a task is missing.",
    "gain": "Mean minus the untrained student's with the same seeds, points, paired by item, ± half its 95 % interval. "
            "* where p < 0.05 after Holm's correction over the methods.",
    "task": "Strict accuracy, percent, ± half its 95 % interval, which is the bar; the thin line is base.",
    "seeds": "Training seeds that the row is over; with one, the intervals know nothing of another training run.",
    "sd": "Standard deviation of the mean from training seed to training seed, points.",
    "tokens": "Tokens generated, trained on and taught; mean over seeds, shared stages in full. ◆ where nothing "
              "cheaper is better.",
    "TFLOP": "6 N per trained token plus 2 N per sampled token, for N parameters, in 10¹² operations.",
    "minutes": "Wall time of all training stages, shared ones in full; mean over seeds.",
    "format loss": "Lenient minus strict accuracy, points: right answers that are not in the requested form.",
    "cut off": "Completions that the token limit cut off, percent.",
    "no answer": "Completions without a readable answer, percent.",
    "items": "Evaluated items over all tasks, times completions of each.",
}  # fmt: skip

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


def document(title: str, parts: Sequence[str]) -> str:
    """A whole page that needs nothing else; the parts are HTML already."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_DOCUMENT_STYLE}{STYLE}</style></head><body>" + "\n".join(parts) + "</body></html>\n"
    )


def table_html(table: Table) -> str:
    """A table of texts as it stands, its title as the caption."""
    sides = ["text" if column.justify == "left" else "" for column in table.columns]

    def line(tag: str, row: Sequence[str]) -> str:
        cells = (
            f'<{tag} class="{side}">{escape(cell)}</{tag}>' for cell, side in zip(row, sides, strict=True)
        )
        return f"<tr>{''.join(cells)}</tr>"

    head, *body = texts(table)
    return (
        f'<div class="slmr-wrap" tabindex="0"><table class="slmr-board"><caption>{escape(str(table.title))}</caption>'
        f"<thead>{line('th', head)}</thead><tbody>{''.join(line('td', row) for row in body)}</tbody></table></div>"
    )


def texts(table: Table) -> list[tuple[str, ...]]:
    """What a table says, the headings first, then row by row."""
    columns = [[str(column.header), *map(str, column.cells)] for column in table.columns]
    return list(zip(*columns, strict=True))


@dataclass(frozen=True)
class Column:
    """One column: its heading and help, the cell of a standing as HTML, and by what to sort, the largest first."""

    name: str
    help: str
    cell: Callable[[Standing], str]
    value: Callable[[Standing], float | None]
    text: bool = False


def board_html(found: Board, kinds: Sequence[str] = (), sort: str = "rank", dark: bool = False) -> str:
    """The board as a table; `kinds` are the kinds of methods shown beside base, all by default."""
    columns = board_columns(found)
    lines = sorted_standings(found, kinds, sort)
    head = "".join(_heading(column) for column in columns)
    body = "".join(
        f'<tr class="{"base" if s.kind == "base" else ""}">' + "".join(_cell(c, s) for c in columns) + "</tr>"
        for s in lines
    )
    theme = " dark" if dark else ""
    return (
        f'<div class="slmr-wrap{theme}" tabindex="0" role="region" aria-label="{escape(found.student)}">'
        f'<table class="slmr-board"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def sorted_standings(found: Board, kinds: Sequence[str] = (), sort: str = "rank") -> list[Standing]:
    """The standings of these kinds, and base; by a column, what it is blank for last."""
    shown = [s for s in found.standings if not kinds or s.kind in (*kinds, "base")]
    if sort == "rank":  # ablations and controls have none: by their mean among the others
        return shown
    column = next((c for c in board_columns(found) if c.name == sort), None)
    if column is None:
        return shown
    known = [(column.value(s), s) for s in shown]
    largest = sorted(((v, s) for v, s in known if v is not None), key=lambda pair: -pair[0])
    return [s for _, s in largest] + [s for v, s in known if v is None]


def board_columns(found: Board) -> list[Column]:
    """The columns of a board, in order; what is the same or blank everywhere is left out."""
    models = all(s.kind == "model" for s in found.standings)
    what = "model" if models else "method"
    rank = Column(
        "rank", HELP["rank"], lambda s: "" if s.rank is None else str(s.rank), lambda s: s.rank and -s.rank
    )
    name = Column(what, HELP[what], _name, lambda s: None, text=True)
    columns = [rank, name, _accuracy_column("mean", HELP["mean"], found, lambda s: s.accuracy)]
    if not models:
        columns.append(Column("gain", HELP["gain"], _gain, lambda s: s.gain.mean if s.gain else None))
    for task in found.tasks:
        of_task = lambda s, task=task: s.by_task.get(task)  # noqa: E731
        columns.append(_accuracy_column(task, f"{task}. {HELP['task']}", found, of_task))
    columns.append(_number("seeds", lambda s: len(s.seeds), "{:.0f}"))
    if any(s.spread is not None for s in found.standings):
        columns.append(_number("sd", lambda s: s.spread, "{:.1f}", 100))
    if not models:
        columns.append(Column("tokens", HELP["tokens"], _tokens, lambda s: -s.tokens))
        columns.append(_number("TFLOP", lambda s: s.flops / 1e12, "{:.2f}"))
        columns.append(_number("minutes", lambda s: s.wall_s / 60, "{:.1f}"))
    columns += [
        _number("format loss", lambda s: rate(s, "format_loss"), "{:.1f}", 100),
        _number("cut off", lambda s: rate(s, "truncated_rate"), "{:.1f}", 100),
        _number("no answer", lambda s: rate(s, "no_answer_rate"), "{:.1f}", 100),
        Column("items", HELP["items"], _items, lambda s: None),
    ]
    return columns


def rate(s: Standing, name: str) -> float:
    """The mean of a rate over an entry's rows."""
    values = [getattr(row, name) for row in s.entry.rows()]
    return math.fsum(values) / len(values)


def _number(name: str, value: Callable[[Standing], float | None], shown: str, scale: float = 1) -> Column:
    def cell(s: Standing) -> str:
        found = value(s)
        return "" if found is None else shown.format(scale * found)

    return Column(name, HELP[name], cell, value)


def _heading(column: Column) -> str:
    label = escape(column.name.removeprefix("lab_"))
    return f'<th scope="col"{_side(column)} title="{escape(column.help)}">{label}</th>'


def _cell(column: Column, s: Standing) -> str:
    return f"<td{_side(column)}>{column.cell(s)}</td>"


def _side(column: Column) -> str:
    return ' class="text name"' if column.text else ""


def _name(s: Standing) -> str:
    chip = f'<span class="chip" style="background:{KIND_COLOURS[s.kind]}"></span>'
    kind = "" if s.kind in (*UNTRAINED, s.name) else f' <span class="small">{escape(s.kind)}</span>'
    return f"{chip}{escape(s.name)}{kind}"


def _accuracy_column(
    name: str, text: str, found: Board, estimate: Callable[[Standing], Estimate | None]
) -> Column:
    estimates = [e for e in map(estimate, found.standings) if e is not None]
    low, high = min((e.low for e in estimates), default=0.0), max((e.high for e in estimates), default=1.0)
    pad = 0.05 * (high - low) or 0.01
    base = next((estimate(s) for s in found.standings if s.kind == "base"), None)

    def place(value: float) -> float:
        return 100 * (value - low + pad) / (high - low + 2 * pad)

    def cell(s: Standing) -> str:
        e = estimate(s)
        if e is None:
            return ""
        colour = KIND_COLOURS[s.kind]
        line = f";--base:{place(base.mean):.1f}%" if base else ""
        return (  # one element a bar, drawn by the style: a board has hundreds
            f'{shown(e)}<div class="slmr-track" style="--low:{place(e.low):.1f}%;'
            f'--wide:{place(e.high) - place(e.low):.1f}%;--mean:{place(e.mean):.1f}%;--colour:{colour}{line}"></div>'
        )

    return Column(name, text, cell, lambda s: (e := estimate(s)) and e.mean)


def shown(e: Estimate) -> str:
    """In percent, with half the interval."""
    return f'{100 * e.mean:.1f} <span class="small">±{100 * e.half:.1f}</span>'


def _gain(s: Standing) -> str:
    if s.gain is None:
        return ""
    star = "*" if s.gain_p is not None and s.gain_p < 0.05 else ""
    return f'{100 * s.gain.mean:+.1f}{star} <span class="small">±{100 * s.gain.half:.1f}</span>'


def _tokens(s: Standing) -> str:
    if not s.tokens:
        return "0"
    mark = "◆ " if s.efficient else ""
    return mark + (f"{s.tokens / 1e6:.2f} M" if s.tokens >= 1e6 else f"{s.tokens / 1e3:.0f} k")


def _items(s: Standing) -> str:
    rows = [row for row in s.entry.rows() if row.seed == s.seeds[0]]
    draws = {row.k for row in rows}
    return f"{sum(row.n_items for row in rows):,}" + (
        f" × {draws.pop()}" if len(draws) == 1 and rows[0].k > 1 else ""
    )


def board_rows(
    found: Board, edition: str, kinds: Sequence[str] = (), sort: str = "rank"
) -> list[dict[str, Any]]:
    """The same lines for a download: every number with its interval in columns of its own, missing ones None."""
    rows = []
    for s in sorted_standings(found, kinds, sort):
        row: dict[str, Any] = {"edition": edition, "student": s.entry.student, "method": s.method, "kind": s.kind,
                               "rank": s.rank}  # fmt: skip
        estimates = {"mean": s.accuracy, **{task: s.by_task.get(task) for task in found.tasks}}
        for name, e in estimates.items():
            row |= dict(zip((name, f"{name} low", f"{name} high"),
                            (100 * e.mean, 100 * e.low, 100 * e.high) if e else (None,) * 3, strict=True))  # fmt: skip
        g = s.gain
        row |= {"gain": g and 100 * g.mean, "gain low": g and 100 * g.low, "gain high": g and 100 * g.high,
                "gain p (Holm)": s.gain_p, "seeds": len(s.seeds),
                "sd of seeds": None if s.spread is None else 100 * s.spread, "tokens": s.tokens,
                "efficient": s.efficient, "flops": s.flops, "seconds": s.wall_s,
                "format loss": 100 * rate(s, "format_loss"), "cut off": 100 * rate(s, "truncated_rate"),
                "no answer": 100 * rate(s, "no_answer_rate"), "items": sum(r.n_items for r in s.entry.rows()),
                "command": s.entry.first.command}  # fmt: skip
        rows.append(row)
    return rows
