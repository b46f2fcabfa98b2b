"""A run that is stopped in the middle and started again ends as one that was never stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from slmr.config import EngineSettings
from slmr.curriculum.teachers.oracle import OracleTeacher
from slmr.io import read_rows
from slmr.lab import model_path
from slmr.stage import StageContext
from slmr.training import checkpoint
from slmr.training.curve import CURVE
from slmr.training.dpo import DpoParams, dpo_stage
from slmr.training.gkd import GkdParams, gkd_stage
from slmr.training.grpo import GrpoParams, grpo_stage
from slmr.training.relift import ReliftParams, relift_stage
from slmr.training.sft import SftParams, sft_stage
from tests.curriculum.common import folder, problems

SFT: dict[str, Any] = {"epochs": 2, "batch_size": 4, "validate_every": 4, "keep": "best", "max_tokens": 30}
RL: dict[str, Any] = {
    "steps": 4,
    "group_size": 4,
    "prompts_per_step": 4,
    "max_tokens": 40,
    "validate_every": 2,
}
STAGES: dict[str, tuple[Any, Any]] = {
    "sft": (sft_stage, SftParams(**SFT)),
    "gkd": (gkd_stage, GkdParams(**SFT, teacher_model="lab-teacher")),
    "dpo": (dpo_stage, DpoParams(**SFT)),
    "grpo": (grpo_stage, GrpoParams(**RL, resample=1)),
    "several updates": (grpo_stage, GrpoParams(**RL, updates=2, clip_high=0.28, loss="dapo")),
    "relift": (relift_stage, ReliftParams(**RL, buffer=2)),
}


def inputs(place: Path) -> dict[str, list[Path | str]]:
    """A pool of 16 problems with 8 held out, their worked traces, and pairs."""
    rows = problems(24, level=3)  # half-seen skills: some completions of a group are right, some wrong
    worked = OracleTeacher(0, 0).rewrites(rows[:16], [])  # type: ignore[arg-type]
    traces = [
        {
            "problem_id": p["id"],
            "prompt": p["prompt"],
            "prefix": "",
            "completion": texts["filled in"],
            "source": "worked",
        }
        for p, texts in zip(rows[:16], worked, strict=True)
    ]
    pairs = [
        {
            "problem_id": t["problem_id"],
            "prompt": t["prompt"],
            "chosen": t["completion"],
            "rejected": "#### 0",
        }
        for t in traces
    ]
    place = folder(place / "pool", problems=rows[:16], validation=rows[16:], traces=traces, pairs=pairs)
    found: dict[str, list[Path | str]] = {"model": [model_path("lab-llama")]}
    for name in ("problems", "traces", "pairs", "validation"):
        found[name] = [place]
    return found


def context(place: Path, given: dict[str, Any], stop_at: int | None = None) -> StageContext:
    """A stage's context; its progress display breaks off at a step."""
    place.mkdir(exist_ok=True)

    def progress(done: int, total: int, unit: str) -> None:
        if done == stop_at:
            raise KeyboardInterrupt

    return StageContext(place, given, 3, EngineSettings(device="cpu"), progress)


def train(kind: str, made: StageContext) -> StageContext:
    stage, params = STAGES[kind]
    stage(made, params)
    return made


def curve(place: Path) -> list[dict[str, Any]]:
    return read_rows(place / CURVE)


@pytest.mark.slow
@pytest.mark.parametrize("kind", STAGES)
def test_stopped_and_resumed_equals_straight(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "CHECKPOINT_S", 0.0)
    given = inputs(tmp_path)
    straight = train(kind, context(tmp_path / "straight", given))
    with pytest.raises(KeyboardInterrupt):
        train(kind, context(tmp_path / "stopped", given, stop_at=3))
    left = sorted(p.name for p in (tmp_path / "stopped" / "trainer").glob("checkpoint-*"))
    assert left, "no checkpoint was kept"
    (tmp_path / "stopped" / "trainer" / "checkpoint-4").mkdir(exist_ok=True)  # killed while writing: not whole
    resumed = train(kind, context(tmp_path / "stopped", given))
    weights = [(tmp_path / name / "model" / "model.safetensors").read_bytes() for name in ("straight", "stopped")]
    assert weights[0] == weights[1]
    assert curve(tmp_path / "straight") == curve(tmp_path / "stopped")
    assert straight.stats == resumed.stats and straight.cost == resumed.cost
    if (tmp_path / "straight" / "failures.parquet").is_file():
        failures = [(tmp_path / name / "failures.parquet") for name in ("straight", "stopped")]
        assert read_rows(failures[0]) == read_rows(failures[1])


@pytest.mark.slow
def test_a_killed_process_goes_on(tmp_path: Path) -> None:
    given = inputs(tmp_path)
    code = (
        "import sys; from pathlib import Path; from slmr.training import checkpoint; checkpoint.CHECKPOINT_S = 0.0\n"
        "from tests.training.test_resume import *\n"
        "train('sft', context(Path(sys.argv[1]) / 'killed', inputs(Path(sys.argv[1]))))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], env=os.environ | {"PYTHONPATH": "."})
    deadline = time.monotonic() + 120
    while not list((tmp_path / "killed" / "trainer").glob("checkpoint-*/slmr.json")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    train("sft", context(tmp_path / "killed", given))
    train("sft", context(tmp_path / "straight", given))
    assert curve(tmp_path / "killed") == curve(tmp_path / "straight")
    weights = [(tmp_path / name / "model" / "model.safetensors").read_bytes() for name in ("straight", "killed")]
    assert weights[0] == weights[1]
