"""The script for a GPU: on the CPU its checks run as they are; what is missing, fails or takes too long is said."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gpu import job
from tests.gpu.checks import QWEN, Score, alike
from tests.gpu.machine import Failed, Machine


def check(name: str, run: object, needs: tuple[str, ...] = ()) -> job.Check:
    return job.Check(name, f"what {name} is", needs, run)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_dry_run_passes_on_the_cpu() -> None:
    """One of the checks; all of them: make test-gpu ARGS=--dry-run."""
    command = [sys.executable, str(job.ROOT / "tests/gpu/job.py"), "--dry-run", "--only", "lora"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    assert [row[0].strip("| ") for row in rows[1:]] == ["lora"]
    assert {row[2] for row in rows[1:]} == {"passed"}
    assert "a dry run on a CPU" in done.stdout


def test_what_is_missing_fails_or_comes_too_late_is_said(tmp_path: Path) -> None:
    def fails(machine: Machine) -> str:
        raise Failed("it | did not")

    def takes_all(machine: Machine) -> str:
        machine.until = -math.inf
        return "3 %"

    chosen = [
        check("absent", takes_all, ("no_such_module",)),
        check("bad", fails),
        check("slow", takes_all),
        check("late", takes_all),
    ]
    results = job.run_all(chosen, Machine(tmp_path, small=True), math.inf)
    assert [r.outcome for r in results] == ["skipped", "failed", "passed", "not reached"]
    assert results[0].said == "not installed: no_such_module"
    text = job.table(results, "a machine")
    assert text.startswith("a machine\n\n| check |") and "it / did not" in text
    assert {line.count("|") for line in text.splitlines()[2:]} == {7}


def test_a_command_that_is_refused_or_outlasts_the_time_is_a_failure(tmp_path: Path) -> None:
    machine = Machine(tmp_path, small=True)
    with pytest.raises(Failed, match=r"exit code 2: .*no_such_method"):
        machine.slmr("methods", "show", "no_such_method")
    machine.until = -math.inf
    machine.remaining = lambda: 0.01  # type: ignore[method-assign]
    with pytest.raises(Failed, match="not finished when the time was over"):
        machine.slmr("eval", "lab-llama", "--limit", "8")


def test_without_a_gpu_the_job_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(job, "gpus", lambda: 0)
    for arguments, said in (
        ((), "--dry-run"),
        (("--only", "fp8", "--dry-run"), "no check fp8; there are bf16"),
    ):
        monkeypatch.setattr(sys, "argv", ["job.py", *arguments])
        with pytest.raises(SystemExit) as stop:
            job.main()
        assert stop.value.code == 2 and said in capsys.readouterr().err


def test_accuracies_far_apart_are_a_failure() -> None:
    alike(Score(40.0, None), Score(42.0, 100.0))
    with pytest.raises(Failed, match=r"40\.0 %, 60\.0 % at 1,000 tokens/s"):
        alike(Score(40.0, None), Score(60.0, 1000.0))


def test_the_random_model_has_the_published_size() -> None:
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    with torch.device("meta"):
        size = Qwen2ForCausalLM(Qwen2Config(**QWEN)).num_parameters()
    assert size == 494_032_768  # 0.49 B on its model card
