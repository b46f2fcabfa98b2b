"""GRPO as a stage: what samples is what is trained, and every step is recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.config import EngineSettings
from slmr.lab import model_path
from slmr.stage import StageContext
from slmr.training.curve import CURVE
from slmr.training.grpo import GrpoParams, grpo_stage
from tests.training.test_resume import context, curve, inputs


def test_the_samplers_logprobs_are_the_trainers(tmp_path: Path) -> None:
    """Before and after updates, at another temperature than 1: what samples is what is trained."""
    from slmr.io import read_rows
    from slmr.training.grpo import grpo_stage
    from tests.curriculum.common import folder, problems

    (tmp_path / "out").mkdir()
    folder(tmp_path / "pool", problems=problems(16))
    context = StageContext(
        tmp_path / "out",
        {"model": [model_path("lab-llama")], "problems": [tmp_path / "pool"]},
        0,
        EngineSettings(device="cpu"),
        lambda *_: None,
    )
    grpo_stage(context, GrpoParams(steps=3, group_size=4, prompts_per_step=4, temperature=0.8, max_tokens=40))
    gaps = [row["logprob_gap"] for row in read_rows(tmp_path / "out" / CURVE)]
    assert len(gaps) == 3 and all(0 <= gap < 1e-4 for gap in gaps)


def test_grpo_records_every_step_and_counts_what_it_sampled(tmp_path: Path) -> None:
    made = context(tmp_path / "out", inputs(tmp_path))
    grpo_stage(made, GrpoParams(steps=3, group_size=4, prompts_per_step=4, max_tokens=40, resample=2))
    rows = curve(made.folder)
    assert [row["step"] for row in rows] == [1, 2, 3]
    for row in rows:
        assert row["all_right"] + row["all_wrong"] + row["mixed"] == pytest.approx(1)
        assert row["zero_variance"] == pytest.approx(1 - row["mixed"])
        assert {"reward", "accuracy", "format", "length", "entropy", "clip_ratio", "truncated"} <= row.keys()
    assert made.cost.rollout_tokens == rows[-1]["rollout_tokens"]
    groups = sum(made.stats["groups"].values())
    assert groups == 3 * 4 + made.stats["replaced"]
    assert made.stats["replaced"] > 0
    assert sum(row["length"] * 16 for row in rows) < made.cost.rollout_tokens
