"""Completions of one cell of the board: by verdict, by text, with a link to each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import streamlit as st

from slmr.results.completions import VERDICTS, Cell, Wanted, count, find
from slmr.results.entries import Entry
from slmr.results.html import escape
from slmr_leaderboard.pages.parts import (
    NOT_KEPT,
    TEXT_STYLE,
    View,
    nothing,
    pick,
    pick_board,
    pick_entry,
    pick_seed,
    text_html,
)

PER_PAGE = 10


def show(view: View) -> None:
    found = pick_board(view)
    if found is None:
        return
    columns = st.columns(3)
    with columns[0]:
        entry = pick_entry(view.entries(found))
    with columns[1]:
        task = entry.tasks[pick("Task", entry.tasks, "in_task")]
    with columns[2]:
        seed = pick_seed(entry)
    cell = cell_of(entry, task, seed)
    if cell is None:
        nothing(f"{entry.name} has no result of {task} with seed {seed}.")
        return
    one = st.query_params.get("item")
    wanted = Wanted(items=(one,)) if one else _wanted()
    try:
        total = count(cell, wanted)
        if one:
            _back(one)
            if not total:
                nothing("This cell has no such item.")
            _show(find(cell, wanted, limit=256), alone=True)
        elif total:
            first = PER_PAGE * (st.pagination(-(-total // PER_PAGE), key="page", bind="query-params") - 1)
            rows = find(cell, wanted, first, PER_PAGE)
            st.caption(f"{first + 1:,} to {first + len(rows):,} of {total:,} completions")
            _show(rows, alone=False)
        else:
            nothing("No completion fits: choose another verdict or text.")
    except OSError as error:
        st.warning("These completions cannot be read.", icon=":material/error:")
        st.text(str(error))


def cell_of(entry: Entry, task: str, seed: int) -> Cell | None:
    """Where the completions of one cell of the board are."""
    for row, folder in entry.located:
        if (row.task, row.seed) == (task, seed):
            return Cell.of(folder, row.samples_file(folder), task)
    return None


def _wanted() -> Wanted:
    left, right = st.columns(2)
    verdicts = left.multiselect(
        "Verdict", VERDICTS, key="verdict", placeholder="any", bind="query-params", on_change=_first_page
    )
    text = right.text_input(
        "Search", key="text", placeholder="in problem, completion and item", bind="query-params", type="search",
        on_change=_first_page,
    )  # fmt: skip
    return Wanted(tuple(verdicts), text or "")


def _first_page() -> None:
    """What is asked for has changed."""
    st.session_state["page"] = 1


def _back(item: str) -> None:
    st.text(f"One item: {item}")
    if st.button("All items", icon=":material/arrow_back:"):
        del st.query_params["item"]
        st.rerun()


def _show(rows: Sequence[dict[str, Any]], alone: bool) -> None:
    formulas = st.toggle(
        "Render formulas", key="latex", bind="query-params",
        help="Those between dollars, \\( \\), \\[ \\] or in \\boxed{}, below each text.",
    )  # fmt: skip
    st.html(TEXT_STYLE)
    for _, group in groupby(rows, key=lambda row: row["item_id"]):
        with st.container(border=True):
            completions = list(group)
            _item(completions[0], alone)
            _completions(completions, formulas)


def _item(row: dict[str, Any], alone: bool) -> None:
    """What some completions are of."""
    left, right = st.columns([6, 1], vertical_alignment="center")
    left.text(f"{row['item_id']}" + (f", gold {row['gold'][:200]}" if row["gold"] else ""))
    help = "Show this item alone, under an address of its own."
    if not alone and right.button("Link", key=f"link-{row['item_id']}", icon=":material/link:", help=help):
        st.query_params["item"] = row["item_id"]
        st.rerun()
    if row["prompt"] is None:
        st.caption(
            "The licence of this task's data does not let its texts be published: the verdicts alone are here."
        )


def _completions(rows: Sequence[dict[str, Any]], formulas: bool) -> None:
    """An item's problem and completions, as one element where it can be: each costs the browser time."""
    problem = rows[0]["prompt"]
    parts = [] if problem is None else [text_html(problem)]
    for row in rows:
        parts.append(completion_html(row))
        found = formulas_in(row["completion"] or "") if formulas else ()
        if found:
            st.html("".join(parts))
            parts = []
        for formula in found:
            st.latex(formula)
    if parts:
        st.html("".join(parts))


def completion_html(row: dict[str, Any]) -> str:
    """A completion with its verdict above it, and what else is known of it below."""
    verdict = row["status"] if row["status"] in VERDICTS else "unknown verdict"
    sign = {"correct": "✓", "wrong": "✗"}.get(verdict, "?")
    text = "" if row["completion"] is None else text_html(row["completion"])
    said = [
        NOT_KEPT if row["completion"] is None and row["prompt"] is not None else "",
        "right, but not in the requested form" if row["lenient"] and not row["strict"] else "",
        "cut off by the token limit" if row["finish_reason"] == "length" else "",
        f"answered {row['extracted']}" if row["extracted"] else "", row["reason"] or "",
        "" if row["tokens"] is None else f"{row['tokens']} tokens",
    ]  # fmt: skip
    below = escape(", ".join(part for part in said if part)[:2000])
    return (
        f"<div><b>{sign} {verdict.replace('_', ' ')}</b>, completion {row['k_index'] + 1}</div>{text}"
        f'<div class="slmr-below">{below}</div>'
    )


_FORMULA = re.compile(
    r"\$\$(.{1,400}?)\$\$|\$([^$\n]{1,400}?)\$|\\\((.{1,400}?)\\\)|\\\[(.{1,400}?)\\\]"
    r"|(\\boxed\{(?:[^{}]|\{[^{}]*\}){1,200}\})",
    re.S,
)


def formulas_in(text: str, most: int = 12) -> list[str]:
    """The formulas of a text, each once. None can leave the mathematics that it is drawn in: no $ and no line break."""
    found = []
    for match in _FORMULA.finditer(text[:20_000]):
        formula = " ".join(next(part for part in match.groups() if part is not None).split())
        if formula and "$" not in formula and formula not in found:
            found.append(formula)
    return found[:most]
