"""CFT's critiques: right and wrong attempts, each redone, every target with the right answer and no false equation."""

from __future__ import annotations

from pathlib import Path

from slmr.curriculum.full_critique import FullCritiqueParams, full_critique_stage
from slmr.curriculum.schema import verifies
from slmr.curriculum.teachers.oracle import OracleTeacher
from slmr.io import read_rows
from slmr.verify.trace_steps import false_equation, split_steps
from tests.curriculum.common import context, folder, problems, rollout


def test_a_critique_redoes_the_problem_and_judges_the_attempt(tmp_path: Path) -> None:
    pool = problems(4, level=3)
    traces = OracleTeacher(0.2, 0.0).raw_traces(pool)  # type: ignore[arg-type]
    steps = [split_steps(text or "") for text in traces]
    right = [" ".join([*s, f"#### {p['gold']}"]) for s, p in zip(steps, pool, strict=True)]
    wrong = [f"{s[0]} 1 + 1 = 3. #### 77777" for s in steps]
    said = [
        rollout(p["id"], k, text, k == 0)
        for p, r, w in zip(pool, right, wrong, strict=True)
        for k, text in enumerate((r, w, "#### 88888"))
    ]
    made = context(
        tmp_path / "out",
        problems=folder(tmp_path / "pool", problems=pool),
        probe=folder(tmp_path / "probe", rollouts=said),
    )
    full_critique_stage(made, FullCritiqueParams(teacher="oracle"))
    rows = read_rows(made.folder / "traces.parquet")
    assert made.stats["traces"] == {"right": 4, "wrong": 4} and made.cost.teacher_tokens > 0
    for i, problem in enumerate(pool):
        good, bad = (row for row in rows if row["problem_id"] == problem["id"])
        assert right[i] in good["prompt"] and wrong[i] in bad["prompt"]
        assert "The attempt is right." in good["completion"] and "Step 2 of the attempt is wrong." in bad["completion"]
        for row in (good, bad):
            assert all(step in row["completion"] for step in steps[i])
            assert verifies(row["completion"], problem)  # type: ignore[arg-type]
            assert not any(false_equation(step) for step in split_steps(row["completion"]))
            assert row["prompt"].endswith("Critique:\n")
    texts = [row["completion"] for row in rows]
    assert not any("77777" in text or "88888" in text for text in texts)  # nothing of an attempt is a target
