"""The board: accuracy with intervals, shared ranks, gain, cost; methods of each student, and models apart."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from slmr.results.html import (
    HELP,
    STYLE,
    board_columns,
    board_html,
    board_rows,
    escape,
    sorted_standings,
)
from slmr.results.ranking import Board
from slmr.results.selection import Filters
from slmr_leaderboard.pages.parts import View, is_dark, nothing, plain


def show(view: View) -> None:
    if not view.boards:
        nothing("No result fits these filters.")
        return
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    columns = {c.name: c for found in view.boards for c in board_columns(found)}
    names = [name for name, column in columns.items() if not column.text and name != "items"]
    sort = left.selectbox("Sort by", names, key="sort", bind="query-params", width=220) or "rank"
    complete = right.toggle(
        "Complete rows only", key="complete", bind="query-params", help="Leaves out what lacks a task."
    )
    st.html(f"<style>{STYLE}</style>")
    shown = [replace(found, standings=found.complete) if complete else found for found in view.boards]
    for found in shown:
        st.subheader(
            "Models, evaluated as they are" if found.student == "models" else f"Methods on {found.student}"
        )
        st.caption(_how_to_read(found))
        st.html(board_html(found, view.filters.kinds, sort, is_dark()))
        for note in found.notes:
            st.caption(f":material/info: {plain(note)}")
    _downloads(shown, view.filters, sort)
    with st.expander("What the columns say"):
        says = {name: escape(HELP.get(name, HELP["task"])) for name in columns}
        st.html("".join(f"<p><b>{escape(name)}</b>: {text}</p>" for name, text in says.items()))


def _how_to_read(found: Board) -> str:
    parts = ["Strict accuracy in percent with its 95 % interval; methods of one rank cannot be told apart."]
    if found.detectable is not None:
        parts.append(
            f"Compared item by item: a difference of {100 * found.detectable:.1f} points is found four times in five."
        )
    return " ".join(parts)


def _downloads(shown: Sequence[Board], filters: Filters, sort: str) -> None:
    def rows() -> list[dict[str, Any]]:
        return [row for found in shown for row in board_rows(found, filters.edition, filters.kinds, sort)]

    columns = st.columns(4, vertical_alignment="center")
    columns[0].caption("These rows with every interval:")
    kinds: tuple[tuple[str, str, str, Callable[[], str | bytes]], ...] = (
        ("CSV", "csv", "text/csv", lambda: as_csv(rows())),
        ("Parquet", "parquet", "application/vnd.apache.parquet", lambda: as_parquet(rows())),
        ("Markdown", "md", "text/markdown", lambda: as_text(shown, filters, sort)),
    )
    for column, (label, ending, mime, made) in zip(columns[1:], kinds, strict=True):  # made when clicked
        name = f"slmr-{filters.edition}.{ending}"
        column.download_button(label, made, name, mime, on_click="ignore", width="stretch")


def as_csv(rows: list[dict[str, Any]]) -> str:
    """Text that a spreadsheet would run as a formula is quoted."""
    import pandas as pd

    safe = [
        {k: f"'{v}" if isinstance(v, str) and v[:1] in tuple("=+-@\t\r") else v for k, v in row.items()}
        for row in rows
    ]
    return pd.DataFrame(safe).astype({"rank": "Int64"}).to_csv(index=False)


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = dict.fromkeys(name for row in rows for name in row)
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows]), buffer)
    return buffer.getvalue()


def as_text(shown: Sequence[Board], filters: Filters, sort: str) -> str:
    """The boards as `slmr report` writes them, with the lines that are shown."""
    from slmr.results.report import as_markdown, standings_table

    parts = [f"# slmr, {filters.edition} edition"]
    for found in shown:
        lines = replace(found, standings=sorted_standings(found, filters.kinds, sort))
        parts.append(f"## {found.student}\n\n{as_markdown(standings_table(lines))}")
    return "\n\n".join(parts) + "\n"
