"""How training went: held-out accuracy by tokens, what accuracy costs, and one run's curves."""

from __future__ import annotations

import streamlit as st

from slmr.results.figures import cost_and_accuracy, learning_curves, what_was_spent
from slmr.results.ranking import Ranking
from slmr.results.spending import spending
from slmr.results.training_history import plot_curve, validation_curve
from slmr_leaderboard.views.parts import (
    View,
    draw,
    faults_as_text,
    nothing,
    of_one_student,
    pick_method_and_seed,
)


@of_one_student
def show(view: View, ranking: Ranking) -> None:
    if ranking.student == "models":
        nothing("Models are not trained here: they have no curves and no cost.")
        return
    st.subheader("Accuracy and cost")
    draw(
        cost_and_accuracy(ranking),
        "Mean accuracy over the tasks with its 95 % interval, by tokens generated, trained on and taught. Methods on"
        " the dotted line are Pareto-optimal: not beaten in both by any other one.",
    )
    _spending(view, ranking)
    _learning(view, ranking)
    _one_run(view, ranking)


def _spending(view: View, ranking: Ranking) -> None:
    spent = []
    with faults_as_text():
        spent = spending(view.method_results(ranking))
    if spent:
        st.subheader("What the tokens were spent on")
        draw(
            what_was_spent(spent, ranking.student),
            "Probing: completions of stages that train nothing. Sampled in training: rollouts. Mean over the seeds.",
        )


def _learning(view: View, ranking: Ranking) -> None:
    st.subheader("Learning curves")
    curves = {}
    for result in view.method_results(ranking):
        with faults_as_text():
            if rows := validation_curve(result):
                curves[result.name] = rows
    if not curves:
        nothing("No curve was kept: none of these methods was validated during training.")
        return
    draw(
        learning_curves(curves, ranking),
        "Accuracy on held-out problems of the training task, by the tokens that the method has spent so far; of each"
        " method's first seed. Ablations and controls are drawn when their names are clicked.",
    )


def _one_run(view: View, ranking: Ranking) -> None:
    st.subheader("One training in detail")
    trained = [
        result
        for result in view.method_results(ranking)
        if any(result.file("course", seed).is_file() for seed in result.seeds)
    ]
    if not trained:
        nothing("No curve was kept of these methods.")
        return
    result, seed = pick_method_and_seed(trained)
    rows = result.table("course", seed)
    for stage in dict.fromkeys(row["stage"] for row in rows):
        with st.expander(str(stage), expanded=stage == rows[-1]["stage"]):
            draw(plot_curve([row for row in rows if row["stage"] == stage]), "Held-out problems in red.")
