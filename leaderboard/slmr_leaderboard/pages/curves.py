"""How training went: held-out accuracy by tokens, what accuracy costs, and one run's curves."""

from __future__ import annotations

import streamlit as st

from slmr.errors import RequestError
from slmr.results.figures import cost_and_accuracy, learning_curves, what_was_spent
from slmr.results.ranking import Board
from slmr.results.spending import spending
from slmr.results.training_history import plot_curve
from slmr_leaderboard.pages.parts import View, draw, nothing, pick_board, pick_entry, pick_seed


def show(view: View) -> None:
    found = pick_board(view)
    if found is None:
        return
    if found.student == "models":
        nothing("Models are not trained here: they have no curves and no cost.")
        return
    st.subheader("Accuracy and cost")
    draw(
        cost_and_accuracy(found),
        "Mean accuracy over the tasks with its 95 % interval, by tokens generated, trained on and taught. Methods on"
        " the dotted line are not beaten in both by any other one.",
    )
    _spending(view, found)
    _learning(view, found)
    _one_run(view, found)


def _spending(view: View, found: Board) -> None:
    try:
        spent = spending(view.entries(found))
    except RequestError as error:
        st.text(str(error))
        return
    if spent:
        st.subheader("What the tokens were spent on")
        draw(
            what_was_spent(spent, found),
            "Sampled to look: completions of stages that train nothing, such as a probe. Sampled in training: rollouts."
            " Mean over the seeds.",
        )


def _learning(view: View, found: Board) -> None:
    st.subheader("Learning curves")
    curves = {}
    for entry in view.entries(found):
        try:
            rows = entry.table("course", entry.seeds[0])
        except RequestError as error:
            st.text(str(error))
            continue
        if any(row.get("validation_accuracy") is not None for row in rows):
            curves[entry.name] = rows
    if not curves:
        nothing("No curve was kept: none of these methods was validated during training.")
        return
    draw(
        learning_curves(curves, found),
        "Accuracy on held-out problems of the training task, by the tokens that the method has spent so far; of each"
        " method's first seed. Ablations and controls are drawn when their names are clicked.",
    )


def _one_run(view: View, found: Board) -> None:
    st.subheader("One training in detail")
    left, right = st.columns(2)
    trained = [e for e in view.entries(found) if any(e.file("course", seed).is_file() for seed in e.seeds)]
    if not trained:
        nothing("No curve was kept of these methods.")
        return
    with left:
        entry = pick_entry(trained)
    with right:
        seed = pick_seed(entry)
    rows = entry.table("course", seed)
    for stage in dict.fromkeys(row["stage"] for row in rows):
        with st.expander(str(stage), expanded=stage == rows[-1]["stage"]):
            draw(plot_curve([row for row in rows if row["stage"] == stage]), "Held-out problems in red.")
