r"""lab_math: the skills as formulas, with the answer in `\boxed{}`."""

from __future__ import annotations

from random import Random

from slmr.lab.chains import draw_chain, draw_skills
from slmr.lab.items import Draft


def draw_math(rng: Random, level: int, two_unseen: bool) -> Draft:
    """A formula that starts with a number: operators where they exist, the skill's own words otherwise."""
    chain = draw_chain(rng, draw_skills(rng, level, two_unseen))
    formula = str(chain.start)
    for i, use in enumerate(chain.uses):
        formula = use.skill.formula.format(x=f"({formula})" if i else formula, **use.numbers)
    return chain.draft(f"Compute {formula}.", r"\boxed{{{answer}}}")
