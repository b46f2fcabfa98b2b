"""Two or more methods on the same items: differences, the items that flipped, completions side by side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

import streamlit as st

from slmr.errors import RequestError
from slmr.results.compare import (
    Comparison,
    compare_entries,
    detectable,
    p_value,
    shown_difference,
    verdict,
)
from slmr.results.completions import Wanted, find
from slmr.results.entries import Entry
from slmr.stats import holm
from slmr_leaderboard.pages.parts import NOT_KEPT, View, nothing, pick_board, plain, show_text, table
from slmr_leaderboard.pages.samples import cell_of

Span = tuple[int, int]


def show(view: View) -> None:
    found = pick_board(view)
    if found is None:
        return
    entries = {entry.name: entry for entry in view.entries(found)}
    if len(entries) < 2:
        nothing("A comparison needs two methods: widen the filters.")
        return
    names = list(entries)
    best = next((s.name for s in found.standings if s.rank == 1 and s.name in entries), names[0])
    other = "base" if "base" in names and best != "base" else next(name for name in names if name != best)
    left, right = st.columns(2)
    a = left.selectbox("Method A", names, index=names.index(best), key="a", bind="query-params") or best
    rest = [name for name in names if name != a]
    chosen = right.multiselect(
        "against", rest, default=[other] if other in rest else rest[:1], key="b", bind="query-params"
    )
    made = [one for name in chosen if (one := _compared(entries[a], entries[name]))]
    if not made:
        nothing("Choose one method or several to compare with, measured with seeds that A has, too.")
        return
    if len(made) > 1:
        _overview(a, made)
    for comparison, one in made:
        _details(comparison, one)
    _flips(entries[a], made)


def _compared(a: Entry, b: Entry) -> tuple[Comparison, Entry] | None:
    """A against B, if they have a seed and their items in common."""
    if not set(a.seeds) & set(b.seeds):
        st.text(f"{b.name} is left out: it has seeds {b.seeds}, {a.name} has {a.seeds}")
        return None
    try:
        return compare_entries(a.name, a, b.name, b), b
    except RequestError as error:
        st.text(f"{b.name} is left out: {error}")
        return None


def _overview(a: str, made: Sequence[tuple[Comparison, Entry]]) -> None:
    """A against several, corrected for their number."""
    means = [comparison.overall for comparison, _ in made]
    rows = []
    for (comparison, b), d, p in zip(made, means, holm([d.p for d in means]), strict=True):
        shown, interval = shown_difference(d)
        rows.append({f"{a} minus": b.name, "points": shown, "95 % interval": interval, "p (Holm)": p_value(p),
                     "found at": f"{100 * detectable(d):.1f}", "seeds": str(comparison.seeds)})  # fmt: skip
    table(rows, _HELP)


_HELP = {"found at": "A true difference of so many points is found four times in five."}


def _details(found: Comparison, b: Entry) -> None:
    st.subheader(f"{found.a} minus {b.name}", anchor=False)
    st.text(verdict(found, a=found.a, b=b.name))
    rows = []
    for t in found.tasks:
        shown, interval = shown_difference(t.difference)
        rows.append({"task": t.task, "items": t.items, found.a: f"{100 * t.a:.1f}", b.name: f"{100 * t.b:.1f}",
                     "difference": shown, "95 % interval": interval, "p (Holm)": p_value(t.p),
                     "found at": f"{100 * t.detectable:.1f}", f"better in {found.a}": len(t.only_a),
                     f"better in {b.name}": len(t.only_b)})  # fmt: skip
    if found.mean:
        shown, interval = shown_difference(found.mean)
        rows.append({"task": "mean", "difference": shown, "95 % interval": interval, "p (Holm)": p_value(found.mean.p),
                     "found at": f"{100 * detectable(found.mean):.1f}"})  # fmt: skip
    table(rows, _HELP)
    for notice in found.notices:
        st.text(notice)


def _flips(a: Entry, made: Sequence[tuple[Comparison, Entry]]) -> None:
    """The items on which one of the two is better, and both one's completions of one of them."""
    st.subheader("Items that flipped", anchor=False)
    columns = st.columns(4)
    names = [b.name for _, b in made]
    name = columns[0].selectbox("Against", names, key="with", bind="query-params") or names[0]
    found, b = next((one for one in made if one[1].name == name), made[0])
    tasks = [t.task for t in found.tasks]
    task = columns[1].selectbox("Task", tasks, key="flip_task", bind="query-params") or tasks[0]
    of_task = next((t for t in found.tasks if t.task == task), found.tasks[0])
    ways = {f"better in {a.name}": of_task.only_a, f"better in {b.name}": of_task.only_b}
    way = columns[2].selectbox("Which", list(ways), key="way", bind="query-params") or next(iter(ways))
    items = ways.get(way, of_task.only_a)
    if not items:
        nothing(f"No item of {task} is {way}.")
        return
    item = columns[3].selectbox(f"Item, of {len(items)}", items, key="flip", bind="query-params") or items[0]
    seed = next(seed for seed in a.seeds if seed in b.seeds)
    _side_by_side(a, b, task, seed, item if item in items else items[0])


def _side_by_side(a: Entry, b: Entry, task: str, seed: int, item: str) -> None:
    sides = [_completions(entry, task, seed, item) for entry in (a, b)]
    if not all(sides):
        nothing(f"The completions of {item} with seed {seed} are not there.")
        return
    st.caption(f"{item}, seed {seed}. Words that the other one does not have in this place are marked.")
    if sides[0][0]["prompt"]:
        show_text(sides[0][0]["prompt"])
    for left, right in zip(*sides, strict=False):
        marks = differing(left["completion"] or "", right["completion"] or "")
        for column, entry, row, mine in zip(st.columns(2), (a, b), (left, right), marks, strict=True):
            with column:
                icon = ":material/check_circle:" if row["strict"] else ":material/cancel:"
                st.markdown(f"{icon} {'right' if row['strict'] else 'not right'}: {plain(entry.name)}")
                if row["completion"] is None:
                    st.caption(NOT_KEPT)
                else:
                    show_text(row["completion"], mine)


def _completions(entry: Entry, task: str, seed: int, item: str) -> list[dict[str, Any]]:
    cell = cell_of(entry, task, seed)
    try:
        return find(cell, Wanted(items=(item,)), limit=8) if cell else []
    except OSError as error:
        st.text(str(error))
        return []


def differing(a: str, b: str) -> tuple[list[Span], list[Span]]:
    """The words of two texts that have no counterpart in the other, as spans of characters."""
    words = [[(m.start(), m.end()) for m in re.finditer(r"\S+", text[:20_000])] for text in (a, b)]
    left, right = (
        [text[start:end] for start, end in spans] for text, spans in zip((a, b), words, strict=True)
    )
    spans: tuple[list[Span], list[Span]] = ([], [])
    for tag, i, j, k, n in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag != "equal":
            for side, (start, end) in enumerate(((i, j), (k, n))):
                if end > start:
                    spans[side].append((words[side][start][0], words[side][end - 1][1]))
    return spans
