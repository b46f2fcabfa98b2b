"""Chains of skills: which skills a level has, and two readings of the half-seen ones."""

from __future__ import annotations

import re
from random import Random

import pytest

from slmr import lab
from slmr.lab.chains import Chain, _guessable, draw_chain, draw_skills
from slmr.lab.skills import MOST, SKILLS, Use

EXPOSURE = {skill.name: skill.exposure for skill in SKILLS}


def drawn(level: int, two_unseen: bool, n: int = 300) -> list[list[str]]:
    """The kinds of the skills of `n` problems: k known, h half-seen, u unseen; in any order."""
    lists = [draw_skills(Random(seed), level, two_unseen) for seed in range(n)]
    return [sorted(skill.exposure[0] for skill in skills) for skills in lists]


@pytest.mark.parametrize(
    ("level", "kinds"),
    [(1, {"k"}), (2, {"kk"}), (3, {"h", "hk"}), (4, {"u"}), (5, {"ku"})],
)
def test_a_level_says_what_is_asked_for(level: int, kinds: set[str]) -> None:
    assert {"".join(kind) for kind in drawn(level, False)} == kinds


def test_two_unseen_skills_only_where_they_may_be_and_then_two_different_ones() -> None:
    assert {"".join(kind) for kind in drawn(5, True)} == {"ku", "uu"}
    for seed in range(200):
        first, second = draw_skills(Random(seed), 5, True)
        assert first is not second


def test_most_unseen_skills_are_compound() -> None:
    names = [draw_skills(Random(seed), 4, False)[0].exposure for seed in range(500)]
    assert 0.74 < names.count("unseen compound") / 500 < 0.86


@pytest.mark.parametrize("level", range(1, 6))
def test_values_are_in_bounds_and_a_misreading_shows(level: int) -> None:
    for seed in range(100):
        rng = Random(seed)
        chain = draw_chain(rng, draw_skills(rng, level, True))
        results = [int(step.result) for step in chain.steps()]
        assert all(0 < value <= MOST for value in results)
        half_seen = any(EXPOSURE[name] == "half-seen" for name in chain.skills)
        assert bool(chain.misread()) == half_seen == (level == 3)
        if half_seen:
            assert chain.misread()[-1].result != chain.steps()[-1].result


def test_steps_inside_a_skill_are_those_that_serve_its_last() -> None:
    for seed in range(100):
        rng = Random(seed)
        chain = draw_chain(rng, draw_skills(rng, 5, True))
        outer = sum(not step.inside for step in chain.steps())
        assert outer == len(chain.skills)


@pytest.mark.parametrize("name", ["lab_gsm8k", "lab_math"])
def test_no_two_operations_on_the_numbers_of_the_text_end_at_a_compound_skill_s_answer(name: str) -> None:
    """Luck is rare: the number that a word tells is needed."""
    checked = 0
    for item in lab.take(lab.generator(name), "train", 300):
        if item.exposure != "unseen compound":
            continue
        numbers = {int(n) for n in re.findall(r"\d+", item.problem)}
        once = {v for a in numbers for b in numbers for v in worth(a, b)}
        assert int(item.gold) not in once | {v for a in once for b in numbers for v in worth(a, b)}, item.problem
        checked += 1
    assert checked > 20


def test_what_can_be_guessed_is_what_two_operations_give() -> None:
    week = next(skill for skill in SKILLS if skill.name == "week")
    for start, n in ((8, 2), (24, 3), (60, 8), (17, 17)):
        once = {v for a in (start, n) for b in (start, n) for v in worth(a, b) if v > 0}
        twice = once | {v for a in once for b in (start, n) for v in worth(a, b)}
        guessable = {value for value in range(1, 500) if _guessable(Chain(start, (Use(week, {"n": n}),)), value)}
        assert guessable == {v for v in twice if 0 < v < 500}


def worth(a: int, b: int) -> set[float]:
    """By another route than the generator's: exact quotients only."""
    return {a + b, a - b, a * b, *([a // b] if b and a % b == 0 else [])}
