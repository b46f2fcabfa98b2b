"""Word problems: answers by another reading, transfer in words, distractors."""

from __future__ import annotations

import re
from random import Random

import pytest

from slmr.lab.items import Draft
from slmr.lab.skills import SKILLS
from slmr.lab.stories import draw_gsm8k, draw_mawps, draw_svamp
from tests.lab import reader

DRAWS = {"lab_gsm8k": draw_gsm8k, "lab_mawps": draw_mawps, "lab_svamp": draw_svamp}


def drafts(task: str, level: int, n: int = 80) -> list[Draft]:
    return [DRAWS[task](Random(seed), level, True) for seed in range(n)]


@pytest.mark.parametrize("task", DRAWS)
@pytest.mark.parametrize("level", range(1, 6))
def test_the_gold_is_the_answer(task: str, level: int) -> None:
    for draft in drafts(task, level):
        assert str(reader.answer(task, draft.problem)) == draft.gold, draft.problem
        assert draft.solution.closing == f"#### {draft.gold}"


@pytest.mark.parametrize("task", DRAWS)
def test_a_misreading_is_of_half_seen_skills_and_another_answer(task: str) -> None:
    for level in range(1, 6):
        for draft in drafts(task, level, 30):
            assert (draft.misread is not None) == (level == 3)
            if draft.misread:
                assert draft.misread.closing != draft.solution.closing


def test_mawps_has_words_of_its_own_for_every_skill() -> None:
    for skill in SKILLS:
        assert set(skill.place) - set(skill.story), skill.name


def test_svamp_has_one_or_two_sentences_about_other_things() -> None:
    first = []
    for draft in drafts("lab_svamp", 2, 200):
        *sentences, question = re.split(r"(?<=[.?]) ", draft.problem)
        asked = question.split()[2]
        aside = [asked not in sentence for sentence in sentences]
        assert sum(aside) in (1, 2), draft.problem
        first.append(aside[0])
    assert 20 < sum(first) < 150  # where they stand does not tell


def test_the_same_state_draws_the_same() -> None:
    for task, draw in DRAWS.items():
        assert draw(Random(5), 3, False) == draw(Random(5), 3, False), task
