"""SDPO: that the stage runs, and which TRL it needs."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

from slmr.config import EngineSettings
from slmr.errors import RequestError
from slmr.io import read_rows
from slmr.lab import model_path
from slmr.stage import StageContext
from slmr.training.sdpo import SdpoParams, _config, sdpo_stage
from tests.curriculum.common import folder, problems


def stage_context(place: Path, pool: Path) -> StageContext:
    place.mkdir(parents=True, exist_ok=True)
    return StageContext(
        place,
        {"model": [model_path("lab-llama")], "problems": [pool]},
        0,
        EngineSettings(device="cpu"),
        lambda *_: None,
    )


def test_the_stage_runs(tmp_path: Path) -> None:
    pool = folder(tmp_path / "pool", problems=problems(6, level=1))
    context = stage_context(tmp_path / "out", pool)
    sdpo_stage(context, SdpoParams(steps=2, group_size=4, prompts_per_step=3, max_tokens=24))
    curve = read_rows(context.folder / "curve.parquet")
    assert len(curve) == 2 and all(math.isfinite(row["loss"]) and 0 <= row["accuracy"] <= 1 for row in curve)
    assert (context.folder / "model" / "model.safetensors").is_file()
    assert context.cost.train_tokens == curve[-1]["train_tokens"] > context.cost.rollout_tokens > 0
    assert sum(context.stats["groups"].values()) == 6


def test_a_trl_without_sdpo_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trl.experimental.sdpo", None)
    with pytest.raises(RequestError, match="has no SDPO"):
        _config(stage_context(tmp_path / "out", tmp_path), SdpoParams())
