"""lab_math: the skills as formulas, read by somebody else."""

from __future__ import annotations

from random import Random

import pytest

from slmr.lab.algebra import draw_math
from tests.lab import reader


@pytest.mark.parametrize("level", range(1, 6))
def test_a_formula_asks_for_what_the_solution_gives(level: int) -> None:
    for seed in range(80):
        draft = draw_math(Random(seed), level, True)
        assert draft.problem.startswith("Compute ") and draft.problem.endswith(".")
        assert draft.solution.closing == rf"\boxed{{{draft.gold}}}"
        assert reader.answer("lab_math", draft.problem) == int(draft.gold), draft.problem


def test_signs_are_read_before_words_and_times_before_plus() -> None:
    assert reader.answer("lab_math", "Compute (20 + 2 * 5) less a third and 4 more.") == 16
    assert reader.answer("lab_math", "Compute 20 - 2 * 5.") == 10
