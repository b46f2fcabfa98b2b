"""The script that Streamlit runs for `slmr leaderboard --results DIR`. It only reads; the pages draw."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import streamlit as st

from slmr.config import kind_label
from slmr.results.selection import Filters, Results, load_results, older_versions, values
from slmr_leaderboard.views import PAGES, page
from slmr_leaderboard.views.parts import View, plain
from slmr_leaderboard.warm import FIRST_SHOWN


def main() -> None:
    """The whole app: filters at the side, a page in the middle, what is left out below it."""
    # A picture of our own: that of a named icon would be fetched from the network.
    st.set_page_config("slmr leaderboard", str(Path(__file__).parent / "icon.svg"), layout="wide")
    st.html("<style>.stMainBlockContainer{padding-top:4.5rem}</style>")
    arguments = _arguments()
    results = load_results(arguments.results)
    chosen = st.navigation([_page(*one, results) for one in PAGES], position="top")
    if arguments.sample:
        st.info(
            "These are sample results from the package, to look around in. Your own: `slmr bench --method all`,"
            " then `slmr leaderboard`.",
            icon=":material/info:",
        )
    for note in results.notes:
        st.warning(plain(note), icon=":material/warning:")
    chosen.run()
    _notices(results)
    FIRST_SHOWN.set()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--results", type=Path, default=Path("runs"))
    parser.add_argument("--sample", action="store_true", help="they are the package's sample results")
    return parser.parse_known_args(sys.argv[1:])[0]


def _page(title: str, path: str, icon: str, results: Results) -> st.Page:  # type: ignore[valid-type]
    def shown() -> None:
        if not results.rows:
            _empty(results.folder)
            return
        filters = _filters(results)
        st.markdown(f"**{plain(results.suite(filters.suite).description)}**")
        page(path)(View(results, filters))

    return st.Page(shown, title=title, icon=icon, url_path=path, default=path == "board")


def _empty(folder: Path) -> None:
    st.subheader("No results yet")
    st.text(f"There is no readable summary.json in or below {folder}. Train and measure every method with:")
    st.code("slmr bench --method all", language="bash")


def _filters(results: Results) -> Filters:
    """The filter widgets. Streamlit keeps them in the URL and drops values that are not among the options."""
    with st.sidebar:
        known = [suite.name for suite in results.suites]
        if (
            earlier := st.query_params.pop("edition", None)
        ) in known:  # what links said before there were suites
            st.session_state.setdefault("suite", earlier)
        suite = st.selectbox(
            "Suite", known, key="suite", bind="query-params",
            help="Means and ranks are over the tasks of one suite; suites are never ranked together.",
        ) or known[0]  # fmt: skip
        picked = {
            key: _several(label, values(results, suite, column), key)
            for key, label, column in (
                ("student", "Student or model", "student"), ("kind", "Kind of method", "method_kind"),
                ("task", "Task", "task"), ("seed", "Training seed", "seed"),
            )
        }  # fmt: skip
        older = older_versions(results, suite)
        versions = _several("Older versions", older, "version") if older else ()
    return Filters(
        suite, picked["student"], picked["kind"], picked["task"], tuple(map(int, picked["seed"])), versions
    )


def _several(label: str, options: list[str], key: str) -> tuple[str, ...]:
    """A filter that shows everything when nothing is picked."""
    shown = kind_label if key == "kind" else str
    picked = st.multiselect(
        label, options, key=key, placeholder="all", bind="query-params", format_func=shown
    )
    return tuple(value for value in picked if value in options)


def _notices(results: Results) -> None:
    """Problems as plain text: what a file says must not become markup."""
    if results.notices:
        with st.expander(f"Left out ({len(results.notices)})", expanded=len(results.notices) < 4):
            for notice in results.notices:
                st.text(notice)


main()
