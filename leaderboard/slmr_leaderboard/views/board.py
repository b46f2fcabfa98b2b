"""The board: accuracy and rank with intervals, gain and cost, for each student's methods and for models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple
from urllib.parse import urlencode

import streamlit as st

from slmr.results.analysis.ranking import RankedMethod, Ranking
from slmr.results.export.downloads import as_csv, as_parquet, as_text
from slmr.results.render.columns import HELP, HTML, Column, columns_on, sorted_methods
from slmr.results.render.conclusions import how_ranked
from slmr.results.render.html import STYLE, escape, headline_html, ranking_html
from slmr.stats.formats import percent
from slmr_leaderboard.views.parts import NO_RESULT, View, is_dark, nothing, plain


def show(view: View) -> None:
    if not view.rankings:
        nothing(NO_RESULT)
        return
    st.html(f"<style>{STYLE}</style>")
    first, *others = view.rankings
    _headline(view, first)
    columns = {c.name: c for ranking in view.rankings for c in columns_on(ranking, HTML)}
    options = _options(columns)
    _table(view, first, options)
    for ranking in others:
        _headline(view, ranking)
        _table(view, ranking, options)
    _downloads(view, options)
    with st.expander("What the columns mean"):
        explanations = ((name, HELP.get(name, HELP["task"])) for name in columns)
        st.html("".join(f"<p><b>{escape(name)}</b>: {escape(text)}</p>" for name, text in explanations))


class _Options(NamedTuple):
    """The user's choices for the tables."""

    sort: str
    by_task: bool
    complete: bool

    def of(self, ranking: Ranking) -> Ranking:
        """The ranking with the chosen rows."""
        return replace(ranking, methods=ranking.complete) if self.complete else ranking


def _headline(view: View, ranking: Ranking) -> None:
    st.subheader("Models, evaluated as they are" if ranking.of_models else f"Methods on {ranking.student}")
    st.html(headline_html(ranking, view.kinds(ranking), "dark" if is_dark() else "light"))


def _options(columns: Mapping[str, Column]) -> _Options:
    names = [name for name, column in columns.items() if column.holds != "text" and name != "items"]
    left, middle, right = st.columns([2, 2, 2], vertical_alignment="bottom")
    sort = left.selectbox("Sort by", names, key="sort", bind="query-params", width=220) or "rank"
    by_task = middle.toggle("Accuracy by task", key="by_task", bind="query-params")
    complete = right.toggle(
        "Complete rows only", key="complete", bind="query-params", help="Hides methods that lack a task."
    )
    return _Options(sort, by_task, complete)


def _table(view: View, ranking: Ranking, options: _Options) -> None:
    kinds = view.kinds(ranking)
    st.caption(_how_to_read(ranking))
    by_task = options.by_task or options.sort in ranking.tasks
    links = partial(_links, ranking.student)
    st.html(ranking_html(options.of(ranking), kinds, options.sort, is_dark(), by_task, links))
    if hidden := len(ranking.methods) - len(sorted_methods(ranking, kinds)):
        st.caption(f"{hidden} more, such as ablations and controls, are hidden by the filters in the sidebar.")
    for note in ranking.notes:
        st.caption(f":material/info: {plain(note)}")


def _links(student: str, method: RankedMethod) -> list[tuple[str, str]]:
    """The links of a row, with the filters of the present address."""
    query = {name: st.query_params.get_all(name) for name in st.query_params}
    of_row = {
        "samples": {"method": method.name},
        "curves": {"method": method.name},
        "compare": {"a": method.name},
    }
    if method.kind == "model":
        del of_row["curves"]
    return [
        (page, f"{page}?{urlencode({**query, 'of': student, **selection}, doseq=True)}")
        for page, selection in of_row.items()
    ]


def _how_to_read(ranking: Ranking) -> str:
    text = " ".join(["Strict accuracy in percent with its 95 % interval.", *how_ranked(ranking)])
    if ranking.detectable is None:
        return text
    median, most = map(percent, ranking.detectable)
    wide = f", the noisiest pair {most}" if most != median else ""
    return (
        f"{text} Between two methods compared alone, a true difference of {median} points is detectable with 80 % power"
        f" (median pair{wide})."
    )


def _downloads(view: View, options: _Options) -> None:
    columns = st.columns(4, vertical_alignment="center")
    columns[0].caption("These rows with every interval:")
    kinds = (
        ("CSV", "csv", "text/csv", as_csv),
        ("Parquet", "parquet", "application/vnd.apache.parquet", as_parquet),
        ("Markdown", "md", "text/markdown", as_text),
    )
    suite = view.filters.suite
    rankings = [replace(r, methods=sorted_methods(options.of(r), view.kinds(r), options.sort)) for r in view.rankings]
    for column, (label, ending, mime, write) in zip(columns[1:], kinds, strict=True):
        column.download_button(
            label,
            partial(write, rankings),
            f"slmr-{suite}.{ending}",
            mime,
            on_click="ignore",
            width="stretch",
        )  # written when it is clicked
