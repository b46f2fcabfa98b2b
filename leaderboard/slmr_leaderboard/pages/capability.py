"""What was learnt and what forgotten: by initial difficulty, in k tries, by task."""

from __future__ import annotations

from typing import Any

import streamlit as st

from slmr.errors import RequestError
from slmr.results.capability import capability
from slmr.results.figures import gains_by_difficulty, pass_curves
from slmr.results.html import texts
from slmr.results.ranking import Board
from slmr.results.report import changes_table, difficulty_table, pass_table
from slmr_leaderboard.pages.parts import View, draw, nothing, pick_board, table


def show(view: View) -> None:
    found = pick_board(view)
    if found is None:
        return
    try:
        able = capability(view.entries(found))
    except RequestError as error:
        st.text(str(error))
        able = []
    st.subheader("Gain by initial difficulty")
    if not able:
        nothing(
            "Needs many completions of some items from base and from the methods: `capability` in a profile makes them."
        )
    else:
        draw(
            gains_by_difficulty(able, found.student),
            "Accuracy after training less that before, by what the untrained student could do with an item. Items are"
            " sorted by one half of its completions and scored by the other.",
        )
        _table(difficulty_table(able))
        st.subheader("What can be reached in k tries")
        draw(
            pass_curves(able, found),
            "pass@k, unbiased, mean over items; a logarithmic axis. Ablations and controls are drawn when"
            " their names are clicked.",
        )
        _table(pass_table(able))
    _by_task(found)


def _by_task(found: Board) -> None:
    st.subheader("Gain and forgetting by task")
    if not any(s.changes for s in found.standings):
        nothing("Needs base and another method, measured on the same items with the same seeds.")
        return
    _table(changes_table(found))


def _table(found: Any) -> None:
    """A table of the report, as it stands there."""
    st.caption(str(found.title))
    head, *body = texts(found)
    table([dict(zip(head, row, strict=True)) for row in body])
