"""The locators: on errors that were made, by hand, and on a real student's failures."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.config import EngineSettings
from slmr.curriculum.locators import (
    ArithmeticLocator,
    RolloutLocator,
    TeacherLocator,
    first_drop,
    named_step,
)
from slmr.engines import Completion, Prompt, Sampling
from slmr.engines.transformers import TransformersEngine
from slmr.lab import model_path
from slmr.verify.trace_steps import split_steps
from studies.locators import construct
from tests.curriculum.common import long_problems, problems
from tests.curriculum.failures import TEACHER, corrupted


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("off", [-2, -1, 1, 5])
def test_arithmetic_finds_a_false_sum_where_it_was_made(at: int, off: int) -> None:
    pool = long_problems(20, 4)
    found = ArithmeticLocator().locate(pool, [corrupted(p, at, off) for p in pool])
    assert [w.index for w in found if w] == [at] * 20
    assert all(w and w.right.split("= ")[1] != w.says.split("= ")[1] for w in found)


def test_what_holds_is_not_located_by_arithmetic_but_by_the_teacher() -> None:
    (problem,) = problems(1, level=3)
    (steps,) = TEACHER.worked_steps([problem])
    assert steps
    attempt = " ".join([steps[0], "50 + 49 = 99.", "#### 99"])
    assert ArithmeticLocator().locate([problem], [attempt]) == [None]
    (wrong,) = TeacherLocator(TEACHER).locate([problem], [attempt])
    assert wrong and (wrong.index, wrong.says, wrong.found_by) == (1, "50 + 49 = 99", "teacher")


@pytest.mark.parametrize(
    ("right", "index"),
    [
        ([8, 8, 8, 0], 2),
        ([8, 5, 4, 4], 3),  # nothing falls below half: the closing answer is wrong
        ([8, 3, 8, 0], 0),  # what comes later does not count
        ([1, 4, 1, 0], 1),  # a lucky guess after the error
        ([0, 4, 0, 0], 1),  # a right beginning helps
        ([0, 0, 0, 0], 0),  # none is right from the first step on
        ([0, 0, 5], 0),
        ([3], 0),  # a bare answer
    ],
)
def test_where_continuations_stop_coming_out_right(right: list[int], index: int) -> None:
    assert first_drop(right, 0.5) == index


@given(st.lists(st.integers(0, 8), min_size=1, max_size=6), st.integers(1, 20))
def test_the_place_of_the_drop_depends_on_shares_alone(right: list[int], times: int) -> None:
    index = first_drop(right, 0.5)
    assert 0 <= index < len(right)
    assert first_drop([hits * times for hits in right], 0.5) == index


class Scripted:
    """An engine whose continuations are right so often after so many steps."""

    parameters = 5

    def __init__(self, right: dict[int, int], gold: str) -> None:
        self.right, self.gold, self.calls = right, gold, 0

    def generate(self, prompts: list[Prompt], sampling: Sampling, on_completion: Any = None) -> list[Completion]:
        self.calls += 1
        assert len({(p.user, p.prefix, p.sample_index) for p in prompts}) == len(prompts)
        good = [p.sample_index < self.right.get(len(split_steps(p.prefix)), 0) for p in prompts]
        return [Completion(f"#### {self.gold if ok else 0}", "stop", 3) for ok in good]


def test_all_beginnings_of_all_attempts_are_continued_in_one_call() -> None:
    problem = {"id": "p", "prompt": "?", "gold": "7", "kind": "numeric"}
    other = {**problem, "prompt": "??"}
    engine = Scripted({0: 2, 1: 6, 2: 5}, "7")
    locator = RolloutLocator(engine, 8, 0.5, Sampling(1.0, 9, 0))  # type: ignore[arg-type]
    attempts = ["1 + 1 = 2. 2 + 2 = 4. 4 + 4 = 8. #### 8", "#### 3"]
    found = locator.locate([problem, other], attempts)
    assert [w and w.index for w in found] == [2, 0]
    assert found[0] and (found[0].says, found[0].found_by) == ("4 + 4 = 8", "rollout")
    assert engine.calls == 1
    assert locator.cost.rollout_tokens == 5 * 8 * 3 and locator.cost.flops == 2 * 5 * 120


def test_rollouts_of_a_real_student_tell_a_right_beginning_from_a_wrong_one() -> None:
    pool = problems(12, level=2)
    engine = TransformersEngine(model_path("lab-llama"), EngineSettings(device="cpu", batch_size=128))
    locator = RolloutLocator(engine, 8, 0.5, Sampling(1.0, 60, 0))
    attempts = [corrupted(p, 1, 5) for p in pool]
    counts = locator.right(pool, attempts)
    after_right, after_wrong = sum(c[1] for c in counts), sum(c[2] for c in counts)
    assert after_right > 2 * after_wrong
    assert counts == locator.right(pool, attempts), "the same draws again"


def test_a_step_is_named_by_what_is_false_in_it() -> None:
    text = " 3+4 = 7.\nSo  7 * 2 = 15. #### 15"
    wrong = named_step(text, 1, "teacher")
    assert (wrong.says, wrong.right) == ("7 * 2 = 15", "7 * 2 = 14")
    assert named_step(text, 0, "teacher").says == "3+4 = 7"
    assert named_step(text, 9, "teacher").index == 2


def test_the_studys_wrong_results_are_found_where_they_are_and_its_other_faults_not() -> None:
    for kind, cases in construct(Namespace(constructed=2, seed=0)).items():
        found = ArithmeticLocator().locate([case.problem for case in cases], [case.attempt for case in cases])
        truth = [case.truth if kind.endswith("a wrong result") else None for case in cases]
        assert cases and [wrong and wrong.index for wrong in found] == truth
