"""Completions behind a cell: found by verdict, text and item, wherever their problems' texts are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.io import read_rows, write_rows
from slmr.results.runs.completions import (
    Cell,
    CompletionFilter,
    cell_of,
    count,
    find,
    formulas_in,
    words_without_counterpart,
)
from slmr.results.runs.method_results import MethodResult, RunRow
from tests.made_results import put_samples, summary_row


@pytest.fixture
def cell(tmp_path: Path) -> Cell:
    strict = np.array([[True, False], [False, False], [True, True]] + [[False, False]] * 9)
    folder = tmp_path / "it's a 'run'"  # a quote in a path must not end an SQL string
    row = put_samples(folder, summary_row("sft"), strict)
    cell = cell_of(MethodResult.of([RunRow(row, folder)]), row.task, row.seed)
    assert cell is not None and cell.k == row.k
    return cell


def names(rows: list[dict[str, object]]) -> list[tuple[object, object]]:
    return [(row["item_id"], row["k_index"]) for row in rows]


def test_pages_go_through_all_of_it_in_the_order_of_the_items(cell: Cell) -> None:
    pages = [find(cell, CompletionFilter(), offset, 5) for offset in range(0, 30, 5)]
    assert [len(page) for page in pages] == [5, 5, 5, 5, 4, 0]
    every = [name for page in pages for name in names(page)]
    assert every == [(f"item-{i}", k) for i in range(12) for k in range(2)]
    assert count(cell, CompletionFilter()) == 24


def test_by_verdict_text_and_item(cell: Cell) -> None:
    right = CompletionFilter(verdicts=("correct",))
    assert names(find(cell, right)) == [("item-0", 0), ("item-2", 0), ("item-2", 1)] and count(cell, right) == 3
    assert names(find(cell, CompletionFilter(text="IS 2 APPLES"))) == [("item-2", 0), ("item-2", 1)]
    assert names(find(cell, CompletionFilter(text="#### -11"))) == [("item-10", 0), ("item-10", 1)]
    assert names(find(cell, CompletionFilter(items=("item-1",), text="0. ####"))) == [
        ("item-1", 0),
        ("item-1", 1),
    ]
    assert find(cell, CompletionFilter(text="' or true --")) == [] and count(cell, CompletionFilter(text="%")) == 0


def test_texts_that_a_published_run_keeps_once_are_joined(cell: Cell, tmp_path: Path) -> None:
    whole = read_rows(cell.samples)
    items = tmp_path / "items.parquet"
    write_rows(items, [{n: row[n] for n in ("item_id", "prompt", "gold")} for row in whole if row["k_index"] == 0])
    write_rows(cell.samples, [{n: v for n, v in row.items() if n not in ("prompt", "gold")} for row in whole])
    joined = Cell(cell.samples, items, 2)
    assert find(joined, CompletionFilter(text="2 apples"))[0]["gold"] == "2"
    without = find(Cell(cell.samples, None, 2), CompletionFilter(items=("item-2",)))
    assert without[0]["prompt"] is None and without[0]["completion"]


def test_texts_that_may_not_be_published_are_none(cell: Cell) -> None:
    texts = ("prompt", "gold", "completion", "extracted", "reason")
    write_rows(cell.samples, [{n: v for n, v in row.items() if n not in texts} for row in read_rows(cell.samples)])
    row = find(cell, CompletionFilter(verdicts=("correct",)))[0]
    assert row["completion"] is None and row["status"] == "correct"


@pytest.mark.parametrize("content", [None, b"", b"no parquet", b"PAR1" + b"\0" * 40 + b"PAR1"])
def test_a_file_that_is_none_says_so(cell: Cell, content: bytes | None) -> None:
    cell.samples.unlink()
    if content is not None:
        cell.samples.write_bytes(content)
    with pytest.raises(OSError, match=r"lab_gsm8k\.parquet"):
        find(cell, CompletionFilter())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("so $x^2$ and $$y\n+1$$", ["x^2", "y +1"]),
        (r"\(a\) then \[b\] is \boxed{\frac{1}{2}}", ["a", "b", r"\boxed{\frac{1}{2}}"]),
        (r"$x$ $x$", ["x"]),
        ("costs $5 and\n$6", []),
        (r"\frac{ $ \boxed{", []),
        (r"\(a $ b\) \(c\)", ["c"]),
    ],
)
def test_formulas_are_found(text: str, found: list[str]) -> None:
    assert formulas_in(text) == found


@given(st.text(alphabet="$\\()[]{}boxed \n<a*"))
def test_no_formula_can_leave_its_mathematics(text: str) -> None:
    assert all("$" not in formula and "\n" not in formula for formula in formulas_in(text))


def test_words_without_counterpart_are_marked() -> None:
    left, right = "2 + 2 = 4. #### 4", "2 + 2 = 5. so #### 5"
    marks = words_without_counterpart(left, right)
    assert [left[a:b] for a, b in marks[0]] == ["4.", "4"]
    assert [right[a:b] for a, b in marks[1]] == ["5. so", "5"]
    assert words_without_counterpart("same", "same") == ([], [])
    assert words_without_counterpart("one two", "one\ntwo") == ([], [])
