"""The script that Streamlit runs for `slmr leaderboard --results DIR`. It only reads; the pages draw."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from slmr.config import kind_label
from slmr.results.analysis.selection import Filters, Results, load_results, notes_on, older_versions, values
from slmr_leaderboard.views import PAGES, page
from slmr_leaderboard.views.parts import View, plain
from slmr_leaderboard.warm import FIRST_SHOWN

# Streamlit replaces the address of a filter by the next one; as a step of its own the way back undoes it. What it
# replaces on the way back is a path, what it replaces for a filter a whole address.
_STEPS = """<script>if(!window.slmrSteps){window.slmrSteps=true;const replace=history.replaceState.bind(history);
history.replaceState=(state,title,to)=>/^https?:/.test(to)&&to!==location.href?history.pushState(state,title,to)
:replace(state,title,to)}</script>"""
_STYLE = (
    "<style>.stMainBlockContainer{padding:4rem clamp(.8rem,2.5vw,2.5rem) 3rem}"
    ".stMainBlockContainer h1{font-size:1.7rem;padding:.2rem 0 0}.stMainBlockContainer h3{font-size:1.25rem}"
    ".stMainBlockContainer>.stVerticalBlock{gap:.7rem}</style>"
)


def main() -> None:
    """The whole app: filters at the side, a page in the middle, and below it what is left out."""
    # A picture of our own: that of a named icon would be fetched from the network.
    st.set_page_config("slmr leaderboard", str(Path(__file__).parent / "icon.svg"), layout="wide")
    st.html(_STYLE + _STEPS, unsafe_allow_javascript=True)
    _earlier_address()
    arguments = _arguments()
    results = load_results(arguments.results)
    # The filters are drawn here and not by a page, so that all pages have the same.
    view = _view(results) if results.rows else None
    current = st.navigation([_page(*one, results.folder, view) for one in PAGES], position="top")
    if arguments.sample:
        st.info(
            "These are sample results from the package, to look around in. Your own: `slmr bench --method all`,"
            " then `slmr leaderboard`.",
            icon=":material/info:",
        )
    current.run()
    _notices(results)
    FIRST_SHOWN.set()


def _notes(notes: Sequence[tuple[str, str]]) -> None:
    """Draws the notes on the shown runs."""
    for start, rest in notes:
        if rest:
            with st.expander(plain(start)):
                st.text(rest)
        else:
            st.caption(f":material/info: {plain(start)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--results", type=Path, default=Path("runs"))
    parser.add_argument("--sample", action="store_true", help="they are the package's sample results")
    return parser.parse_known_args(sys.argv[1:])[0]


def _earlier_address() -> None:
    """Rewrites links from versions without suites."""
    if edition := st.query_params.get("edition"):
        query = {name: st.query_params.get_all(name) for name in st.query_params if name != "edition"}
        st.query_params.from_dict({"suite": edition, **query})
        st.rerun()


def _page(title: str, path: str, icon: str, folder: Path, view: View | None) -> st.Page:  # type: ignore[valid-type]
    def draw() -> None:
        if view is None:
            _empty(folder)
            return
        st.title("slmr leaderboard" if path == "board" else title, anchor=False)
        st.markdown(f"**{plain(view.results.suite(view.filters.suite).description)}**")
        _notes(notes_on(view.results, view.filters))
        page(path)(view)

    return st.Page(draw, title=title, icon=icon, url_path=path, default=path == "board")


def _empty(folder: Path) -> None:
    st.subheader("No results yet")
    st.text(f"There is no readable summary.json in or below {folder}. Train and measure every method with:")
    st.code("slmr bench --method all", language="bash")


def _view(results: Results) -> View:
    """The filter widgets. Streamlit keeps them in the URL and drops values that are not among the options."""
    with st.sidebar:
        suites = [suite.name for suite in results.suites]
        suite = (
            st.selectbox(
                "Suite",
                suites,
                key="suite",
                bind="query-params",
                help="Means and ranks are over the tasks of one suite; suites are never ranked together.",
            )
            or suites[0]
        )
        aside = st.toggle(
            "Ablations and controls",
            key="ablations",
            bind="query-params",
            help="Shown beside the methods. They have no rank.",
        )
        choices = {
            key: _several(label, values(results, suite, column), key)
            for key, label, column in (
                ("student", "Student or model", "student"),
                ("kind", "Kind of method", "method_kind"),
                ("task", "Task", "task"),
                ("seed", "Training seed", "seed"),
            )
        }
        labels = older_versions(results, suite)
        versions = _several("Older versions", labels, "version") if labels else ()
    filters = Filters(
        suite,
        choices["student"],
        choices["kind"],
        choices["task"],
        tuple(map(int, choices["seed"])),
        versions,
    )
    return View(results, filters, aside)


def _several(label: str, options: list[str], key: str) -> tuple[str, ...]:
    """A filter that shows everything when nothing is picked."""
    label_of = kind_label if key == "kind" else str
    choices = st.multiselect(label, options, key=key, placeholder="all", bind="query-params", format_func=label_of)
    return tuple(value for value in choices if value in options)


def _notices(results: Results) -> None:
    """Draws notices as plain text: text from a file must not become markup."""
    if results.notices:
        with st.expander(f"Left out ({len(results.notices)})", expanded=len(results.notices) < 4):
            for notice in results.notices:
                st.text(notice)


main()
