"""Nothing that a policy under reward tries is paid by the checkers; a checker that pays the last number is caught."""

from __future__ import annotations

import re

from slmr.rewards.cases.adversarial import ADVERSARIAL
from slmr.rewards.cases.templates import fill_templates
from slmr.verify import verify


def test_the_checkers_pay_none_of_them() -> None:
    paid = [text for _, kind, text, gold in fill_templates(ADVERSARIAL, seed=9) if verify(text, gold, kind).lenient]
    assert paid == []


def test_who_looks_for_the_gold_anywhere_pays_for_work() -> None:
    rows = [row for row in fill_templates(ADVERSARIAL, seed=9) if row[0] == "gold in the work" and row[1] == "numeric"]
    assert rows and all(re.search(rf"\b{gold}\b", text) for _, _, text, gold in rows)
