"""The course of training: accuracy and cost, tokens, held-out accuracy, and one training's curves."""

from __future__ import annotations

import streamlit as st

from slmr.results.analysis.ranking import Ranking
from slmr.results.analysis.spending import spending
from slmr.results.render.figures import (
    cost_and_accuracy,
    learning_curves,
    name_on_phones,
    tokens_spent,
)
from slmr.results.render.training_history import plot_curves, validation_curve
from slmr_leaderboard.views.parts import (
    View,
    draw,
    faults_as_text,
    nothing,
    of_one_student,
    pick,
    pick_lines,
    pick_method_and_seed,
    plain,
)

# What is drawn last are the names for a phone; those of the points are for a wide screen.
_NAMES = (
    "<style>@media(max-width:640px){.st-key-cost .scatterlayer>:not(:last-child) .textpoint{display:none}}"
    "@media(min-width:641px){.st-key-cost .scatterlayer>:last-child{display:none}}</style>"
)


@of_one_student
def show(view: View, ranking: Ranking) -> None:
    if ranking.of_models:
        nothing("Models are not trained here: they have no curves and no cost.")
        return
    looks = {
        "Accuracy and cost": _cost,
        "Tokens": _spending,
        "Learning curves": _learning,
        "One training": _one_run,
    }
    # One at a time: a figure costs the browser time, drawn where nobody looks, too. A link to a method is to its own.
    first = "One training" if "method" in st.query_params else "Accuracy and cost"
    look = st.segmented_control(
        "Look at",
        list(looks),
        default=first,
        key="look",
        bind="query-params",
        required=True,
        label_visibility="collapsed",
    )
    looks.get(look or first, _cost)(view, ranking)


def _cost(view: View, ranking: Ranking) -> None:
    st.subheader("Accuracy and cost")
    ranking = view.shown(ranking)
    optimal = ", ".join(m.name for m in ranking.methods if m.efficient)
    st.html(_NAMES)
    with st.container(key="cost"):
        draw(
            name_on_phones(cost_and_accuracy(ranking), ranking),
            "Mean accuracy over the tasks with its 95 % interval, by tokens generated, trained on and taught."
            f" Pareto-optimal, so no other method is both cheaper and better: {plain(optimal or 'none of these')}."
            " Hover over a dot for its name.",
        )


def _spending(view: View, ranking: Ranking) -> None:
    st.subheader("What the tokens were spent on")
    spendings = []
    with faults_as_text():
        spendings = spending(view.method_results(ranking))
    if not spendings:
        nothing("None of these methods kept a table of its stages.")
        return
    draw(
        tokens_spent(spendings, ranking.student),
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
        nothing("No curves: none of these methods was validated during training.")
        return
    names = pick_lines(list(curves), ranking)
    draw(
        learning_curves({name: curves[name] for name in names}, ranking),
        "Accuracy on held-out problems of the training task, by the tokens that the method has spent so far; of each"
        " method's first seed.",
    )


def _one_run(view: View, ranking: Ranking) -> None:
    st.subheader("One training in detail")
    trained = [
        result
        for result in view.method_results(ranking)
        if any(result.file("course", seed).is_file() for seed in result.seeds)
    ]
    if not trained:
        nothing("No curves were kept of these methods.")
        return
    result, seed = pick_method_and_seed(trained)
    rows = result.table("course", seed)
    stages = list(dict.fromkeys(str(row["stage"]) for row in rows))
    stage = stages[pick("Stage", stages, "stage_of", len(stages) - 1)]
    panels = plot_curves([row for row in rows if str(row["stage"]) == stage])
    st.caption("Blue in training, red on held-out problems.")
    titled = list(panels.items())
    for at in range(0, len(titled), 3):  # a phone shows a row's columns below each other, in this order
        for column, (title, figure) in zip(st.columns(3), titled[at : at + 3], strict=False):
            with column:
                st.markdown(f"**{title}**")
                draw(figure)
