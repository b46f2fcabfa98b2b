"""Partition, Bridge and critique on small hand-made cases."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr import lab
from slmr.stagewise.bridge import choose, own_prefix, propose
from slmr.stagewise.critique import CritiqueParams, balance, collect_failures, criticise, locate
from slmr.stagewise.probe import PartitionParams, group_of
from slmr.stagewise.teachers.oracle import OracleTeacher
from slmr.store import write_rows
from slmr.tasks import load_task, strict_form
from slmr.verify import verify


def problem(level: int = 3) -> dict:
    """A pool problem of a level, as the pool stage writes it."""
    item = next(i for i in lab.stream(lab.generator("lab_gsm8k"), "train") if i.difficulty == level)
    prompt = load_task("lab_gsm8k").prompt(item.problem)
    return {"id": item.id, "problem": item.problem, "prompt": prompt, "gold": item.gold, "kind": "numeric"}


@pytest.mark.parametrize(
    ("rho", "group"),
    [
        (0.0, "hard"),
        (0.2499, "hard"),
        (0.25, "medium"),
        (0.7499, "medium"),
        (0.75, "simple"),
        (1.0, "simple"),
    ],
)
def test_the_papers_bounds(rho: float, group: str) -> None:
    assert group_of(rho, PartitionParams()) == group


def test_every_bridge_candidate_verifies_and_raw_comes_first() -> None:
    teacher = OracleTeacher(merge_share=0.9, word_share=0.5)
    for level in (2, 3, 4, 5):
        p = problem(level)
        candidates = propose(p, teacher, ["nothing useful"])
        assert candidates[0]["source"] == "raw"
        assert all(verify(c["text"], p["gold"], "numeric").strict for c in candidates)
        assert len({c["text"] for c in candidates}) == len(candidates)


def test_own_prefix_keeps_the_longest_right_beginning() -> None:
    p, teacher = problem(4), OracleTeacher(0.0, 0.0)
    steps = teacher.worked_steps([p])[0]
    attempt = " ".join([*steps[:2], "1 + 1 = 3.", "#### 3"])
    assert own_prefix(p, teacher, ["5 + 5 = 11.", attempt]) == " ".join(
        [*steps, strict_form(p["gold"], p["kind"])]
    )


@given(st.lists(st.floats(0, 10), min_size=1, max_size=6))
def test_choose_takes_the_lowest_score(scores: list[float]) -> None:
    rows = [{"score": s, "source": "raw" if i == 0 else "own style"} for i, s in enumerate(scores)]
    assert choose(rows)["score"] == min(scores)


def test_choose_keeps_raw_on_a_tie() -> None:
    assert choose([{"score": 1.0, "source": "own style"}, {"score": 1.0, "source": "raw"}])["source"] == "raw"


def test_the_arithmetic_locator_names_the_false_equation() -> None:
    wrong = locate("3 + 4 = 7. 7 * 2 = 15. #### 15", ["3 + 4 = 7.", "7 * 2 = 14."])
    assert (wrong.index, wrong.says, wrong.right, wrong.found_by) == (
        1,
        "7 * 2 = 15",
        "7 * 2 = 14",
        "arithmetic",
    )


def test_a_true_but_irrelevant_step_is_found_by_the_reference() -> None:
    wrong = locate("3 + 4 = 7. 7 + 2 = 9. #### 9", ["3 + 4 = 7.", "7 * 2 = 14."])
    assert (wrong.index, wrong.right, wrong.found_by) == (1, "7 * 2 = 14", "reference")


def test_an_attempt_that_stops_early_is_wrong_where_it_should_go_on() -> None:
    wrong = locate("3 + 4 = 7. #### 7", ["3 + 4 = 7.", "7 * 2 = 14."])
    assert (wrong.index, wrong.says, wrong.right) == (1, "", "7 * 2 = 14")


def test_critique_targets_verify_and_repairs_continue_a_right_prefix() -> None:
    p, teacher = problem(4), OracleTeacher(0.0, 0.0)
    steps = teacher.worked_steps([p])[0]
    attempt = " ".join([*steps[:2], "1 + 1 = 3.", "#### 3"])
    rows = {r["source"]: r for r in criticise(p, attempt, locate(attempt, steps), teacher)}
    assert set(rows) == {"diag", "repair", "new"}
    assert rows["diag"]["completion"] == "Step 3 is wrong: 1 + 1 = 3 should be 1 + 1 = 2."
    assert attempt in rows["diag"]["prompt"]
    assert rows["repair"]["prefix"] == " ".join(steps[:2]) + " "
    for source in ("repair", "new"):
        text = rows[source]["prefix"] + rows[source]["completion"]
        assert verify(text, p["gold"], "numeric").strict


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 30))
def test_balance_thins_each_kind_to_its_share(diag: float, new: float, n: int) -> None:
    rows = [
        {"source": s, "prompt": str(i), "prefix": "", "completion": s}
        for s in ("diag", "repair", "new")
        for i in range(n)
    ]
    kept = balance(rows, CritiqueParams(diag=diag, repair=0, new=new), Random(0))
    count = lambda s: sum(r["source"] == s for r in kept)  # noqa: E731
    assert (count("diag"), count("repair"), count("new")) == (round(diag * n), 0, round(new * n))


def test_failures_come_from_all_zero_groups_only(tmp_path: Path) -> None:
    probe, grpo = tmp_path / "probe", tmp_path / "grpo"
    probe.mkdir()
    grpo.mkdir()
    rollout = lambda pid, strict, text: {"problem_id": pid, "strict": strict, "completion": text}  # noqa: E731
    write_rows(
        probe / "rollouts.parquet",
        [
            rollout("a", False, "x"),
            rollout("a", False, "y"),
            rollout("b", False, "z"),
            rollout("b", True, "w"),
        ],
    )
    write_rows(grpo / "failures.parquet", [{"problem_id": "a", "completion": "new"}])
    assert collect_failures([probe, grpo]) == {"a": ["new", "x", "y"]}
