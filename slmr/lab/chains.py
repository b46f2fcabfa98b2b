"""Problems as chains: a first number, and skills applied to it one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from slmr.lab.skills import Skill, Use, of
from slmr.lab.solution import Step

START = (12, 99)


@dataclass(frozen=True, slots=True)
class Chain:
    """`start` and the skills used on it."""

    start: int
    uses: tuple[Use, ...]

    @property
    def skills(self) -> tuple[str, ...]:
        return tuple(use.skill.name for use in self.uses)

    def steps(self, misread: bool = False) -> list[Step]:
        """The solution, or, `misread`, that of somebody who misreads the half-seen skills.

        Raises:
            ValueError: a step has no whole result within bounds.
        """
        steps: list[Step] = []
        x, written = self.start, str(self.start)
        for use in self.uses:
            results = use.compute(x, misread)
            if results is None:
                raise ValueError(f"{use.skill.name} does not fit {x}")
            expressions = use.expressions(written, len(steps), misread)
            for i, (expression, result) in enumerate(zip(expressions, results, strict=True)):
                inside = i < len(results) - 1
                steps.append(Step(f"the {use.skill.name}", expression, str(result), inside=inside))
            x, written = results[-1], f"@{len(steps) - 1}"
        return steps


def draw_skills(rng: Random, level: int, two_unseen: bool) -> list[Skill]:
    """The skills of a problem.

    Level 1 takes one known skill, 2 two of them, 3 a half-seen one (every second time with a known one), 4 an
    unseen one, 5 an unseen and a known one or, where `two_unseen`, every second time two unseen ones.
    """
    known = of("known")
    if level <= 2:
        return rng.sample(known, level)
    if level == 3:
        skills = [rng.choice(of("half-seen")), *rng.sample(known, rng.randrange(2))]
    else:
        first = _unseen(rng)
        if level == 4:
            return [first]
        pair = two_unseen and rng.random() < 0.5
        skills = [first, _unseen(rng, first) if pair else rng.choice(known)]
    rng.shuffle(skills)
    return skills


def _unseen(rng: Random, other: Skill | None = None) -> Skill:
    """An unseen skill, four times in five a compound one."""
    exposure = "unseen compound" if rng.random() < 0.8 else "unseen one-step"
    return rng.choice([skill for skill in of(exposure) if skill is not other])


def draw_chain(rng: Random, skills: Sequence[Skill]) -> Chain:
    """A chain of these skills, all results whole and within bounds, read rightly as well as misread."""
    while True:
        chain = Chain(rng.randint(*START), tuple(_use(rng, skill) for skill in skills))
        try:
            right, misread = chain.steps()[-1].result, chain.steps(misread=True)[-1].result
        except ValueError:
            continue
        half_seen = any(skill.misreading for skill in skills)
        if half_seen == (right != misread):  # a misreading must show
            return chain


def _use(rng: Random, skill: Skill) -> Use:
    ranges = {"n": skill.n, "m": skill.m}
    return Use(skill, {name: rng.randint(*ends) for name, ends in ranges.items() if ends})
