"""Compares methods on the same items: differences, flipped items, completions side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from slmr.config import STAGEWISE
from slmr.errors import RequestError
from slmr.results.analysis.compare import Comparison, compare_results, overall_differences
from slmr.results.analysis.ranking import Ranking
from slmr.results.render.conclusions import comparison_in_words
from slmr.results.render.tables import comparison_table, differences_table
from slmr.results.runs.completions import CompletionFilter, cell_of, find, words_without_counterpart
from slmr.results.runs.method_results import MethodResult
from slmr.results.runs.suites import Suite
from slmr_leaderboard.views.parts import (
    NOT_KEPT,
    View,
    nothing,
    of_one_student,
    pick,
    plain,
    show_table,
    show_text,
)

_HELP = {"detectable": "The smallest true difference, in points, that is detectable with 80 % power."}


@of_one_student
def show(view: View, ranking: Ranking) -> None:
    results = {result.name: result for result in view.method_results(ranking)}
    if len(results) < 2:
        nothing("A comparison needs two methods: widen the filters.")
        return
    names = list(results)
    first, other = _opening(ranking, names)
    left, right = st.columns(2)
    a = names[pick("Method A", names, "a", names.index(first), left)]
    others = [name for name in names if name != a]
    rivals = right.multiselect(
        "Against", others, default=[other] if other in others else others[:1], key="b", bind="query-params"
    )
    comparisons = [c for name in rivals if (c := _comparison(results[a], results[name], ranking.suite))]
    if not comparisons:
        nothing("Choose one or more methods to compare with that share a seed with A.")
        return
    if len(comparisons) > 1:
        differences = overall_differences({comparison.b: comparison for comparison in comparisons})
        table = differences_table(differences, f"{a} minus it", f"{a} against several")
        st.caption(str(table.title))
        show_table(table)
    for comparison in comparisons:
        st.subheader(f"{comparison.a} minus {comparison.b}", anchor=False)
        st.text(comparison_in_words(comparison))
        show_table(comparison_table(comparison), _HELP)
        for notice in comparison.notices:
            st.text(notice)
    _flips(results, comparisons)


def _opening(ranking: Ranking, names: Sequence[str]) -> tuple[str, str]:
    """The two methods to begin with: `stagewise` if it is there, and the best baselines."""
    baselines = [m.name for m in ranking.methods if m.rank and m.kind not in (STAGEWISE, "base") and m.name in names]
    order = list(dict.fromkeys([STAGEWISE] * (STAGEWISE in names) + baselines + list(names)))
    return order[0], order[1]


def _comparison(a: MethodResult, b: MethodResult, suite: Suite | None) -> Comparison | None:
    """The comparison of A with B, if they have a seed and the items in common."""
    if not set(a.seeds) & set(b.seeds):
        st.text(f"{b.name} is left out: it has seeds {b.seeds}, {a.name} has {a.seeds}")
        return None
    try:
        return compare_results(a, b, suite)
    except RequestError as error:
        st.text(f"{b.name} is left out: {error}")
        return None


def _flips(results: dict[str, MethodResult], comparisons: Sequence[Comparison]) -> None:
    """The items on which one method is better, and both methods' completions of one of them."""
    st.subheader("Items that flipped", anchor=False)
    left, middle, right = st.columns(3)
    comparison = comparisons[pick("Against", [c.b for c in comparisons], "with", place=left)]
    a, b = results[comparison.a], results[comparison.b]
    tasks = comparison.tasks
    task = tasks[pick("Task", [t.task for t in tasks], "flip_task", place=middle)]
    ways = [f"only {a.name}", f"only {b.name}"]
    way = pick("Which", ways, "way", place=right)
    items = (task.only_a, task.only_b)[way]
    if not items:
        nothing(f"No item of {task.task} that {ways[way]} gets right.")
        return
    item = _step_through(items)
    seed = next(seed for seed in a.seeds if seed in b.seeds)
    _side_by_side(a, b, task.task, seed, item)


def _step_through(items: Sequence[str]) -> str:
    """The chosen item, at first that with the largest difference; draws buttons to the next and the previous one."""
    label, before, after = st.columns([4, 1, 1], vertical_alignment="bottom")
    at = pick(f"Item, of {len(items)}, the largest differences first", items, "flip", place=label)

    def go_to(index: int) -> None:
        st.session_state["flip"] = items[index]

    before.button(
        "Previous",
        icon=":material/chevron_left:",
        disabled=at == 0,
        on_click=go_to,
        args=(at - 1,),
        width="stretch",
    )
    after.button(
        "Next",
        icon=":material/chevron_right:",
        disabled=at + 1 == len(items),
        on_click=go_to,
        args=(min(at + 1, len(items) - 1),),
        width="stretch",
    )
    return items[at]


def _side_by_side(a: MethodResult, b: MethodResult, task: str, seed: int, item: str) -> None:
    completions_a, completions_b = (_completions(result, task, seed, item) for result in (a, b))
    if not completions_a or not completions_b:
        nothing(f"There are no completions of {item} with seed {seed}.")
        return
    st.caption(f"{item}, seed {seed}. Words that the other completion lacks in that place are marked.")
    if completions_a[0]["prompt"]:
        show_text(completions_a[0]["prompt"])
    for pair in zip(completions_a, completions_b, strict=False):
        marks = words_without_counterpart(*(row["completion"] or "" for row in pair))
        for column, result, row, marked in zip(st.columns(2), (a, b), pair, marks, strict=True):
            with column:
                icon = ":material/check_circle:" if row["strict"] else ":material/cancel:"
                st.markdown(f"{icon} {'right' if row['strict'] else 'not right'}: {plain(result.name)}")
                if row["completion"] is None:
                    st.caption(NOT_KEPT)
                else:
                    show_text(row["completion"], marked)


def _completions(result: MethodResult, task: str, seed: int, item: str) -> list[dict[str, Any]]:
    cell = cell_of(result, task, seed)
    try:
        return find(cell, CompletionFilter(items=(item,)), limit=8) if cell else []
    except OSError as error:
        st.text(str(error))
        return []
