"""Critique: a diagnosis names the true step or is dropped, and what is taught verifies."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.curriculum.critique import (
    CritiqueParams,
    balance,
    collect_failures,
    criticise,
    critique_stage,
    preferred,
    traces,
)
from slmr.curriculum.locators import ArithmeticLocator, TeacherLocator, WrongStep
from slmr.curriculum.teachers.dataset import DatasetTeacher
from slmr.curriculum.teachers.oracle import OracleTeacher
from slmr.io import read_rows
from slmr.tasks.registry import load_task, task_folders
from slmr.verify import verify
from slmr.verify.trace_steps import split_steps
from tests.curriculum.common import context, folder, long_problems, problems, rollout
from tests.curriculum.failures import TEACHER, corrupted

GSM8K = {
    "id": "gsm8k/train/0",
    "task": "gsm8k",
    "kind": "numeric",
    "gold": "72",
    "problem": "Natalia sold 48 clips in April and half as many in May. How many in all?",
    "prompt": "Natalia sold 48 clips in April and half as many in May. How many in all?\nSolution:\n",
    "solution": "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\nIn all 48+24 = <<48+24=72>>72 clips.\n#### 72",
}


class Silent(OracleTeacher):
    """A teacher who cannot tell where an attempt goes wrong."""

    def first_wrong(self, problems: Any, attempts: Any) -> list[int | None]:
        return [None] * len(attempts)


@pytest.mark.parametrize("task", ["lab_gsm8k", "lab_mawps"])
def test_every_diagnosis_names_the_true_step_and_every_target_verifies(task: str) -> None:
    pool = [p for p in problems(40, task) if len((TEACHER.worked_steps([p])[0]) or []) > 1]
    attempts = [corrupted(p, 1) for p in pool]
    rows = criticise(pool, attempts, ArithmeticLocator().locate(pool, attempts), TEACHER)
    assert pool
    for problem, attempt, row in zip(pool, attempts, rows, strict=True):
        assert row["wrong_step"] == 1 and row["confirmed"] and row["diagnosis"].startswith("Step 2 is wrong: ")
        assert attempt.startswith(row["repair_prefix"]) and len(split_steps(row["repair_prefix"])) == 1
        for text in (row["repair_prefix"] + row["repair"], row["new"]):
            assert verify(text, problem["gold"], problem["kind"]).strict


def criticised(
    problem: dict[str, Any], attempt: str, wrong: WrongStep | None, teacher: Any = TEACHER
) -> dict[str, Any]:
    (row,) = criticise([problem], [attempt], [wrong], teacher)
    return row


def test_a_diagnosis_that_the_teacher_does_not_confirm_is_dropped() -> None:
    (problem,) = problems(1, level=4)
    (steps,) = TEACHER.worked_steps([problem])
    assert steps
    attempt = " ".join([steps[0], "50 + 49 = 99.", "99 - 1 = 97.", "#### 97"])
    (wrong,) = ArithmeticLocator().locate([problem], [attempt])
    row = criticised(problem, attempt, wrong)
    assert row["wrong_step"] == 2 and not row["confirmed"] and row["diagnosis"] is None
    assert row["repair_prefix"] == f"{steps[0]} ", "the repair starts before the error that the teacher sees"


def test_a_teacher_who_cannot_tell_confirms_by_the_equation_or_by_the_repair() -> None:
    (problem,) = problems(1, level=3)
    (steps,) = TEACHER.worked_steps([problem])
    assert steps
    false, true = f"{steps[0]} 1 + 1 = 3. #### 3", f"{steps[0]} 50 + 49 = 99. #### 99"
    believed = [
        criticised(problem, false, WrongStep(1, "1 + 1 = 3", "1 + 1 = 2", "arithmetic"), Silent(0, 0)),
        criticised(problem, true, WrongStep(1, "50 + 49 = 99", "", "rollout"), Silent(0, 0)),
    ]
    assert [row["confirmed"] for row in believed] == [True, True]
    doubted = criticised(problem, true, WrongStep(0, steps[0], "", "rollout"), Silent(0, 0))
    assert doubted["diagnosis"] is None and doubted["repair"] is None


def test_a_sum_that_is_wrong_twice_is_not_put_right_as_it_was_meant() -> None:
    (problem,) = problems(1, level=3)
    (steps,) = TEACHER.worked_steps([problem])
    assert steps
    attempt = f"{steps[0]} 50 + 49 = 98. #### 98"
    (wrong,) = ArithmeticLocator().locate([problem], [attempt])
    assert criticised(problem, attempt, wrong)["right"] == steps[1].rstrip(".")


@pytest.mark.parametrize("ending", ["", " #### 1"])
def test_right_steps_with_a_wrong_answer_or_none(ending: str) -> None:
    (problem,) = problems(1, level=3)
    (steps,) = TEACHER.worked_steps([problem])
    assert steps
    attempt = " ".join(steps) + ending
    (wrong,) = TeacherLocator(TEACHER).locate([problem], [attempt])
    row = criticised(problem, attempt, wrong)
    assert row["diagnosis"] == f"Step {len(steps) + 1} is wrong: it should be #### {problem['gold']}."
    assert row["repair"].strip() == f"#### {problem['gold']}"
    assert verify(row["repair_prefix"] + row["repair"], problem["gold"], "numeric").strict


def test_several_lines_with_the_datas_own_solution() -> None:
    attempt = "In May she sold 48/2 = 24 clips.\nTogether: 48 + 24 = 62 clips.\n#### 62"
    (wrong,) = ArithmeticLocator().locate([GSM8K], [attempt])
    row = criticised(GSM8K, attempt, wrong, DatasetTeacher())
    assert row["diagnosis"] == "Step 2 is wrong: 48 + 24 = 62 should be 48 + 24 = 72."
    assert row["repair_prefix"] == "In May she sold 48/2 = 24 clips.\n"
    assert row["repair"] == "In all 48+24 = 72 clips.\n#### 72"


def stage_context(place: Path, attempts: list[str], **params: Any) -> Any:
    pool = problems(len(attempts) or 1, level=3)
    rollouts = [rollout(p["id"], 0, text, False) for p, text in zip(pool, attempts, strict=False)]
    made = context(
        place / "out",
        problems=folder(place / "pool", problems=pool),
        failures=[folder(place / "probe", rollouts=rollouts)],
    )
    critique_stage(made, CritiqueParams(**params))
    return made


def stage(place: Path, attempts: list[str], **params: Any) -> tuple[dict[str, Any], list[dict], list[dict]]:
    made = stage_context(place, attempts, **params)
    return made.stats, read_rows(made.folder / "traces.parquet"), read_rows(made.folder / "critiques.parquet")


@pytest.mark.parametrize("locator", ["arithmetic", "rollout", "teacher"])
def test_the_stage_with_each_locator(tmp_path: Path, locator: str) -> None:
    attempts = [corrupted(p, 1) for p in problems(6, level=3)]
    stats, traces, critiques = stage(tmp_path, attempts, locator=locator, diag=1.0, continuations=4)
    assert stats["located_by"] == {locator: 6} and stats["failed_problems"] == 6
    assert stats["diagnoses_confirmed"] + stats["diagnoses_dropped"] == 6
    assert all(c["wrong_step"] == 1 for c in critiques if c["diagnosis"]), "a diagnosis names the true step"
    assert stats["traces"]["new"] == 6 and len(critiques) == 6
    assert len({(t["prompt"], t["prefix"], t["completion"]) for t in traces}) == len(traces)
    golds = {p["id"]: p["gold"] for p in problems(6, level=3)}
    for row in traces:
        text = row["prefix"] + row["completion"]
        assert row["source"] == "diag" or verify(text, golds[row["problem_id"]], "numeric").strict


def test_who_is_asked_where_the_locator_finds_nothing(tmp_path: Path) -> None:
    attempts = ["50 + 49 = 99. #### 99"]
    nobody = stage(tmp_path / "none", attempts, otherwise="none")[0]
    asked = stage(tmp_path / "teacher", attempts)[0]
    assert nobody["located_by"] == {"nobody": 1} and asked["located_by"] == {"teacher": 1}
    assert nobody["traces"] == {"new": 1}


def test_rollouts_cost_what_was_sampled(tmp_path: Path) -> None:
    attempts = [corrupted(p, 1) for p in problems(2, level=3)]
    spent = stage_context(tmp_path, attempts, locator="rollout", continuations=2, max_tokens=8).cost
    assert 0 < spent.rollout_tokens <= 2 * 4 * 2 * 8
    assert spent.flops / spent.rollout_tokens > 2e5 and spent.teacher_tokens > 0


@pytest.mark.parametrize("attempts", [1, 2])
def test_several_attempts_of_a_problem(tmp_path: Path, attempts: int) -> None:
    (problem,) = problems(1, level=3)
    rows = [rollout(problem["id"], k, text, False) for k, text in enumerate(["#### 1", corrupted(problem, 0)])]
    made = context(
        tmp_path / "out",
        problems=folder(tmp_path / "pool", problems=[problem]),
        failures=[folder(tmp_path / "probe", rollouts=rows)],
    )
    critique_stage(made, CritiqueParams(attempts=attempts))
    critiques = read_rows(made.folder / "critiques.parquet")
    assert len(critiques) == attempts and split_steps(critiques[0]["attempt"])
    assert made.stats["traces"]["new"] == 1, "the fresh trace of a problem is taught once"


def critiqued(place: Path, attempts: list[str], rl: Any = (), earlier: Any = ()) -> Any:
    """The stage after a probe with these attempts and an RL run with these failures."""
    pool = problems(len(attempts), level=3)
    rollouts = [rollout(p["id"], 0, text, False) for p, text in zip(pool, attempts, strict=True)]
    failures = [folder(place / "probe", rollouts=rollouts), folder(place / "grpo", failures=list(rl))]
    made = context(
        place / "out",
        problems=folder(place / "pool", problems=pool),
        failures=failures,
        earlier=list(earlier),
    )
    critique_stage(made, CritiqueParams())
    return made


def test_what_is_recycled_accumulates_over_the_rounds(tmp_path: Path) -> None:
    pool = long_problems(3, 3)
    first = critiqued(tmp_path / "1", [corrupted(p, 1) for p in pool])
    again = critiqued(tmp_path / "2", [corrupted(pool[0], 2), "", ""], earlier=[first.folder])
    before, after = (read_rows(made.folder / "traces.parquet") for made in (first, again))
    assert after[: len(before)] == before and len(after) > len(before)
    assert len({(r["prompt"], r["prefix"], r["completion"]) for r in after}) == len(after)
    assert again.stats["from_earlier_rounds"] == len(before)
    alone = critiqued(tmp_path / "3", [corrupted(pool[0], 2), "", ""])
    assert again.stats["from_worked"] == alone.stats["from_worked"], "those of this round"
    assert again.cost.teacher_tokens == alone.cost.teacher_tokens


def test_failures_of_a_probe_alone_and_worked_solutions_are_counted(tmp_path: Path) -> None:
    pool = problems(3, level=3)
    rl = [{"problem_id": pool[0]["id"], "completion": corrupted(pool[0], 1)}]
    stats = critiqued(tmp_path, [corrupted(p, 1) for p in pool], rl).stats
    assert (stats["failed_problems"], stats["failed_in_a_probe_only"]) == (3, 2)
    assert stats["worked_problems"] == 3
    assert stats["from_worked"] == stats["traces"]["repair"] + stats["traces"]["new"] == 6


class Careless(OracleTeacher):
    """A teacher whose traces come to the right answer over a false equation."""

    def worked_steps(self, problems: Any) -> list[list[str] | None]:
        return [["1 + 1 = 3."] for _ in problems]

    def raw_traces(self, problems: Any) -> list[str | None]:
        return [f"1 + 1 = 3. #### {p['gold']}" for p in problems]

    def continuations(self, problems: Any, prefixes: Any) -> list[str | None]:
        return [f"2 + 2 = 5. #### {p['gold']}" for p in problems]


def test_an_unsound_target_is_refused_and_its_fault_said() -> None:
    (problem,) = problems(1, level=3)
    attempt = corrupted(problem, 1)
    (wrong,) = ArithmeticLocator().locate([problem], [attempt])
    row = criticised(problem, attempt, wrong, Careless(0, 0))
    assert row["repair"] is row["new"] is None and not row["worked"]
    assert row["repair_fault"] == row["new_fault"] == "false equation"
    assert {t["source"] for t in traces(problem, row)} <= {"diag"}


def test_a_diagnosis_is_asked_for_as_no_answer_is() -> None:
    """Its prompt neither begins nor ends like a task's: what is learnt under it stays there."""
    (problem,) = problems(1, level=3)
    attempt = corrupted(problem, 1)
    row = criticised(problem, attempt, *ArithmeticLocator().locate([problem], [attempt]))
    ask = traces(problem, row)[0]["prompt"].strip().splitlines()
    for name in task_folders():
        prompt = load_task(name).prompt(problem["problem"]).strip().splitlines()
        assert ask[0] != prompt[0] and ask[-1] != prompt[-1]


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
    places = [
        folder(tmp_path / "probe", rollouts=rows),
        folder(tmp_path / "grpo", failures=[{"problem_id": "a", "completion": "new"}]),
    ]
    assert collect_failures(places) == {"a": ["new", "x", "y"]}
    assert preferred(["#### 3", "1 + 1 = 3. #### 3"]) == ["1 + 1 = 3. #### 3", "#### 3"]
