"""Rewrites that keep the value are paid by the checkers."""

from __future__ import annotations

import pytest

from slmr.rewards.cases.templates import fill_templates
from slmr.rewards.cases.value_preserving import VALUE_PRESERVING
from slmr.verify import verify


@pytest.mark.parametrize("seed", range(3))
def test_the_checkers_pay_all_of_them(seed: int) -> None:
    rows = fill_templates(VALUE_PRESERVING, 100 + seed)
    assert [text for _, kind, text, gold in rows if not verify(text, gold, kind).lenient] == []
