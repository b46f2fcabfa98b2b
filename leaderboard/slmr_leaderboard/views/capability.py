"""What was learnt and what was forgotten: by initial difficulty, in k tries, by task."""

from __future__ import annotations

import streamlit as st

from slmr.results.analysis.capability import capability
from slmr.results.analysis.ranking import Ranking
from slmr.results.render.figures import gains_by_difficulty, pass_curves
from slmr.results.render.tables import changes_table, difficulty_table, pass_table
from slmr_leaderboard.views.parts import (
    View,
    draw,
    faults_as_text,
    nothing,
    of_one_student,
    pick_lines,
    show_folded,
    show_table,
)


@of_one_student
def show(view: View, ranking: Ranking) -> None:
    capabilities = []
    with faults_as_text():
        capabilities = capability(view.method_results(ranking))
    st.subheader("Gain by initial difficulty")
    if not capabilities:
        nothing("Needs many completions per item from base and the methods: `capability` in a profile requests them.")
    else:
        draw(
            gains_by_difficulty(capabilities, ranking.student),
            "Accuracy after minus before training, by how often the untrained student solved an item. Items are sorted"
            " by one half of their completions and scored on the other.",
        )
        show_folded(difficulty_table(capabilities))
        st.subheader("What can be reached in k tries")
        names = pick_lines([each.method for each in capabilities], ranking)
        draw(
            pass_curves([each for each in capabilities if each.method in names], ranking),
            "pass@k, unbiased, mean over items with its 95 % interval; a logarithmic axis.",
        )
        show_folded(pass_table(capabilities))
    _by_task(view.shown(ranking))


def _by_task(ranking: Ranking) -> None:
    st.subheader("Gain and forgetting by task")
    if any(method.changes for method in ranking.methods):
        table = changes_table(ranking)
        st.caption(str(table.title))
        show_table(table)
    else:
        nothing("Needs base and another method, measured on the same items with the same seeds.")
