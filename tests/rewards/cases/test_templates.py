"""Templates are filled in with two different numbers and letters, until no placeholder remains."""

from __future__ import annotations

import pytest

from slmr.rewards.cases.adversarial import ADVERSARIAL
from slmr.rewards.cases.templates import CaseText, box_rows, fill_templates, pair_rows, rows_of
from slmr.rewards.cases.value_changing import VALUE_CHANGING
from slmr.rewards.cases.value_preserving import VALUE_PRESERVING

MARKS = ("<n>", "<m>", "<n-1>", "<n+1>", "<L>", "<M>", "<l>")


@pytest.mark.parametrize("table", [VALUE_PRESERVING, VALUE_CHANGING, ADVERSARIAL])
def test_no_placeholder_remains(table: dict[str, tuple[CaseText, ...]]) -> None:
    for _, _, text, gold in fill_templates(table, seed=4):
        assert not any(mark in text + gold for mark in MARKS), text


def test_placeholders_of_a_row_have_different_values() -> None:
    table = {"family": rows_of("numeric", "<n>", "<m>")}
    rows = list(fill_templates(table, seed=0))
    assert len(rows) == 3 and all(text != gold for _, _, text, gold in rows)


def test_values_depend_on_the_seed() -> None:
    first, second, other = (list(fill_templates(VALUE_PRESERVING, seed)) for seed in (3, 3, 4))
    assert first == second != other


def test_rows_with_a_box() -> None:
    assert box_rows("5", "4+1") == pair_rows(("4+1", "5")) == (("math", "So it is $\\boxed{4+1}$.", "5"),)
