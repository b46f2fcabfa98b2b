"""The leaderboard: `streamlit run leaderboard/app.py -- --results DIR`. Read-only; board.py counts."""

from __future__ import annotations

import argparse
import html
import math
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

# Streamlit runs this file as a script: in a checkout and in a wheel its modules lie beside it.
if str(Path(__file__).parent) not in sys.path:
    sys.path.insert(0, str(Path(__file__).parent))
from board import Board, as_csv, board
from queries import Filters, Results, editions, load_results, values

# Okabe and Ito's palette, told apart by colour-blind readers too; base in grey, controls in Tol's wine red.
_COLOURS = {
    "base": "#8c8c8c", "sft": "#0072B2", "distill": "#56B4E9", "rl": "#E69F00", "sft_rl": "#009E73",
    "stagewise": "#D55E00", "model": "#CC79A7", "ablation": "#F0E442", "control": "#882255",
}  # fmt: skip
_EDITIONS = {
    "lab": "lab edition: procedural tasks, tiny students",
    "paper": "paper edition: public benchmarks, pretrained students",
}
_HELP = {
    "rank": "1 + how many methods of the same student are significantly better (Holm-corrected, 5 %). "
            "Methods that cannot be told apart share a rank.",
    "kind": "Kind of training.",
    "mean": "Unweighted mean of the tasks' strict accuracies, percent, ± half its 95 % interval. "
            "Blank where a task is missing.",
    "gain": "Mean minus the untrained student's with the same seeds, percentage points.",
    "seeds": "Training seeds averaged in the row.",
    "seed spread": "Standard deviation of the mean from training seed to training seed, points. "
                   "Not part of the interval.",
    "format loss": "Lenient minus strict accuracy, points: right answers, but not in the requested form.",
    "cut off": "Completions that the token limit cut off, percent.",
    "no answer": "Completions without a readable answer, percent.",
    "trained tokens": "Tokens trained on, over all stages; mean over seeds.",
    "sampled tokens": "Tokens sampled from the student for training; mean over seeds.",
    "teacher tokens": "Tokens of the teacher; mean over seeds.",
    "FLOPs": "6 N per trained token plus 2 N per sampled token, for N parameters; mean over seeds.",
    "seconds": "Wall time of all stages, shared ones included; mean over seeds.",
    "items": "Evaluated items over all tasks.",
    "command": "Makes the row again.",
}  # fmt: skip


def main() -> None:
    """The whole page, top to bottom."""
    st.set_page_config("slmr leaderboard", layout="wide")
    st.title("slmr leaderboard")
    folder = _results_folder()
    results = load_results(folder)
    if not results.rows:
        _empty(folder)
    else:
        filters = _filters(results)
        found = board(results.rows, filters, results.samples)
        st.markdown(f"**{_EDITIONS[filters.edition]}**")
        _show(found, filters.edition)
    _notices(results.notices)


def _results_folder() -> Path:
    parser = argparse.ArgumentParser()
    parser.add_argument("--results", type=Path, default=Path("runs"))
    return parser.parse_known_args(sys.argv[1:])[0].results


def _empty(folder: Path) -> None:
    st.subheader("No results yet")
    st.text(f"There is no readable summary.json in or below {folder}. Train and measure every method with:")
    st.code("slmr bench --method all", language="bash")


def _filters(results: Results) -> Filters:
    """The filter widgets. Streamlit keeps them in the URL and drops values that are not among the options."""
    columns = st.columns(4)
    known = editions(results.rows)
    edition = columns[0].selectbox("Edition", known, key="edition", bind="query-params")
    chosen = []
    for column, (key, label, field) in zip(
        columns[1:],
        (
            ("student", "Student", "student"),
            ("kind", "Kind of method", "method_kind"),
            ("task", "Task", "task"),
        ),
        strict=True,
    ):
        options = values(results.rows, edition, field)
        picked = column.multiselect(label, options, key=key, placeholder="all", bind="query-params")
        chosen.append(tuple(value for value in picked if value in options))
    return Filters(edition, *chosen)


def _how_to_read(found: Board) -> str:
    parts = [
        "Strict accuracy, percent, ± half the 95 % interval; methods that cannot be told apart share a rank."
    ]
    if found.detectable is not None:
        test = "item by item" if found.paired == 1 else "without pairing the items"
        if 0 < found.paired < 1:
            test = f"item by item where both have samples ({100 * found.paired:.0f} % of the pairs)"
        found_with = f"a difference of {found.detectable:.1f} points is found with 80 % power"
        parts.append(f"Compared {test}; {found_with}.")
    if any(math.isnan(mean) for mean in found.table["mean"]):
        parts.append("Rows without a mean lack a task: choose tasks that they have, to compare them.")
    return " ".join(parts)


def _show(found: Board, edition: str) -> None:
    if found.table.empty:
        st.info("No result fits these filters.")
        return
    st.caption(_how_to_read(found))
    _table(found)
    _download(found, edition)
    _chart(found)


def _table(found: Board) -> None:
    """Accuracies stand as text with their interval, padded so that sorting the text sorts the numbers."""
    table = found.table.copy()
    config: dict[str, Any] = {name: _column(name) for name in table.columns if name in _HELP}
    config["rank"] = st.column_config.NumberColumn(help=_HELP["rank"], width=50, pinned=True)
    width = min(160, max(70, 20 + 7 * max(len(method) for method in table["method"])))
    text = "The recipe; base is the untrained student."
    config["method"] = st.column_config.TextColumn(help=text, width=width, pinned=True)
    for name in ("mean", *found.tasks):
        table[name] = [_with_interval(*cell) for cell in zip(table[name], table[f"{name} ±"], strict=True)]
        text = _HELP.get(name, "Strict accuracy, percent, ± half its 95 % interval.")
        label = name.removeprefix("lab_")
        config[name] = st.column_config.TextColumn(label, help=text, alignment="right", width=100)
    hidden = {f"{name} ±" for name in ("mean", "gain", *found.tasks)}
    if len(set(table["student"])) == 1:
        hidden.add("student")
    if max(table["seeds"]) == 1:
        hidden.add("seed spread")
    order = [name for name in table.columns if name not in hidden]
    st.dataframe(
        table[order], column_config=config, hide_index=True, height="content", placeholder="", key="board"
    )


def _column(name: str) -> Any:
    formats = {
        "gain": "%+.1f", "seed spread": "%.1f", "format loss": "%.1f", "cut off": "%.1f", "no answer": "%.1f",
        "trained tokens": "compact", "sampled tokens": "compact", "teacher tokens": "compact",
        "FLOPs": "%.1e", "seconds": "%.0f", "seeds": "%d", "items": "%d",
    }  # fmt: skip
    if name not in formats:
        return st.column_config.TextColumn(help=_HELP[name])
    return st.column_config.NumberColumn(help=_HELP[name], format=formats[name])


def _with_interval(value: float, half: float) -> str | None:
    return None if pd.isna(value) else f"{value:5.1f} ±{half:.1f}"


def _chart(found: Board) -> None:
    lines = found.table.dropna(subset=["mean"])
    if lines.empty:
        st.text("No method has all of these tasks: choose fewer to see their mean.")
        return
    st.subheader("Mean accuracy with 95 % interval")
    st.plotly_chart(_bars(lines), width="stretch", config={"displayModeBar": False})


def _bars(lines: pd.DataFrame) -> go.Figure:
    """One bar a line in the table's order, coloured by the kind of method."""
    ink = "#f5f5f5" if st.context.theme.type == "dark" else "#303030"
    several = len(set(lines["student"])) > 1
    # Plotly reads tags in labels: names are escaped.
    labels = [
        html.escape(f"{method} · {student}" if several else method)
        for method, student in zip(lines["method"], lines["student"], strict=True)
    ]
    figure = go.Figure()
    for kind in dict.fromkeys(lines["kind"]):
        mine = [i for i, other in enumerate(lines["kind"]) if other == kind]
        part = lines.iloc[mine]
        mean, half = part["mean"], part["mean ±"]  # an accuracy beyond 0 or 100 % does not exist
        bars = {"array": half.clip(upper=100 - mean), "arrayminus": half.clip(upper=mean)}
        figure.add_bar(
            x=mean, y=[labels[i] for i in mine], orientation="h", name=kind, width=0.65,
            marker_color=_COLOURS[kind], customdata=half,
            error_x={"type": "data", "color": ink, "thickness": 1.5, "width": 4} | bars,
            hovertemplate="%{y}<br>%{x:.1f} ±%{customdata:.1f} %<extra></extra>",
        )  # fmt: skip
    figure.update_layout(
        height=110 + 34 * len(lines), margin={"l": 0, "r": 10, "t": 10, "b": 50}, barmode="overlay",
        legend={"title": "kind", "orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
        xaxis={"title": "mean strict accuracy (%)", "rangemode": "tozero"},
        yaxis={
            "type": "category", "categoryorder": "array", "categoryarray": labels, "autorange": "reversed",
        },
        dragmode=False,
    )  # fmt: skip
    return figure


def _download(found: Board, edition: str) -> None:
    name, text = f"slmr-{edition}.csv", as_csv(found, edition)
    st.download_button("Download these rows as CSV", text, name, "text/csv", on_click="ignore")


def _notices(notices: list[str]) -> None:
    """Problems as plain text: what a file says must not become markup."""
    if notices:
        with st.expander(f"Left out ({len(notices)})", expanded=True):
            for notice in notices:
                st.text(notice)


main()
