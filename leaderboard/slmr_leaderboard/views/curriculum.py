"""The inside of a stage-wise run: moves of problems, Bridge's traces, and the critiques of failures."""

from __future__ import annotations

import streamlit as st

from slmr.results.analysis.ranking import Ranking
from slmr.results.render.colours import VERMILLION, tint
from slmr.results.render.figures import flow
from slmr.results.render.html import escape
from slmr.results.runs.method_results import MethodResult
from slmr.results.runs.schema import grouped
from slmr_leaderboard.views.parts import (
    TEXT_STYLE,
    View,
    draw,
    nothing,
    of_one_student,
    pick,
    pick_method_and_seed,
    show_text,
    text_html,
)

_PARTS = ("moves", "bridged", "critiques")
# On a phone the names of a flow's states would lie over each other: there it is wider than the page, and scrolls.
_WIDE = "<style>.st-key-flow{overflow-x:auto}.st-key-flow>div{min-width:44rem}</style>"


@of_one_student
def show(view: View, ranking: Ranking) -> None:
    results = [
        r
        for r in view.method_results(ranking)
        if any(r.file(what, seed).is_file() for what in _PARTS for seed in r.seeds)
    ]
    if not results:
        nothing("None of these methods has a curriculum: choose a run of `stagewise` or of its ablations.")
        return
    result, seed = pick_method_and_seed(results)
    _flow(result, seed, ranking.student)
    _bridged(result, seed)
    _critiques(result, seed)


def _flow(result: MethodResult, seed: int, student: str) -> None:
    st.subheader("How problems moved")
    moves = result.table("moves", seed)
    if not moves:
        nothing(f"{result.name} does not both partition and consolidate.")
        return
    st.html(_WIDE)
    with st.container(key="flow"):
        draw(flow(moves, f"{result.name}, {student}, seed {seed}"))
    st.caption(
        "Groups are by the rate of right completions: hard below 0.25, simple from 0.75 on. After SFT a problem is"
        " solved (all right, left out of RL), mixed (the RL set), recycled (a group was all wrong; critique makes"
        " traces of it for the next round) or unsolved."
    )


def _bridged(result: MethodResult, seed: int) -> None:
    st.subheader("Bridge: traces before and after")
    rows = result.table("bridged", seed)
    if not rows:
        nothing(f"{result.name} has no bridged traces, or their texts may not be published.")
        return
    st.caption(
        "The darker a token, the more it surprises the student: its negative log-likelihood, up to 6 nats. Kept is the"
        " sound candidate with the lowest mean plus share of spikes, unless the method has another criterion."
    )
    problems = grouped(rows, lambda row: (row["label"], row["problem_id"]))
    names = [f"{label}: {name}" for label, name in problems]
    # Opens with a trace that Bridge did change.
    first = next((i for i, traces in enumerate(problems.values()) if len(traces) > 1), 0)
    candidates = list(problems.values())[pick("Example", names, "bridge", first)]
    show_text(candidates[0]["problem"])
    for column, row in zip(st.columns(len(candidates)), candidates, strict=True):
        what = "raw trace" if row["source"] == "raw" else f"bridged: {row['source']}"
        remark = ", kept" if row["kept"] else ""
        column.markdown(f"**{what}**{remark}")
        if row["nll"] is None:
            column.caption("Wrong or unsound, so it was not scored.")
            column.html(TEXT_STYLE + text_html(row["text"]))
        else:
            column.caption(f"{row['nll']:.2f} nats a token, {row['spikes']:.0%} spikes")
            column.html(TEXT_STYLE + shaded(row["pieces"], row["token_nlls"]))


def shaded(pieces: list[str], nlls: list[float], most: float = 6.0) -> str:
    """The text with each token's background the stronger, the larger its NLL."""
    spans = [
        f'<span style="background:{tint(VERMILLION, 0.7 * min(nll, most) / most)}" title="{nll:.2f} nats">'
        f"{escape(piece)}</span>"
        for piece, nll in zip(pieces, nlls, strict=True)
    ]
    return f'<div class="slmr-text">{"".join(spans)}</div>'


def _critiques(result: MethodResult, seed: int) -> None:
    st.subheader("Critique: what became of failures")
    rows = result.table("critiques", seed)
    if not rows:
        nothing(f"{result.name} has no critiques, or their texts may not be published.")
        return
    row = rows[pick("Example", [f"{row['label']}: {row['problem_id']}" for row in rows], "critique")]
    show_text(row["problem"])
    left, right = st.columns(2)
    with left:
        step = "" if row["wrong_step"] is None else f", first wrong step: {row['wrong_step'] + 1}, by {row['found_by']}"
        st.markdown(f"**failure**{step}")
        start = row["attempt"].find(row["step_text"]) if row["step_text"] else -1
        show_text(row["attempt"], [(start, start + len(row["step_text"]))] if start >= 0 else [], "wrong")
        st.markdown("**diagnosis**")
        show_text(row["diagnosis"] or "none: not confirmed")
    with right:
        st.markdown("**repair** (marked; the text before it is unchanged)")
        prefix, repair = row["repair_prefix"], row["repair"]
        show_text(prefix + repair, [(len(prefix), len(prefix) + len(repair))]) if repair else show_text("none")
        st.markdown("**new trace**")
        show_text(row["new"] or "none: the teacher's is not sound")
