"""lab_gsm8k, lab_mawps, lab_svamp: word problems with a whole number as the answer."""

from __future__ import annotations

from random import Random

from slmr.lab.chains import START, Chain, draw_chain, draw_skills
from slmr.lab.items import Draft
from slmr.lab.words import NAMES, OBJECTS, PLACES


def draw_gsm8k(rng: Random, level: int, two_unseen: bool) -> Draft:
    """A story about a person's things."""
    chain = draw_chain(rng, draw_skills(rng, level, two_unseen))
    who, what = rng.choice(NAMES), rng.choice(OBJECTS)
    question = f"How many {what} does {who} have now?"
    return _draft([*_story(rng, chain, who, what), question], chain)


def draw_mawps(rng: Random, level: int, two_unseen: bool) -> Draft:
    """A story about things at a place: the same skills, mostly in other words."""
    chain = draw_chain(rng, draw_skills(rng, level, two_unseen))
    what, place = rng.choice(OBJECTS), rng.choice(PLACES)
    begin, question = (
        f"There are {chain.start} {what} at the {place}.",
        f"How many {what} are at the {place} now?",
    )
    events = [rng.choice(use.skill.place).format(what=what, place=place, **use.numbers) for use in chain.uses]
    return _draft([begin, *events, question], chain)


_ASIDES = ("{who} has {n} {what}.", "{who} wants {n} {what}.", "{who} lost {n} {what}.")


def draw_svamp(rng: Random, level: int, two_unseen: bool) -> Draft:
    """A story with one or two irrelevant sentences about other things."""
    chain = draw_chain(rng, draw_skills(rng, level, two_unseen))
    who, other = rng.sample(NAMES, 2)
    what, *things = rng.sample(OBJECTS, 3)
    sentences = _story(rng, chain, who, what)
    for thing in things[: rng.randint(1, 2)]:
        wording, owner, n = rng.choice(_ASIDES), rng.choice((who, other)), rng.randint(*START)
        aside = wording.format(who=owner, what=thing, n=n)
        sentences.insert(rng.randint(0, len(sentences)), aside)
    return _draft([*sentences, f"How many {what} does {who} have now?"], chain)


def _story(rng: Random, chain: Chain, who: str, what: str) -> list[str]:
    events = (rng.choice(use.skill.story).format(who=who, what=what, **use.numbers) for use in chain.uses)
    return [f"{who} has {chain.start} {what}.", *events]


def _draft(sentences: list[str], chain: Chain) -> Draft:
    return chain.draft(" ".join(sentences), "#### {answer}")
