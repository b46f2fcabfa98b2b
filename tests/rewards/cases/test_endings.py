"""The endings themselves; what the checkers make of them is in tests/verify."""

from __future__ import annotations

from slmr.rewards.cases.endings import STRICT, WORKED, endings
from tests.verify.endings import wrong_golds


def test_an_ending_in_its_own_form_is_the_work_and_the_form() -> None:
    for kind in ("numeric", "math", "choice"):
        own = [ending for ending in endings(kind) if ending.own_form]
        texts = {WORKED[kind] + STRICT[kind].format(s) for e in own for s in e.gold.spellings}
        assert own and {ending.text for ending in own} == texts


def test_a_wrong_gold_has_another_value() -> None:
    pairs = list(wrong_golds(200, seed=3))
    assert len(pairs) > 150 and all(ending.gold.key != other.key for ending, other in pairs)
