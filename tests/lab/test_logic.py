"""lab_logiqa: one option is right, and the order of the facts is no part of the problem."""

from __future__ import annotations

from random import Random

import pytest

from slmr.lab.logic import draw_logiqa
from tests.lab import reader


@pytest.mark.parametrize("level", range(1, 6))
def test_one_of_four_options_is_right(level: int) -> None:
    letters = set()
    for seed in range(60):
        draft = draw_logiqa(Random(seed), level)
        options = draft.problem.split("\n")[1:]
        assert [option[:3] for option in options] == ["A. ", "B. ", "C. ", "D. "]
        assert len({option[3:] for option in options}) == 4
        assert reader.answer("lab_logiqa", draft.problem) == draft.gold
        assert draft.solution.closing == f"Answer: {draft.gold}"
        letters.add(draft.gold)
    assert letters == set("ABCD")


@pytest.mark.parametrize(("level", "people"), [(1, 4), (3, 4), (4, 5), (5, 5)])
def test_more_people_with_the_level(level: int, people: int) -> None:
    drafts = [draw_logiqa(Random(seed), level) for seed in range(40)]
    orderings = [draft for draft in drafts if "Who is" in draft.problem]
    assert orderings and {draft.problem.count(" than ") for draft in orderings} == {people - 1}


def test_the_key_does_not_depend_on_the_order_of_facts() -> None:
    draft = draw_logiqa(Random(3), 3)
    facts, question = draft.key.rsplit(". ", 1)
    assert sorted(facts.split(". ")) == [*facts.split(". ")] and question.endswith("?")
