"""What pages are made of: text stays text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from plotly.graph_objects import Figure
from slmr_leaderboard.views.parts import legend_html, plain, text_html


def test_a_legend_has_every_name_once_as_text() -> None:
    figure = Figure()
    figure.add_bar(x=[1], y=["a"], name="<b>", marker_color="#000001")
    figure.add_scatter(x=[1], y=[1], mode="lines", name="line", line={"color": "#000002"})
    figure.add_scatter(x=[1], y=[1], mode="markers", name="hidden", showlegend=False)
    shown = legend_html(figure)
    assert "&lt;b&gt;" in shown and 'class="line" style="background:#000002"' in shown and "hidden" not in shown
    assert legend_html(Figure()) == ""


@given(st.text(), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=3))
def test_text_is_whole_and_escaped_whatever_it_holds(text: str, spans: list[tuple[int, int]]) -> None:
    marks, at = [], 0
    for a, b in spans:
        start, end = sorted((max(a, at), max(b, at)))
        marks.append((min(start, len(text)), min(end, len(text))))
        at = end
    shown = text_html(text, marks)
    inside = shown.removeprefix('<div class="slmr-text">').removesuffix("</div>").replace("<mark>", "")
    assert "<" not in inside.replace("</mark>", "") and "\x1b" not in shown
    for letter in "abcxyz0123456789":
        if letter not in "x0123456789abcdef":  # those are in the escapes, too
            assert inside.replace("mark", "").count(letter) >= text.count(letter)


@given(st.text())
def test_a_name_in_markdown_stays_a_name(text: str) -> None:
    assert all(c.isalnum() or c not in "*_[]()<>`$#" for c in plain(text).replace("\\\\", "").split("\\")[0])
