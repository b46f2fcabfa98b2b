"""Word problems: the numbers of each level, and the answers by another reading."""

from __future__ import annotations

from random import Random

import pytest

from slmr.lab.items import Draft
from slmr.lab.stories import draw_gsm8k, draw_mawps, draw_svamp
from tests.lab import reader

DRAWS = {"lab_gsm8k": draw_gsm8k, "lab_mawps": draw_mawps, "lab_svamp": draw_svamp}


def drafts(task: str, level: int, n: int = 80) -> list[Draft]:
    return [DRAWS[task](Random(seed), level) for seed in range(n)]


@pytest.mark.parametrize("task", DRAWS)
@pytest.mark.parametrize("level", range(1, 6))
def test_the_gold_is_the_answer_and_no_value_is_large(task: str, level: int) -> None:
    for draft in drafts(task, level):
        assert str(reader.answer(task, draft.problem)) == draft.gold
        assert draft.solution.closing == f"#### {draft.gold}"
        assert all(0 < int(step.result) <= 100 for step in draft.solution.steps)


def test_steps_by_level() -> None:
    for level in range(1, 6):
        assert {len(d.solution.steps) for d in drafts("lab_gsm8k", level)} == {level}
        assert {len(d.solution.steps) for d in drafts("lab_mawps", level)} == {1 if level < 4 else 2}
        assert {len(d.solution.steps) for d in drafts("lab_svamp", level)} == {1}


def test_a_level_of_svamp_is_its_sentences_that_do_not_matter() -> None:
    """One or two facts, level - 1 distractors, the question."""
    for level in range(1, 6):
        counts = {d.problem.count(". ") + 1 for d in drafts("lab_svamp", level)}
        assert counts == {level + 1, level + 2}


def test_the_same_state_draws_the_same() -> None:
    for task, draw in DRAWS.items():
        assert draw(Random(5), 3) == draw(Random(5), 3), task
