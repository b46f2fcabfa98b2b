"""Tables in a terminal of any width: no name and no number is cut."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console
from rich.table import Table

from slmr.results.render.text_tables import fitted, text_table

HEADS = ("check", "items", "what is tolerated", "change, points", "verdict of the gate")
ROWS = [
    ("lab_gsm8k", "600", "a loss of 2.0 points", "+1.5 (-0.4 to +3.4)", "held"),
    ("stagewise_model_teacher", "1,234", "a loss of 0.0 points", "-14.5 (-20.4 to -8.4)", "FAIL: worse"),
]


def shown(width: int, tables: list[Table]) -> str:
    terminal = Console(width=width, file=StringIO(), record=True)
    for table in tables:
        terminal.print(table)
    return terminal.export_text()


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_every_cell_of_no_prose_stands_whole_in_a_line_within_the_width(width: int) -> None:
    table = text_table("Title", HEADS, ROWS, "Caption", left=("check",))
    parts = fitted(table, width, prose=("what is tolerated",))
    printed = shown(width, parts)
    assert max(map(len, printed.splitlines())) <= width and "…" not in printed
    for row in ROWS:
        assert all(f" {cell} " in printed for n, cell in enumerate(row) if n != 2)
        assert all(f" {word}" in printed for word in row[2].split())
    assert all(word in printed for head in HEADS for word in head.split())
    assert printed.startswith("Title") and printed.rstrip().endswith("Caption")
    assert all(part.columns[0].header == "check" for part in parts) and (len(parts) == 1) == (width >= 100)


def test_a_heading_is_broken_before_a_column_is_left_out_and_the_first_to_spare_goes_first() -> None:
    table = text_table("", ("a", "a long heading", "b"), [("1", "22", "333")])
    (alike,) = fitted(table, 24, spare=("a long heading", "b"))
    assert [column.header for column in alike.columns] == ["a", "a long heading", "b"]
    (fewer,) = fitted(table, 14, spare=("a long heading", "b"))
    assert [column.header for column in fewer.columns] == ["a", "b"]
    (none,) = fitted(table, 14, spare=(("a long heading", "b"),))
    assert [column.header for column in none.columns] == ["a"]
    assert fitted(table, 40) == [table]


def test_each_part_begins_with_the_keys_and_markup_takes_no_room() -> None:
    table = text_table("", ("one", "two", "three", "four"), [("[bold]x[/bold]", "y", "3" * 9, "4" * 9)])
    parts = fitted(table, 24, keys=2)
    assert [[c.header for c in part.columns] for part in parts] == [
        ["one", "two", "three"],
        ["one", "two", "four"],
    ]
    assert fitted(table, 37) == [table]
