"""Locators and critique: the named step is the true one, and what is taught verifies."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.engines import Completion, Prompt, Sampling
from slmr.stagewise.critique import (
    CritiqueParams,
    balance,
    collect_failures,
    criticise,
    critique_stage,
    preferred,
)
from slmr.stagewise.locators import ArithmeticLocator, RolloutLocator, TeacherLocator, named_step
from slmr.stagewise.steps import beginning, departure, split_steps
from slmr.stagewise.teachers.oracle import OracleTeacher
from slmr.store import read_rows
from slmr.verify import verify
from tests.stagewise.common import context, folder, problems, rollout

TEACHER = OracleTeacher(0.0, 0.0)


def corrupted(problem: dict[str, Any], at: int, off: int = 1) -> str:
    """The worked solution with one wrong sum, and the steps after it as if it were right. The truth is `at`."""
    (steps,) = TEACHER.worked_steps([problem])
    assert steps
    said = steps[:at]
    left, _, right = steps[at].rstrip(".").rpartition("=")
    wrong = int(right) + off
    said.append(f"{left}= {wrong}.")
    for step in steps[at + 1 :]:
        body, _, value = step.rstrip(".").rpartition("=")
        said.append(f"{body}= {value.strip()}.".replace(f"{right.strip()} ", f"{wrong} ", 1))
    return " ".join([*said, "#### 999"])


@given(st.integers(0, 3), st.sampled_from([-2, -1, 1, 5]))
def test_the_arithmetic_locator_finds_a_false_sum_where_it_was_made(at: int, off: int) -> None:
    pool = problems(20, level=4)
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


class Scripted:
    """An engine whose continuations are right from given numbers of steps on."""

    def __init__(self, right_from: dict[int, int], gold: str) -> None:
        self.right_from, self.gold, self.asked = right_from, gold, 0

    def generate(self, prompts: list[Prompt], sampling: Sampling, heard: Any = None) -> list[Completion]:
        self.asked += len(prompts)
        counts: dict[str, int] = {}
        done = []
        for prompt in prompts:
            k = counts[prompt.prefix] = counts.get(prompt.prefix, 0) + 1
            good = k <= self.right_from.get(len(split_steps(prompt.prefix)), 0)
            done.append(Completion(f"#### {self.gold if good else 'no'}", "stop", 3))
        return done


@pytest.mark.parametrize(
    ("right", "index"),
    [
        ({1: 8, 2: 4}, 2),  # two steps are sound, the third is wrong
        ({1: 0, 2: 3}, 2),  # a later success proves the beginning
        ({1: 3, 2: 1}, 1),  # one lucky guess proves nothing
        ({}, 0),
        ({1: 8, 2: 8, 3: 8}, 3),  # every step is sound: the answer is wrong
    ],
)
def test_the_rollout_locator_by_hand(right: dict[int, int], index: int) -> None:
    problem = {"id": "p", "prompt": "?", "gold": "7", "kind": "numeric"}
    engine = Scripted(right, "7")
    locator = RolloutLocator(engine, 8, 2, Sampling(1.0, 9, 0))  # type: ignore[arg-type]
    (wrong,) = locator.locate([problem], ["1 + 1 = 2. 2 + 2 = 4. 4 + 4 = 8. #### 8"])
    assert wrong and wrong.index == index and engine.asked == 24 and locator.tokens == 72


def test_beginnings_are_the_attempts_own_text() -> None:
    text = " 3+4 = 7.\nSo  7 * 2 = 14. #### 14"
    assert [beginning(text, n) for n in range(4)] == [
        "",
        " 3+4 = 7.\n",
        " 3+4 = 7.\nSo  7 * 2 = 14. ",
        " 3+4 = 7.\nSo  7 * 2 = 14. ",
    ]
    assert named_step(text, 1, "teacher").says == "So  7 * 2 = 14"


@pytest.mark.parametrize(
    ("attempt", "found"),
    [
        (["3 + 4 = 7.", "7 * 2 = 14."], (2, 2)),
        (["(3 + 4) * 2 = 14."], (1, 2)),  # merged
        (["4 + 3 = 7.", "2 * 7 = 14"], (2, 2)),  # another wording
        (["3 + 4 = 7.", "Then I double it.", "7 * 2 = 14."], (3, 2)),  # prose
        (["3 + 4 = 7.", "7 + 2 = 9."], (1, 1)),
        (["3 + 4 = 8.", "8 * 2 = 16."], (0, 0)),
        (["7 * 2 = 14.", "3 + 4 = 7."], (1, 2)),  # not in order
        ([], (0, 0)),
    ],
)
def test_an_attempt_leaves_a_solution_by_its_values(attempt: list[str], found: tuple[int, int]) -> None:
    assert departure(attempt, ["3 + 4 = 7.", "7 * 2 = 14."]) == found


def test_statements_are_compared_as_they_stand() -> None:
    assert departure(["A > B", "B > C."], ["A > B.", "B > C.", "A > C."]) == (2, 2)
    assert departure(["A > B", "C > B."], ["A > B.", "B > C."]) == (1, 1)


@pytest.mark.parametrize("task", ["lab_gsm8k", "lab_mawps"])
def test_every_diagnosis_names_the_true_step_and_every_target_verifies(task: str) -> None:
    pool = [p for p in problems(40, task) if len((TEACHER.worked_steps([p])[0]) or []) > 1]
    attempts = [corrupted(p, 1) for p in pool]
    rows = criticise(pool, attempts, ArithmeticLocator().locate(pool, attempts), TEACHER)
    assert pool
    for problem, attempt, row in zip(pool, attempts, rows, strict=True):
        assert (
            row["wrong_step"] == 1 and row["confirmed"] and row["diagnosis"].startswith("Step 2 is wrong: ")
        )
        assert attempt.startswith(row["repair_prefix"]) and len(split_steps(row["repair_prefix"])) == 1
        for text in (row["repair_prefix"] + row["repair"], row["new"]):
            assert verify(text, problem["gold"], problem["kind"]).strict


def test_a_diagnosis_that_the_teacher_does_not_confirm_is_dropped_and_its_repair_starts_before_the_true_error() -> (
    None
):
    (problem,) = problems(1, level=4)
    (steps,) = TEACHER.worked_steps([problem])
    assert steps
    attempt = " ".join([steps[0], "50 + 49 = 99.", "99 - 1 = 97.", "#### 97"])
    (row,) = criticise([problem], [attempt], ArithmeticLocator().locate([problem], [attempt]), TEACHER)
    assert row["wrong_step"] == 2 and row["diagnosis"] is None
    assert row["repair_prefix"] == f"{steps[0]} "


def stage(place: Path, attempts: list[str], **params: Any) -> tuple[dict[str, Any], list[dict], list[dict]]:
    pool = problems(len(attempts) or 1, level=3)
    rollouts = [rollout(p["id"], 0, text, False) for p, text in zip(pool, attempts, strict=False)]
    made = context(
        place / "out",
        problems=folder(place / "pool", problems=pool),
        failures=[folder(place / "probe", rollouts=rollouts)],
    )
    critique_stage(made, CritiqueParams(**params))
    return made.stats, read_rows(made.folder / "traces.parquet"), read_rows(made.folder / "critiques.parquet")


@pytest.mark.parametrize("locator", ["arithmetic", "rollout", "teacher"])
def test_the_stage_with_each_locator(tmp_path: Path, locator: str) -> None:
    attempts = [corrupted(p, 1) for p in problems(6, level=3)]
    stats, traces, critiques = stage(tmp_path, attempts, locator=locator, diag=1.0)
    assert stats["failed_problems"] == 6 and sum(stats["located_by"].values()) == 6
    assert stats["traces"]["new"] == 6 and len(critiques) == 6
    assert len({(t["prompt"], t["prefix"], t["completion"]) for t in traces}) == len(traces)


def test_nothing_to_recycle_is_no_fault(tmp_path: Path) -> None:
    stats, traces, critiques = stage(tmp_path, [])
    assert traces == critiques == [] and stats["failed_problems"] == 0


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 30))
def test_balance_thins_each_kind_to_its_share(diag: float, new: float, n: int) -> None:
    rows = [
        {"source": s, "prompt": str(i), "prefix": "", "completion": s}
        for s in ("diag", "repair", "new", "new")
        for i in range(n)
    ]
    kept = balance(rows, CritiqueParams(diag=diag, repair=0, new=new), Random(0))
    count = lambda s: sum(r["source"] == s for r in kept)  # noqa: E731
    assert (count("diag"), count("repair"), count("new")) == (round(diag * n), 0, round(new * n))


def test_failures_come_from_all_zero_groups_and_the_newest_stand_first(tmp_path: Path) -> None:
    rows = [
        rollout("a", 0, "x", False),
        rollout("a", 1, "y", False),
        rollout("b", 0, "z", False),
        rollout("b", 1, "w", True),
    ]
    places = [folder(tmp_path / "probe", rollouts=rows),
              folder(tmp_path / "grpo", failures=[{"problem_id": "a", "completion": "new"}])]  # fmt: skip
    assert collect_failures(places) == {"a": ["new", "x", "y"]}
    assert preferred(["#### 3", "1 + 1 = 3. #### 3"]) == ["1 + 1 = 3. #### 3", "#### 3"]
