"""The origin of a result: its stages and their cost, versions, warnings, and the command that reproduces it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import streamlit as st

from slmr.results.analysis.ranking import Ranking
from slmr.results.render.report import warnings
from slmr.results.runs.manifests import manifests_of
from slmr.results.runs.method_results import MethodResult, RunRow
from slmr.stats.formats import duration, tokens
from slmr_leaderboard.views.parts import (
    View,
    faults_as_text,
    nothing,
    of_one_student,
    pick_method_and_seed,
    plain,
)


@of_one_student
def show(view: View, ranking: Ranking) -> None:
    result, seed = pick_method_and_seed(view.method_results(ranking))
    run_rows = [run_row for run_row in result.run_rows if run_row.row.seed == seed]
    st.subheader("Make it again")
    for command in dict.fromkeys(row.command for row, _ in run_rows):
        st.code(command, language="bash", wrap_lines=True)
    _health(run_rows)
    _stages(result, seed)
    _manifest(run_rows)


def _health(run_rows: Sequence[RunRow]) -> None:
    st.subheader("Warnings")
    lines = warnings([row for row, _ in run_rows])
    for line in lines:
        st.warning(plain(line), icon=":material/warning:")
    if not lines:
        st.text("At most 5 % of the completions of any task were cut off or had no answer.")
    data = sorted({f"{row.task}: {row.data}" for row, _ in run_rows if row.data})
    with st.expander("Data, versions and engine"):
        for line in data:
            st.text(line)
        for row, _ in run_rows:
            st.text(f"{row.task}: task {row.task_version}, checker {row.checker_version}, {row.engine or ''}")


def _stages(result: MethodResult, seed: int) -> None:
    st.subheader("Stages")
    rows = result.table("stages", seed)
    if not rows:
        nothing("The run kept no table of its stages.")
        return
    st.markdown("\n".join(_stage_lines(rows)))
    if st.toggle("Draw the graph", key="graph", bind="query-params"):
        st.graphviz_chart(graph(rows), width="stretch")
        st.caption("Which stage needs which; a stage that several methods share is run once.")
    _stage_table(rows)
    names = [row["label"] for row in rows if row["stage"] != "student"]
    name = st.selectbox("Parameters and statistics of", names, key="stage", bind="query-params")
    stage = next((row for row in rows if row["label"] == name), rows[-1])
    left, right = st.columns(2)
    left.json(json.loads(stage["parameters"]))
    right.json(json.loads(stage["stats"]))


def _stage_table(rows: Sequence[dict[str, Any]]) -> None:
    st.dataframe(
        [
            {
                "stage": row["label"],
                "kind": row["stage"],
                "trained": row["train_tokens"],
                "sampled": row["rollout_tokens"],
                "taught": row["teacher_tokens"],
                "TFLOP": row["flops"] / 1e12,
                "seconds": row["wall_s"],
                "key": row["key"],
            }
            for row in rows
            if row["stage"] != "student"
        ],
        hide_index=True,
        column_config={
            "TFLOP": st.column_config.NumberColumn(format="%.3f"),
            "seconds": st.column_config.NumberColumn(format="%.1f"),
            **{
                name: st.column_config.NumberColumn(f"{name} tokens", format="compact")
                for name in ("trained", "sampled", "taught")
            },
        },
    )


def _stage_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """A line per stage, in order, with its inputs and its cost."""
    labels = {row["key"]: row["label"] for row in rows}
    lines = []
    for row in rows:
        needs = [labels[key] for key in dict.fromkeys(row["inputs"]) if key in labels]
        facts = [
            f"from {', '.join(needs)}" if needs else "",
            _spent(row),
            duration(row["wall_s"]) if row["wall_s"] >= 1 else "",
        ]
        description = "; ".join(filter(None, facts))
        lines.append(f"1. **{plain(row['label'])}**{': ' if description else ''}{plain(description)}")
    return lines


def _spent(row: dict[str, Any]) -> str:
    """The tokens of a stage, in words; empty if it has none."""
    total = row["train_tokens"] + row["rollout_tokens"] + row["teacher_tokens"]
    return f"{tokens(total)} tokens" if total else ""


def graph(rows: Sequence[dict[str, Any]]) -> str:
    """The stages as a graph for Graphviz, inputs above what needs them."""
    lines = [
        'digraph { rankdir=TB; bgcolor="transparent"; ranksep=0.28; nodesep=0.18;',
        'node [shape=box style="rounded,filled" fillcolor="#7f7f7f22" color="#7f7f7f" fontcolor="#7f7f7f"'
        ' fontname="sans-serif" fontsize=11 height=0.3]; edge [color="#7f7f7f" arrowsize=0.6];',
    ]
    background = {row["key"] for row in rows if row["stage"] in ("pool", "student")}
    for row in rows:
        label = "\n".join(filter(None, [row["label"], _spent(row)]))
        lines.append(f"{json.dumps(row['key'])} [label={json.dumps(label, ensure_ascii=False)}];")
        for key in dict.fromkeys(row["inputs"]):
            # Nearly everything needs the pool and many the student: theirs stay in the background.
            pale = key in background and row["stage"] != "probe"
            style = ' [color="#7f7f7f44" constraint=false]' if pale else ""
            lines.append(f"{json.dumps(key)} -> {json.dumps(row['key'])}{style};")
    return "\n".join([*lines, "}"])


def _manifest(run_rows: Sequence[RunRow]) -> None:
    st.subheader("Manifest of the evaluation")
    manifests = {}
    with faults_as_text():
        manifests = manifests_of(run_rows)
    if not manifests:
        nothing("The run kept no manifest.")
    for key, manifest in manifests.items():
        with st.expander(f"evaluate-{key}"):
            st.json(manifest)
