"""Rewrites that change the value are not paid by the checkers, and none of them is also said to keep it."""

from __future__ import annotations

import pytest

from slmr.rewards.cases.templates import fill_templates
from slmr.rewards.cases.value_changing import VALUE_CHANGING
from slmr.rewards.cases.value_preserving import VALUE_PRESERVING
from slmr.verify import verify


@pytest.mark.parametrize("seed", range(3))
def test_the_checkers_pay_none_of_them(seed: int) -> None:
    rows = fill_templates(VALUE_CHANGING, 100 + seed)
    assert [text for _, kind, text, gold in rows if verify(text, gold, kind).lenient] == []


def test_no_row_is_in_both_tables() -> None:
    preserving, changing = (
        {row for rows in table.values() for row in rows} for table in (VALUE_PRESERVING, VALUE_CHANGING)
    )
    assert preserving and changing and preserving & changing == set()
