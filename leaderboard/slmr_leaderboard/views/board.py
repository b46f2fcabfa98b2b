"""The board: accuracy with intervals, intervals of ranks, gain, cost; methods of each student, and models apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from slmr.results.columns import HELP, HTML, columns_on
from slmr.results.conclusions import how_ranked
from slmr.results.downloads import as_csv, as_parquet, as_text
from slmr.results.html import STYLE, escape, ranking_html
from slmr.results.ranking import Ranking
from slmr.results.selection import Filters
from slmr.stats.formats import percent
from slmr_leaderboard.views.parts import NO_RESULT, View, is_dark, nothing, plain


def show(view: View) -> None:
    if not view.rankings:
        nothing(NO_RESULT)
        return
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    columns = {c.name: c for ranking in view.rankings for c in columns_on(ranking, HTML)}
    names = [name for name, column in columns.items() if column.holds != "text" and name != "items"]
    sort = left.selectbox("Sort by", names, key="sort", bind="query-params", width=220) or "rank"
    complete = right.toggle(
        "Complete rows only", key="complete", bind="query-params", help="Leaves out what lacks a task."
    )
    st.html(f"<style>{STYLE}</style>")
    shown = [replace(r, methods=r.complete) if complete else r for r in view.rankings]
    for ranking in shown:
        models = ranking.student == "models"
        st.subheader("Models, evaluated as they are" if models else f"Methods on {ranking.student}")
        st.caption(_how_to_read(ranking))
        st.html(ranking_html(ranking, view.filters.kinds, sort, is_dark()))
        for note in ranking.notes:
            st.caption(f":material/info: {plain(note)}")
    _downloads(shown, view.filters, sort)
    with st.expander("What the columns say"):
        says = {name: escape(HELP.get(name, HELP["task"])) for name in columns}
        st.html("".join(f"<p><b>{escape(name)}</b>: {text}</p>" for name, text in says.items()))


def _how_to_read(ranking: Ranking) -> str:
    text = " ".join(["Strict accuracy in percent with its 95 % interval.", *how_ranked(ranking)])
    if ranking.detectable is None:
        return text
    points = percent(ranking.detectable)
    return f"{text} Compared item by item: a difference of {points} points is found four times in five."


def _downloads(shown: Sequence[Ranking], filters: Filters, sort: str) -> None:
    columns = st.columns(4, vertical_alignment="center")
    columns[0].caption("These rows with every interval:")
    kinds = (
        ("CSV", "csv", "text/csv", as_csv),
        ("Parquet", "parquet", "application/vnd.apache.parquet", as_parquet),
        ("Markdown", "md", "text/markdown", as_text),
    )
    for column, (label, ending, mime, write) in zip(columns[1:], kinds, strict=True):
        column.download_button(
            label, partial(write, shown, filters, sort), f"slmr-{filters.suite}.{ending}", mime,
            on_click="ignore", width="stretch",
        )  # fmt: skip  # written when it is clicked
