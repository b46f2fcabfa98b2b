"""OPSD: what the stage trains on, and what it costs."""

from __future__ import annotations

from pathlib import Path

from slmr.engines.transformers import load_model
from slmr.io import read_rows
from slmr.lab import model_path
from slmr.training.opsd import OpsdParams, opsd_stage
from tests.curriculum.common import context, folder, problems


def test_the_stage_runs_on_the_students_own_completions(tmp_path: Path) -> None:
    rows = [
        {
            "problem_id": p["id"],
            "prompt": p["prompt"],
            "prefix": "",
            "completion": f"#### {p['gold']}",
            "source": "raw",
        }
        for p in problems(8)
    ]
    made = context(tmp_path / "out", traces=folder(tmp_path / "raw", traces=rows))
    opsd_stage(made, OpsdParams(epochs=2, batch_size=4, learning_rate=1e-3, max_tokens=24))
    curve = read_rows(made.folder / "curve.parquet")
    assert len(curve) == 4 and all(row["loss"] > 0 for row in curve if row["loss"] is not None)
    assert made.cost.rollout_tokens > 0 and made.cost.teacher_tokens == 0  # there is no other teacher
    # 6 N a trained token, 2 N a sampled one and one that the teacher read, which reads more than the student.
    parameters = load_model(model_path("lab-llama")).num_parameters()
    scored = made.cost.flops / parameters - 6 * made.cost.train_tokens - 2 * made.cost.rollout_tokens
    assert scored > 2 * made.cost.train_tokens
