r"""lab_math: the skills as formulas, with the answer in `\boxed{}`."""

from __future__ import annotations

from random import Random

from slmr.lab.chains import draw_chain, draw_skills
from slmr.lab.items import Draft
from slmr.lab.solution import Solution, Step


def draw_math(rng: Random, level: int, two_unseen: bool) -> Draft:
    """A formula over a first number: signs for what signs exist for, the skill's own words for the rest."""
    chain = draw_chain(rng, draw_skills(rng, level, two_unseen))
    formula = str(chain.start)
    for i, use in enumerate(chain.uses):
        formula = use.skill.formula.format(x=f"({formula})" if i else formula, **use.numbers)
    problem = f"Compute {formula}."
    right, misread = chain.steps(), chain.misread()
    wrong = _solution(misread) if misread else None
    return Draft(problem, right[-1].result, _solution(right), problem, chain.skills, wrong)


def _solution(steps: tuple[Step, ...]) -> Solution:
    return Solution(steps, rf"\boxed{{{steps[-1].result}}}")
