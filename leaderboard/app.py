"""The leaderboard: `streamlit run leaderboard/app.py -- --results DIR`. Read-only; queries.py does the work."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

# The app is a script: in a checkout and in a wheel it finds its queries beside itself.
sys.path.insert(0, str(Path(__file__).parent))
import queries

# Okabe and Ito's palette, told apart by colour-blind readers too.
_COLOURS = {
    "base": "#7f7f7f", "sft": "#0072B2", "distill": "#56B4E9", "rl": "#E69F00", "sft_rl": "#009E73",
    "stagewise": "#D55E00",
}  # fmt: skip
_EDITIONS = {
    "lab": "lab edition: procedural tasks, tiny students trained from scratch",
    "paper": "paper edition: the public benchmarks, pretrained students",
}
_HELP = {
    "rank": "1 + how many methods of the same student are significantly better. Not told apart: same rank.",
    "mean": "Unweighted mean of the tasks' strict accuracies, percent.",
    "interval": "Half the 95 % interval of the mean: the error of sampling the items.",
    "gain": "Mean minus the untrained student's mean, points.",
    "seeds": "Training seeds averaged in the row.",
    "format loss": "Lenient minus strict accuracy, points: right answers that were not in the requested form.",
    "cut off": "Completions that hit the token budget, percent.",
    "no answer": "Completions without a readable answer, percent.",
    "trained tokens": "Tokens trained on, all stages.",
    "sampled tokens": "Tokens sampled from the student while training.",
    "teacher tokens": "Tokens written by the teacher.",
    "FLOPs": "Approximate: 6 N per trained token, 2 N per sampled one.",
    "seconds": "Wall time of the training stages; shared stages count in full.",
}


def main() -> None:
    st.set_page_config("slmr leaderboard", layout="wide")
    folder = _results_folder()
    st.title("slmr leaderboard")
    results = queries.load_results(folder)
    if not results.rows:
        st.info(f"No results below `{folder}` yet. Make some with:")
        st.code("slmr bench --method all", language="bash")
        _notices(results.notices)
        return
    filters = _filters(results.rows)
    st.caption(_EDITIONS[filters.edition])
    table = queries.board(queries.select(results.rows, filters))
    if table.empty:
        st.info("No result fits these filters.")
        return
    _table(table)
    st.plotly_chart(_bars(table), width="stretch")
    _download(table)
    _notices(results.notices)


def _results_folder() -> Path:
    parser = argparse.ArgumentParser()
    parser.add_argument("--results", type=Path, default=Path("runs"))
    return parser.parse_known_args(sys.argv[1:])[0].results


def _filters(rows: list[queries.SummaryRow]) -> queries.Filters:
    """The filter widgets; their state is in the URL, and what the URL says wrongly is ignored."""
    editions = [e for e in _EDITIONS if any(row.edition == e for row in rows)]
    columns = st.columns(4)
    asked = st.query_params.get("edition", "")
    with columns[0]:
        edition = st.selectbox("Edition", editions, index=editions.index(asked) if asked in editions else 0)
    shown = [row for row in rows if row.edition == edition]
    students = _choose(columns[1], "Student", "student", [row.student for row in shown])
    kinds = _choose(columns[2], "Kind of method", "kind", [row.method_kind for row in shown])
    tasks = _choose(columns[3], "Task", "task", [row.task for row in shown])
    st.query_params["edition"] = edition
    return queries.Filters(edition, students, kinds, tasks)


def _choose(column: DeltaGenerator, label: str, key: str, values: list[str]) -> tuple[str, ...]:
    options = list(dict.fromkeys(values))
    default = [value for value in st.query_params.get_all(key) if value in options]
    with column:
        chosen = st.multiselect(label, options, default=default, placeholder="all")
    st.query_params[key] = chosen
    return tuple(chosen)


def _table(table: pd.DataFrame) -> None:
    tasks = queries.task_columns(table)
    hidden = {"tasks", *(f"{task} ±" for task in tasks)}
    config = {
        "rank": st.column_config.NumberColumn("rank", help=_HELP["rank"], width="small", pinned=True),
        "method": st.column_config.TextColumn("method", pinned=True),
        "mean": st.column_config.NumberColumn("mean", format="%.1f", help=_HELP["mean"]),
        "interval": st.column_config.NumberColumn("±", format="%.1f", help=_HELP["interval"]),
        "gain": st.column_config.NumberColumn("gain", format="%+.1f", help=_HELP["gain"]),
    }
    for task in tasks:
        half = table[f"{task} ±"].mean()
        config[task] = st.column_config.NumberColumn(
            task.removeprefix("lab_"),
            format="%.1f",
            help=f"Strict accuracy, percent; 95 % interval about ±{half:.1f}.",
        )
    for name in ("format loss", "cut off", "no answer"):
        config[name] = st.column_config.NumberColumn(name, format="%.1f", help=_HELP[name])
    for name in ("trained tokens", "sampled tokens", "teacher tokens", "FLOPs"):
        config[name] = st.column_config.NumberColumn(name, format="compact", help=_HELP[name])
    config["seconds"] = st.column_config.NumberColumn("seconds", format="%.0f", help=_HELP["seconds"])
    config["seeds"] = st.column_config.NumberColumn("seeds", help=_HELP["seeds"], width="small")
    order = [name for name in table.columns if name not in hidden]
    st.dataframe(table, column_config=config, column_order=order, hide_index=True, width="stretch")


def _bars(table: pd.DataFrame) -> go.Figure:
    """Means with their intervals, best on top, coloured by the kind of method."""
    figure = go.Figure()
    lines = table.sort_values("mean")
    names = lines["method"]
    if len(set(table["student"])) > 1:
        names = names + " · " + lines["student"]
    for kind in dict.fromkeys(lines["kind"]):
        mine = lines["kind"] == kind
        figure.add_bar(
            x=lines["mean"][mine], y=names[mine], orientation="h", name=kind, marker_color=_COLOURS.get(kind),
            error_x={"type": "data", "array": lines["interval"][mine]},
            hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
        )  # fmt: skip
    figure.update_layout(
        title="Mean accuracy with 95 % interval", xaxis_title="accuracy (%)", yaxis_title=None,
        yaxis={"categoryorder": "array", "categoryarray": list(names)}, height=140 + 34 * len(lines),
        margin={"l": 0, "r": 10, "t": 50, "b": 40}, legend_title_text="kind", barmode="overlay",
    )  # fmt: skip
    return figure


def _download(table: pd.DataFrame) -> None:
    st.download_button("Download these rows as CSV", table.to_csv(index=False), "slmr-board.csv", "text/csv")


def _notices(notices: list[str]) -> None:
    for notice in notices:
        # As plain text: a file's content must not become markup.
        st.warning("Left out")
        st.text(notice)


main()
