"""Problems as chains: a first number, and skills applied to it in sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from slmr.lab.items import Draft
from slmr.lab.skills import Skill, Use, operations, skills_with
from slmr.lab.solution import Solution, Step

START = (8, 60)


@dataclass(frozen=True, slots=True)
class Chain:
    """The number `start` and the skills applied to it."""

    start: int
    uses: tuple[Use, ...]

    @property
    def skills(self) -> tuple[str, ...]:
        return tuple(use.skill.name for use in self.uses)

    def results(self, misread: bool = False) -> list[list[int]] | None:
        """The results of each skill's equations; None if one is not allowed (see `Use.compute`)."""
        x, results_of_uses = self.start, []
        for use in self.uses:
            results = use.compute(x, misread)
            if results is None:
                return None
            results_of_uses.append(results)
            x = results[-1]
        return results_of_uses

    def steps(self, misread: bool = False) -> tuple[Step, ...]:
        """The solution's steps; with `misread`, those of a solution that misreads the half-seen skills."""
        steps: list[Step] = []
        written = str(self.start)
        for use, results in zip(self.uses, self.results(misread) or [], strict=True):
            expressions = use.expressions(written, len(steps), misread)
            last = len(results) - 1
            steps += [
                Step(f"the {use.skill.name}", expression, str(result), inside=i < last)
                for i, (expression, result) in enumerate(zip(expressions, results, strict=True))
            ]
            written = f"@{len(steps) - 1}"
        return tuple(steps)

    def misread(self) -> tuple[Step, ...]:
        """The steps of a solution that misreads the half-seen skills; empty if the chain has none."""
        return self.steps(misread=True) if any(use.skill.misreading for use in self.uses) else ()

    def draft(self, problem: str, closing: str) -> Draft:
        """The problem with its solution and the misread one; `closing`, with `{answer}` in it, ends both."""
        right, misread = self.steps(), self.misread()
        solution = Solution(right, closing.format(answer=right[-1].result))
        wrong = Solution(misread, closing.format(answer=misread[-1].result)) if misread else None
        return Draft(problem, right[-1].result, solution, problem, self.skills, wrong)


def draw_skills(rng: Random, level: int, two_unseen: bool) -> list[Skill]:
    """Draws the skills of a problem.

    Level 1 has one known skill, level 2 two known ones, level 3 a half-seen one (half of the time with a known one),
    level 4 an unseen one, level 5 an unseen and a known one or, with `two_unseen`, half of the time two unseen ones.
    """
    known = skills_with("known")
    if level <= 2:
        return rng.sample(known, level)
    if level == 3:
        skills = [rng.choice(skills_with("half-seen")), *rng.sample(known, rng.randrange(2))]
    else:
        first = _unseen(rng)
        if level == 4:
            return [first]
        pair = two_unseen and rng.random() < 0.5
        skills = [first, _unseen(rng, first) if pair else rng.choice(known)]
    rng.shuffle(skills)
    return skills


def _unseen(rng: Random, other: Skill | None = None) -> Skill:
    """Draws an unseen skill, with probability 0.8 a compound one."""
    exposure = "unseen compound" if rng.random() < 0.8 else "unseen one-step"
    return rng.choice([skill for skill in skills_with(exposure) if skill is not other])


def draw_chain(rng: Random, skills: Sequence[Skill]) -> Chain:
    """Draws a chain of these skills, in which all results, also when misread, are whole and within bounds.

    If a skill is unseen and compound, no two operations on the numbers of the text give the answer.
    """
    half_seen = any(skill.misreading for skill in skills)
    compound = any(skill.exposure == "unseen compound" for skill in skills)
    while True:
        chain = Chain(rng.randint(*START), tuple(_use(rng, skill) for skill in skills))
        right = chain.results()
        if right is None or (compound and _guessable(chain, right[-1][-1])):
            continue
        misread = chain.results(misread=True) if half_seen else None
        # A misreading must lead to another answer.
        if not half_seen or (misread is not None and misread[-1][-1] != right[-1][-1]):
            return chain


def _guessable(chain: Chain, answer: int) -> bool:
    """Whether at most two operations on the numbers of the text give the answer; a number may be used twice."""
    numbers = {chain.start, *(number for use in chain.uses for number in use.numbers.values())}
    first = {value for a in numbers for b in numbers for value in operations(a, b)}
    # The inverse of each of the four operations is one of them, so the second one is undone instead of tried.
    return answer in first or any(not first.isdisjoint(operations(answer, b)) for b in numbers)


def _use(rng: Random, skill: Skill) -> Use:
    ranges = {"n": skill.n, "m": skill.m}
    return Use(skill, {name: rng.randint(*ends) for name, ends in ranges.items() if ends})
