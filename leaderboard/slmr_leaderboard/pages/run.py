"""One row's origin: its stages and what they cost, versions, warnings, and the command that makes it again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from slmr.artifacts import MANIFEST
from slmr.io import read_json
from slmr.results.entries import Entry
from slmr.results.publish import MANIFESTS
from slmr.results.report import compact, warnings
from slmr.results.schema import SummaryRow
from slmr_leaderboard.pages.parts import View, nothing, pick_board, pick_entry, pick_seed


def show(view: View) -> None:
    found = pick_board(view)
    if found is None:
        return
    left, right = st.columns(2)
    with left:
        entry = pick_entry(view.entries(found))
    with right:
        seed = pick_seed(entry)
    rows = [(row, folder) for row, folder in entry.located if row.seed == seed]
    st.subheader("Make it again")
    for command in dict.fromkeys(row.command for row, _ in rows):
        st.code(command, language="bash", wrap_lines=True)
    _health(rows)
    _stages(entry, seed)
    _manifest(rows)


def _health(rows: Sequence[tuple[SummaryRow, Path]]) -> None:
    st.subheader("Health")
    lines = warnings([row for row, _ in rows])
    for line in lines:
        st.text(f"! {line}")
    if not lines:
        st.text("At most 5 % of the completions of any task were cut off or had no answer.")
    data = sorted({f"{row.task}: {row.data}" for row, _ in rows if row.data})
    with st.expander("Data, versions and engine"):
        for line in data:
            st.text(line)
        for row, _ in rows:
            st.text(f"{row.task}: task {row.task_version}, checker {row.checker_version}, {row.engine or ''}")


def _stages(entry: Entry, seed: int) -> None:
    st.subheader("Stages")
    rows = entry.table("stages", seed)
    if not rows:
        nothing("The run kept no table of its stages.")
        return
    st.graphviz_chart(graph(rows), width="stretch")
    st.caption("What depends on what; a stage that several methods need is made once for all of them.")
    st.dataframe(
        [
            {"stage": row["label"], "kind": row["stage"], "trained": row["train_tokens"],
             "sampled": row["rollout_tokens"], "taught": row["teacher_tokens"], "TFLOP": row["flops"] / 1e12,
             "seconds": row["wall_s"], "key": row["key"]}
            for row in rows if row["stage"] != "student"
        ],
        hide_index=True,
        column_config={"TFLOP": st.column_config.NumberColumn(format="%.3f"),
                       "seconds": st.column_config.NumberColumn(format="%.1f"),
                       **{name: st.column_config.NumberColumn(f"{name} tokens", format="compact")
                          for name in ("trained", "sampled", "taught")}},
    )  # fmt: skip
    names = [row["label"] for row in rows if row["stage"] != "student"]
    name = st.selectbox("Parameters and statistics of", names, key="stage", bind="query-params")
    chosen = next((row for row in rows if row["label"] == name), rows[-1])
    left, right = st.columns(2)
    left.json(json.loads(chosen["parameters"]))
    right.json(json.loads(chosen["stats"]))


def graph(rows: Sequence[dict[str, Any]]) -> str:
    """The stages as a graph for Graphviz, inputs above what needs them."""
    lines = ['digraph { rankdir=TB; bgcolor="transparent"; ranksep=0.28; nodesep=0.18;',
             'node [shape=box style="rounded,filled" fillcolor="#7f7f7f22" color="#7f7f7f" fontcolor="#7f7f7f"'
             ' fontname="sans-serif" fontsize=11 height=0.3]; edge [color="#7f7f7f" arrowsize=0.6];']  # fmt: skip
    background = {row["key"] for row in rows if row["stage"] in ("pool", "student")}
    for row in rows:
        tokens = row["train_tokens"] + row["rollout_tokens"] + row["teacher_tokens"]
        label = row["label"] + (f"\n{compact(tokens)} tokens" if tokens else "")
        lines.append(f"{json.dumps(row['key'])} [label={json.dumps(label, ensure_ascii=False)}];")
        for key in dict.fromkeys(row["inputs"]):
            # Nearly everything needs the pool and many the student: theirs stay in the background.
            style = (
                ' [color="#7f7f7f44" constraint=false]'
                if key in background and row["stage"] != "probe"
                else ""
            )
            lines.append(f"{json.dumps(key)} -> {json.dumps(row['key'])}{style};")
    return "\n".join([*lines, "}"])


def _manifest(rows: Sequence[tuple[SummaryRow, Path]]) -> None:
    st.subheader("Manifest of the evaluation")
    found = {}
    for row, folder in rows:
        found |= manifest_of(row, folder)
    if not found:
        nothing("The run kept no manifest.")
    for key, manifest in found.items():
        with st.expander(f"evaluate-{key}"):
            st.json(manifest)


def manifest_of(row: SummaryRow, folder: Path) -> dict[str, Any]:
    """The manifest that a row was made from, out of a published folder or a run; empty where it is not there."""
    try:
        if (folder / MANIFESTS).is_file():
            kept = read_json(folder / MANIFESTS).get(row.manifest)
            return {row.manifest: kept} if kept else {}
        file = folder / "artefacts" / f"evaluate-{row.manifest}" / MANIFEST
        return {row.manifest: read_json(file)} if file.is_file() else {}
    except (OSError, ValueError):
        return {}
