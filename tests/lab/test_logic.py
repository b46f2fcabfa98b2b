"""lab_logiqa: options that mean the same in every problem, all equally often right."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from slmr.lab.logic import FORMS, OPTIONS, draw_logiqa
from tests.lab import reader


@pytest.mark.parametrize("level", range(1, 6))
def test_the_letter_says_how_the_state_follows(level: int) -> None:
    letters = Counter()
    for seed in range(200):
        draft = draw_logiqa(Random(seed), level, False)
        assert draft.problem.endswith("\n" + OPTIONS)
        assert reader.answer("lab_logiqa", draft.problem) == draft.gold
        assert draft.solution.closing == f"Answer: {draft.gold}"
        assert draft.skills == (FORMS["ABCD".index(draft.gold)],)
        letters[draft.gold] += 1
    assert set(letters) == set("ABCD") and min(letters.values()) > 25


def test_three_rules_in_order_at_first_and_in_any_order_later() -> None:
    for level in (1, 3, 5):
        drafts = [draw_logiqa(Random(seed), level, False) for seed in range(40)]
        assert {draft.problem.count("If ") for draft in drafts} == {3}
        steps = [draft.solution.plain_steps() for draft in drafts]
        assert max(map(len, steps)) == 3 and min(map(len, steps)) == 1
        in_order = {
            draft.problem.startswith(f"If {draft.problem.split('It is ')[1].split('.')[0]} ") for draft in drafts
        }
        assert in_order == ({True} if level == 1 else {True, False})


def test_the_key_does_not_depend_on_the_order_of_rules() -> None:
    draft = draw_logiqa(Random(3), 4, False)
    rules = draft.key.split(". ")[:4]
    assert rules == sorted(rules) and draft.key.endswith("?")
