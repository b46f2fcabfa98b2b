"""The table of skills: complete, unambiguous, and what is called unseen cannot be read off the digits."""

from __future__ import annotations

import re
from collections import Counter
from string import Formatter

import pytest

from slmr.lab.skills import MOST, SKILLS, Skill, Use, skills_with


def wordings(skill: Skill) -> list[str]:
    return [*skill.story, *skill.place, skill.formula]


def used(equations: tuple[str, ...]) -> set[str]:
    return {part for equation in equations for part in equation.split() if part in ("n", "m")}


def test_twelve_or_more_skills_of_every_exposure() -> None:
    assert len(SKILLS) >= 12 and len({skill.name for skill in SKILLS}) == len(SKILLS)
    counts = Counter(skill.exposure for skill in SKILLS)
    assert len(counts) == 4 and min(counts.values()) >= 3


@pytest.mark.parametrize("skill", SKILLS, ids=lambda skill: skill.name)
def test_a_wording_says_just_the_numbers_that_the_equations_use(skill: Skill) -> None:
    for wording in wordings(skill):
        fields = {field for _, field, _, _ in Formatter().parse(wording) if field}
        assert fields & {"n", "m"} == used(skill.equations), wording
    assert {name for name, ends in (("n", skill.n), ("m", skill.m)) if ends} == used(skill.equations)


def test_no_wording_of_two_skills() -> None:
    said = Counter(w for skill in SKILLS for w in {*wordings(skill)})
    assert max(said.values()) == 1


def test_only_half_seen_skills_are_misread() -> None:
    for skill in SKILLS:
        assert bool(skill.misreading) == (skill.exposure == "half-seen")


def test_a_compound_skill_hides_a_number_that_no_digit_tells() -> None:
    for skill in skills_with("unseen compound"):
        assert len(skill.equations) >= 2
        hidden = {part for equation in skill.equations for part in equation.split() if part.isdigit()}
        assert hidden and not re.search(r"\d", " ".join(wordings(skill)))


def test_an_unseen_skill_of_one_step_names_its_number() -> None:
    for skill in skills_with("unseen one-step"):
        assert len(skill.equations) == 1 and used(skill.equations) == {"n"}


def test_no_known_or_half_seen_skill_computes_what_an_unseen_compound_one_does() -> None:
    seen = {skill.equations for skill in skills_with("known", "half-seen")}
    seen |= {skill.misreading for skill in skills_with("half-seen")}
    assert not seen & {skill.equations for skill in skills_with("unseen compound")}


def test_results_outside_of_the_bounds_do_not_fit() -> None:
    (loss,) = [skill for skill in SKILLS if skill.name == "loss"]
    assert Use(loss, {"n": 5}).compute(20) == [15]
    assert Use(loss, {"n": 20}).compute(20) is None
    (third,) = [skill for skill in SKILLS if skill.name == "third off"]
    assert Use(third, {"n": 4}).compute(20) is None and Use(third, {"n": 4}).compute(21) == [7, 14, 10]
    (times,) = [skill for skill in SKILLS if skill.name == "times"]
    assert Use(times, {"n": 5}).compute(MOST) is None


def test_expressions_refer_to_the_steps_before() -> None:
    (fourth,) = [skill for skill in SKILLS if skill.name == "every fourth"]
    assert Use(fourth, {"n": 3}).expressions("@1", 2) == ["@1 / 4", "@2 * 3", "@1 + @3"]
    (half,) = [skill for skill in SKILLS if skill.name == "half again"]
    assert Use(half, {}).expressions("8", 0, misread=True) == ["8 / 2"]
