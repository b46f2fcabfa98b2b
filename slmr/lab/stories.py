"""lab_gsm8k, lab_mawps, lab_svamp: word problems with a whole number as the answer."""

from __future__ import annotations

from random import Random

from slmr.lab.chains import START, Chain, draw_chain, draw_skills
from slmr.lab.items import Draft
from slmr.lab.skills import of
from slmr.lab.solution import Solution, Step
from slmr.lab.words import NAMES, OBJECTS, PLACES


def draw_gsm8k(rng: Random, level: int, two_unseen: bool) -> Draft:
    """Somebody's things and what happens to them."""
    chain = draw_chain(rng, draw_skills(rng, level, two_unseen))
    who, what = rng.choice(NAMES), rng.choice(OBJECTS)
    question = f"How many {what} does {who} have now?"
    return _draft([*_story(rng, chain, who, what), question], chain)


def draw_mawps(rng: Random, level: int, two_unseen: bool) -> Draft:
    """Things at a place: the same skills, mostly in other words."""
    chain = draw_chain(rng, draw_skills(rng, level, two_unseen))
    what, place = rng.choice(OBJECTS), rng.choice(PLACES)
    sentences = [f"There are {chain.start} {what} at the {place}."]
    for use in chain.uses:
        wording = rng.choice(use.skill.place)
        sentences.append(_sentence(wording, what=what, place=place, **use.numbers))
    return _draft([*sentences, f"How many {what} are at the {place} now?"], chain)


def draw_svamp(rng: Random, level: int, two_unseen: bool) -> Draft:
    """Two kinds of things, told of in turns, and a question about one: what happens to the other does not matter."""
    chain = draw_chain(rng, draw_skills(rng, level, two_unseen))
    who, other = rng.sample(NAMES, 2)
    what, thing = rng.sample(OBJECTS, 2)
    owner = rng.choice((who, other))
    aside = draw_chain(rng, [rng.choice(of("known"))]) if rng.random() < 0.5 else None
    distractor = (
        _story(rng, aside, owner, thing) if aside else [f"{owner} has {rng.randint(*START)} {thing}."]
    )
    sentences = _in_turns(rng, _story(rng, chain, who, what), distractor)
    return _draft([*sentences, f"How many {what} does {who} have now?"], chain)


def _story(rng: Random, chain: Chain, who: str, what: str) -> list[str]:
    sentences = [f"{who} has {chain.start} {what}."]
    for use in chain.uses:
        sentences.append(_sentence(rng.choice(use.skill.story), who=who, what=what, **use.numbers))
    return sentences


def _sentence(wording: str, **words: str | int) -> str:
    return wording.format(**words)


def _in_turns(rng: Random, first: list[str], second: list[str]) -> list[str]:
    """Both lists in one, each in its own order."""
    turns = [0] * len(first) + [1] * len(second)
    rng.shuffle(turns)
    streams = iter(first), iter(second)
    return [next(streams[turn]) for turn in turns]


def _draft(sentences: list[str], chain: Chain) -> Draft:
    problem = " ".join(sentences)
    right, misread = chain.steps(), chain.misread()
    wrong = _solution(misread) if misread else None
    return Draft(problem, right[-1].result, _solution(right), problem, chain.skills, wrong)


def _solution(steps: tuple[Step, ...]) -> Solution:
    return Solution(steps, f"#### {steps[-1].result}")
