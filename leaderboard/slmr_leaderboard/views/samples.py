"""The completions of one cell of the board, searchable by verdict and text, with a link to each item."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import streamlit as st

from slmr.results.analysis.ranking import Ranking
from slmr.results.render.html import escape
from slmr.results.runs.completions import (
    VERDICTS,
    Cell,
    CompletionFilter,
    cell_of,
    count,
    find,
    formulas_in,
)
from slmr_leaderboard.views.parts import (
    NOT_KEPT,
    TEXT_STYLE,
    View,
    nothing,
    of_one_student,
    pick,
    pick_method,
    pick_seed,
    text_html,
)

_LEAST = 10  # completions


@of_one_student
def show(view: View, ranking: Ranking) -> None:
    left, middle, right = st.columns(3)
    result = pick_method(view.method_results(ranking), left)
    task = result.tasks[pick("Task", result.tasks, "in_task", place=middle)]
    seed = pick_seed(result, right)
    cell = cell_of(result, task, seed)
    if cell is None:
        nothing(f"{result.name} has no result of {task} with seed {seed}.")
        return
    item = st.query_params.get("item")
    try:
        _one_item(cell, item) if item else _pages(cell, _selection())
    except OSError as error:
        st.warning("These completions cannot be read.", icon=":material/error:")
        st.text(str(error))


def _one_item(cell: Cell, item: str) -> None:
    st.text(f"One item: {item}")
    if st.button("All items", icon=":material/arrow_back:"):
        del st.query_params["item"]
        st.rerun()
    rows = find(cell, CompletionFilter(items=(item,)), limit=256)
    if not rows:
        nothing("This cell has no such item.")
    _show(rows, is_alone=True)


def _pages(cell: Cell, selection: CompletionFilter) -> None:
    total = count(cell, selection)
    if not total:
        nothing("No completion fits: choose another verdict or text.")
        return
    size = page_size(cell.k)
    first = size * (st.pagination(-(-total // size), key="page", bind="query-params") - 1)
    rows = find(cell, selection, first, size)
    st.caption(f"{first + 1:,} to {first + len(rows):,} of {total:,} completions")
    _show(rows, is_alone=False)


def page_size(k: int) -> int:
    """How many completions a page has: at least `_LEAST`, and all `k` of each item, unless a filter leaves some out."""
    return k * -(-_LEAST // k)


def _selection() -> CompletionFilter:
    left, right = st.columns(2)
    verdicts = left.multiselect(
        "Verdict", VERDICTS, key="verdict", placeholder="any", bind="query-params", on_change=_first_page
    )
    text = right.text_input(
        "Search",
        key="text",
        placeholder="in problem, completion and item",
        bind="query-params",
        type="search",
        on_change=_first_page,
    )
    return CompletionFilter(tuple(verdicts), text or "")


def _first_page() -> None:
    """Returns to the first page, because the selection has changed."""
    st.session_state["page"] = 1


def _show(rows: Sequence[dict[str, Any]], is_alone: bool) -> None:
    formulas = st.toggle(
        "Render formulas",
        key="latex",
        bind="query-params",
        help="Those between dollars, \\( \\), \\[ \\] or in \\boxed{}, below each text.",
    )
    st.html(TEXT_STYLE)
    for _, group in groupby(rows, key=lambda row: row["item_id"]):
        with st.container(border=True):
            completions = list(group)
            _item(completions[0], is_alone)
            _completions(completions, formulas)


def _item(row: dict[str, Any], is_alone: bool) -> None:
    """Draws the heading of an item."""
    left, right = st.columns([6, 1], vertical_alignment="center")
    left.text(f"{row['item_id']}" + (f", gold {row['gold'][:200]}" if row["gold"] else ""))
    help = "Show this item alone, at its own address."
    if not is_alone and right.button("Link", key=f"link-{row['item_id']}", icon=":material/link:", help=help):
        st.query_params["item"] = row["item_id"]
        st.rerun()
    if row["prompt"] is None:
        st.caption(
            "The licence of this task's data does not allow its texts to be published: only the verdicts are here."
        )


def _completions(rows: Sequence[dict[str, Any]], formulas: bool) -> None:
    """Draws an item's problem and completions, in as few elements as possible, because each costs the browser time."""
    problem = rows[0]["prompt"]
    parts = [] if problem is None else [text_html(problem)]
    for row in rows:
        parts.append(completion_html(row))
        row_formulas = formulas_in(row["completion"] or "") if formulas else ()
        if row_formulas:
            st.html("".join(parts))
            parts = []
        for formula in row_formulas:
            st.latex(formula)
    if parts:
        st.html("".join(parts))


def completion_html(row: dict[str, Any]) -> str:
    """A completion as HTML, with its verdict above and further facts below."""
    verdict = row["status"] if row["status"] in VERDICTS else "unknown verdict"
    sign = {"correct": "✓", "wrong": "✗"}.get(verdict, "?")
    text = "" if row["completion"] is None else text_html(row["completion"])
    facts = [
        NOT_KEPT if row["completion"] is None and row["prompt"] is not None else "",
        "right, but not in the requested form" if row["lenient"] and not row["strict"] else "",
        "cut off by the token limit" if row["finish_reason"] == "length" else "",
        f"answered {row['extracted']}" if row["extracted"] else "",
        row["reason"] or "",
        "" if row["tokens"] is None else f"{row['tokens']} tokens",
    ]
    below = escape(", ".join(part for part in facts if part)[:2000])
    return (
        f"<div><b>{sign} {verdict.replace('_', ' ')}</b>, completion {row['k_index'] + 1}</div>{text}"
        f'<div class="slmr-below">{below}</div>'
    )
