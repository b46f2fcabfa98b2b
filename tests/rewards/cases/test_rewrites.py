"""Rewrites are filled in with two different numbers and letters."""

from __future__ import annotations

from slmr.rewards.cases.rewrites import CHANGED, KEPT, rewritten


def test_no_mark_is_left() -> None:
    marks = ("<n>", "<m>", "<n-1>", "<n+1>", "<L>", "<M>", "<l>")
    for table in (KEPT, CHANGED):
        for _, _, text, gold in rewritten(table, seed=4):
            assert not any(mark in text + gold for mark in marks), text


def test_no_row_is_in_both_tables() -> None:
    kept, changed = ({row for rows in table.values() for row in rows} for table in (KEPT, CHANGED))
    assert kept and changed and kept & changed == set()
