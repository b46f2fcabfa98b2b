"""What several pages draw: choosing a method, texts of a model, figures, tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import streamlit as st

from slmr.results.entries import Entry
from slmr.results.html import escape, sorted_standings
from slmr.results.ranking import Board
from slmr.results.selection import Filters, Results, boards

LONGEST = 20_000  # characters of one text that are shown
NOT_KEPT = "text not published, to save space"
TEXT_STYLE = (
    "<style>.slmr-text{white-space:pre-wrap;overflow-wrap:anywhere;font-family:'Source Code Pro',monospace;"
    "font-size:.84rem;line-height:1.5;margin:.1rem 0 .6rem;padding:.55rem .75rem;border-radius:.4rem;"
    "background:rgba(128,128,128,.10)}"
    ".slmr-text mark{background:rgba(230,159,0,.38);color:inherit;border-radius:2px}"
    ".slmr-below{font-size:.84rem;opacity:.7;margin-bottom:.8rem}"
    ".slmr-text .wrong{background:rgba(213,94,0,.34);border-radius:2px}</style>"
)


@dataclass(frozen=True)
class View:
    """What a page shows."""

    results: Results
    filters: Filters

    @cached_property
    def boards(self) -> list[Board]:
        return boards(self.results, self.filters)

    def entries(self, found: Board) -> list[Entry]:
        """Those of a board that the kind filter lets through; base is always there."""
        return [s.entry for s in sorted_standings(found, self.filters.kinds)]


def is_dark() -> bool:
    """Whether the page is drawn on dark."""
    return st.context.theme.type == "dark"


def nothing(what: str) -> None:
    """An empty state, in words."""
    st.info(what, icon=":material/search_off:")


def pick_board(view: View) -> Board | None:
    """The student whose methods a page shows, chosen where there are several."""
    if not view.boards:
        nothing("No result fits these filters.")
        return None
    names = [found.student for found in view.boards]
    name = names[0] if len(names) == 1 else st.segmented_control(
        "Student", names, default=names[0], key="of", bind="query-params", required=True
    )  # fmt: skip
    return next((found for found in view.boards if found.student == name), view.boards[0])


def pick(label: str, names: Sequence[str], key: str, first: int = 0) -> int:
    """The place of one of some names, kept in the address; `first` until another is chosen."""
    name = st.selectbox(label, names, index=first, key=key, bind="query-params")
    return names.index(name) if name in names else first


def pick_entry(found: Sequence[Entry]) -> Entry:
    """One of some entries by name; until another is chosen `stagewise`, and without it the best, which stands first."""
    names = [entry.name for entry in found]
    return found[pick("Method", names, "method", names.index("stagewise") if "stagewise" in names else 0)]


def pick_seed(entry: Entry) -> int:
    """One of an entry's seeds."""
    if len(entry.seeds) == 1:
        return entry.seeds[0]
    return entry.seeds[pick("Training seed", list(map(str, entry.seeds)), "one_seed")]


def text_html(text: str, marks: Sequence[tuple[int, int]] = (), css: str = "mark") -> str:
    """A model's text as text, whatever it holds; spans of it marked. Long ones are cut, and say so."""
    text = text or "(nothing)"
    shown, parts, at = text[:LONGEST], [], 0
    for start, end in marks:
        if end <= LONGEST:
            inside = escape(shown[start:end])
            marked = f"<mark>{inside}</mark>" if css == "mark" else f'<span class="{css}">{inside}</span>'
            parts += [escape(shown[at:start]), marked]
            at = end
    parts.append(escape(shown[at:]))
    rest = f"\n… and {len(text) - LONGEST:,} more characters" if len(text) > LONGEST else ""
    return f'<div class="slmr-text">{"".join(parts)}{rest}</div>'


def show_text(text: str, marks: Sequence[tuple[int, int]] = (), css: str = "mark") -> None:
    """Draws `text_html`."""
    st.html(TEXT_STYLE + text_html(text, marks, css))


def plain(text: str) -> str:
    """A name or message as text inside of Markdown."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]()<>#+-.!|$~:" else c for c in text)


def draw(figure: Any, alt: str) -> None:
    """A figure as wide as the page, in the page's colours; its title is the heading above it."""
    height = figure.layout.height - 60 if figure.layout.height else None
    figure.update_layout(template=None, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", title=None,
                         height=height, margin={"t": 40, "b": 50, "l": 60, "r": 20})  # fmt: skip
    st.plotly_chart(figure, width="stretch", config={"displayModeBar": False})
    st.caption(alt)


def table(rows: Sequence[dict[str, Any]], help: dict[str, str] | None = None) -> None:
    """A small table of texts and numbers, all to the right but the first column."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    config = {
        name: st.column_config.TextColumn(help=(help or {}).get(name), alignment="right" if i else "left")
        for i, name in enumerate(names)
    }
    shown = [{name: str(row.get(name, "")) for name in names} for row in rows]
    st.dataframe(shown, hide_index=True, placeholder="", height="content", column_config=config)
