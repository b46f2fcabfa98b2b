"""The factorial's names: every combination once, each a recipe that there is."""

from __future__ import annotations

from slmr.curriculum.factors import FACTORIAL, FACTORS
from slmr.pipeline.recipe import load_recipe


def test_every_combination_once_from_none_of_the_ideas_to_all() -> None:
    assert len(set(FACTORIAL)) == 2 ** len(FACTORS)
    assert FACTORIAL[0] == "_".join(f.without for f in FACTORS)
    assert FACTORIAL[-1] == "_".join(f.with_ for f in FACTORS)


def test_each_is_a_recipe_of_its_name() -> None:
    assert [load_recipe(name).name for name in FACTORIAL] == list(FACTORIAL)
