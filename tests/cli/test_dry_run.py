"""`slmr bench --dry-run`: what it says without hub, GPU or teacher."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.pipeline.estimate import KNOWN
from tests.in_process import slmr

QWEN = KNOWN["Qwen/Qwen2.5-0.5B-Instruct"]
LLAMA = KNOWN["meta-llama/Llama-3.2-1B-Instruct"]


def test_the_paper_profile_is_planned_without_hub_gpu_or_teacher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "none"))
    (tmp_path / "own.yaml").write_text(
        "extends: paper\nstages: {teacher: &t {teacher_model: 'http://127.0.0.1:9/v1'}, bridge: *t, critique: *t}\n"
    )
    asked = ("bench", "--profile", "own.yaml", "--method", "stagewise", "--dry-run")
    both = ("--student", "Qwen/Qwen2.5-0.5B-Instruct", "--student", "meta-llama/Llama-3.2-1B-Instruct")
    assert slmr(*asked, *both) in (0, None)
    said = capsys.readouterr().out
    for wanted in ("to do", "generated M", "PFLOP", "h x8", "GiB x1", "GPU-hours", "494,032,768 weights",
                   "1,235,814,400 weights", "train_share 0.25", "student Qwen/Qwen2.5-0.5B-Instruct: its files",
                   "teacher 'server': http://127.0.0.1:9/v1", "vllm serve MODEL"):  # fmt: skip
        assert wanted in said, wanted
    assert not (tmp_path / "runs").exists()
