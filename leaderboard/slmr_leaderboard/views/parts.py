"""Elements of several pages: choice of methods, texts of a model, figures, tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import streamlit as st

from slmr.config import STAGEWISE
from slmr.errors import RequestError
from slmr.results.analysis.ranking import Ranking
from slmr.results.analysis.selection import Filters, Results, rankings
from slmr.results.render.colours import ORANGE, VERMILLION, tint
from slmr.results.render.columns import sorted_methods
from slmr.results.render.headline import best_of_each_kind, main_kinds
from slmr.results.render.html import escape
from slmr.results.render.tables import texts
from slmr.results.runs.method_results import MethodResult

if TYPE_CHECKING:
    from rich.table import Table

LONGEST = 20_000  # characters of one text that are shown
NO_RESULT = "No result fits these filters."
NOT_KEPT = "text not published, to save space"
TEXT_STYLE = (
    "<style>.slmr-text{white-space:pre-wrap;overflow-wrap:anywhere;font-family:'Source Code Pro',monospace;"
    "font-size:.84rem;line-height:1.5;margin:.1rem 0 .6rem;padding:.55rem .75rem;border-radius:.4rem;"
    "background:rgba(128,128,128,.10)}"
    f".slmr-text mark{{background:{tint(ORANGE, 0.38)};color:inherit;border-radius:2px}}"
    ".slmr-below{font-size:.84rem;opacity:.7;margin-bottom:.8rem}"
    f".slmr-text .wrong{{background:{tint(VERMILLION, 0.34)};border-radius:2px}}</style>"
)

_LEGEND_STYLE = (
    "<style>.slmr-legend{display:flex;flex-wrap:wrap;gap:.1rem 1rem;font-size:.82rem}"
    ".slmr-legend i{display:inline-block;margin-right:.4em;vertical-align:middle}"
    ".slmr-legend .dot{width:.7em;height:.7em;border-radius:50%}.slmr-legend .line{width:1.2em;height:.2em}</style>"
)


@dataclass(frozen=True)
class View:
    """The results and filters of a page."""

    results: Results
    filters: Filters
    aside: bool = False  # with ablations and controls

    @cached_property
    def rankings(self) -> list[Ranking]:
        """A ranking for each student, and one for models."""
        return rankings(self.results, self.filters)

    def method_results(self, ranking: Ranking) -> list[MethodResult]:
        """The shown results of a ranking, the best first, always with base."""
        return self.shown(ranking).results

    def shown(self, ranking: Ranking) -> Ranking:
        """The ranking with only the shown methods."""
        return replace(ranking, methods=sorted_methods(ranking, self.kinds(ranking)))

    def kinds(self, ranking: Ranking) -> tuple[str, ...]:
        """The shown kinds: the picked ones, else all but ablations and controls, unless those are switched on."""
        return self.filters.kinds or (() if self.aside else main_kinds(ranking))


def is_dark() -> bool:
    """Whether the page has a dark background."""
    return st.context.theme.type == "dark"


def nothing(what: str) -> None:
    """Draws the reason why there is nothing to show."""
    st.info(what, icon=":material/search_off:")


def of_one_student(draw_ranking: Callable[[View, Ranking], None]) -> Callable[[View], None]:
    """Makes a page about one student's methods; the student is chosen at its top if there are several."""

    def show(view: View) -> None:
        students = {ranking.student: ranking for ranking in view.rankings}
        if not students:
            nothing(NO_RESULT)
            return
        names = list(students)
        name = (
            names[0]
            if len(names) == 1
            else st.segmented_control("Student", names, default=names[0], key="of", bind="query-params", required=True)
        )
        with faults_as_text():
            draw_ranking(view, students.get(name or names[0], view.rankings[0]))

    return show


@contextmanager
def faults_as_text() -> Iterator[None]:
    """Draws an error about a run's file as text, so that the rest of the page is drawn."""
    try:
        yield
    except RequestError as error:
        st.text(str(error))


def pick(label: str, names: Sequence[str], key: str, first: int = 0, place: Any = st) -> int:
    """Draws a select box in `place` and returns the chosen index, at first `first`; the address keeps the choice."""
    name = place.selectbox(label, names, index=first, key=key, bind="query-params")
    return names.index(name) if name in names else first


def pick_method_and_seed(results: Sequence[MethodResult]) -> tuple[MethodResult, int]:
    """Draws the choice of a result and of one of its seeds, side by side.

    Until another is chosen `stagewise`, and without it the best, which stands first.
    """
    left, right = st.columns(2)
    result = pick_method(results, left)
    return result, pick_seed(result, right)


def pick_method(results: Sequence[MethodResult], place: Any) -> MethodResult:
    """Draws the choice of a result, as `pick_method_and_seed`."""
    names = [result.name for result in results]
    first = names.index(STAGEWISE) if STAGEWISE in names else 0
    return results[pick("Method", names, "method", first, place)]


def pick_seed(result: MethodResult, place: Any) -> int:
    """Draws the choice of a result's seed, if it has several."""
    if len(result.seeds) == 1:
        return result.seeds[0]
    return result.seeds[pick("Training seed", list(map(str, result.seeds)), "one_seed", place=place)]


def text_html(text: str, marks: Sequence[tuple[int, int]] = (), css: str = "mark") -> str:
    """A model's text as escaped HTML with marked spans. A long text is cut, and says so."""
    text = text or "(nothing)"
    visible, parts, at = text[:LONGEST], [], 0
    for start, end in marks:
        if end <= LONGEST:
            inside = escape(visible[start:end])
            marked = f"<mark>{inside}</mark>" if css == "mark" else f'<span class="{css}">{inside}</span>'
            parts += [escape(visible[at:start]), marked]
            at = end
    parts.append(escape(visible[at:]))
    rest = f"\n… and {len(text) - LONGEST:,} more characters" if len(text) > LONGEST else ""
    return f'<div class="slmr-text">{"".join(parts)}{rest}</div>'


def show_text(text: str, marks: Sequence[tuple[int, int]] = (), css: str = "mark") -> None:
    """Draws `text_html`."""
    st.html(TEXT_STYLE + text_html(text, marks, css))


def plain(text: str) -> str:
    """A name or message, escaped for Markdown."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]()<>#+-.!|$~:" else c for c in text)


def draw(figure: Any, alt: str = "") -> None:
    """Draws a figure as wide as the page, in the page's colours, without its title."""
    right = max(20, figure.layout.margin.r or 0)
    height = figure.layout.height - 60 if figure.layout.height else None
    # A legend of plotly's would take its room from the plot, on a phone most of it.
    top = 36 if figure.data and figure.data[0].type == "sankey" else 12
    figure.update_layout(
        template=None,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        title=None,
        height=height,
        margin={"t": top, "b": 50, "l": 60, "r": right},
        showlegend=False,
    )
    if legend := legend_html(figure):
        st.html(_LEGEND_STYLE + legend)
    st.plotly_chart(figure, width="stretch", config={"displayModeBar": False})
    if alt:
        st.caption(alt)


def legend_html(figure: Any) -> str:
    """A legend as HTML: names beside their colours, in lines as wide as the page."""
    chips = {}
    for trace in figure.data:
        if trace.type in ("scatter", "bar") and trace.name and trace.showlegend is not False:
            line = trace.type == "scatter" and "lines" in trace.mode
            css, colour = ("line", trace.line.color) if line else ("dot", trace.marker.color)
            chips[trace.name] = f'<span><i class="{css}" style="background:{colour}"></i>{escape(trace.name)}</span>'
    return f'<div class="slmr-legend">{"".join(chips.values())}</div>' if chips else ""


def pick_lines(names: Sequence[str], ranking: Ranking) -> list[str]:
    """Draws the choice of methods for a figure of lines, at first the best of each kind; returns them in order."""
    first = best_of_each_kind(names, ranking)
    choices = st.multiselect(
        "Methods",
        names,
        default=first,
        key="lines",
        bind="query-params",
        help="At first the best of each kind.",
    )
    return [name for name in names if name in choices] or first


def show_table(table: Table, help: Mapping[str, str] | None = None) -> None:
    """Draws a table as it is on the terminal and in reports; `help`: heading → explanation."""
    heads, *rows = texts(table)
    config = {
        head: st.column_config.TextColumn(help=(help or {}).get(head), alignment=column.justify)
        for head, column in zip(heads, table.columns, strict=True)
        if column.justify in ("left", "right")
    }
    st.dataframe(
        [dict(zip(heads, row, strict=True)) for row in rows],
        hide_index=True,
        placeholder="",
        height="content",
        column_config=config,
    )


def show_folded(table: Table) -> None:
    """Draws a table folded behind its title."""
    with st.expander(str(table.title)):
        show_table(table)
