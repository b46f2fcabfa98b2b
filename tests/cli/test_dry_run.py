"""`slmr bench --dry-run`: the stages, their cost, and what is missing; nothing is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slmr.cli import dry_run
from tests.cli.commands import Command
from tests.in_process import slmr


@pytest.mark.parametrize(
    ("value", "text"), [(0, ""), (0.123, "0.12"), (9.96, "10"), (12.4, "12"), (12345.6, "12,346"), (1.0, "1")]
)
def test_two_figures_as_nobody_knows_more(value: float, text: str) -> None:
    assert dry_run._number(value) == text


def test_the_plan_is_printed_and_nothing_is_made(tmp_path: Path, here: Command) -> None:
    done = here("bench", "--method", "sft", "--dry-run")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[:3] == ["state", "artefact", "stage"] and "minutes" in lines[0]
    assert "H100" not in done.stdout and "assumed" not in done.stdout
    assert re.search(r"^About \d+ (s|min) of work on this machine", done.stdout, re.MULTILINE)
    to_do = [line.split()[2].rpartition("-")[0] for line in lines if line.startswith("to do")]
    assert "sft" in to_do and to_do.count("evaluate") == 4  # two models, on the tasks and for pass@k
    assert f"sum    {len(to_do)} to do" in done.stdout and "Missing here" in done.stdout
    assert not (tmp_path / "runs").exists()


def test_the_paper_profile_is_planned_without_hub_gpu_or_teacher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "none"))
    (tmp_path / "own.yaml").write_text(
        "extends: paper\nstages: {teacher: &t {teacher_model: 'http://127.0.0.1:9/v1'}, bridge: *t, critique: *t}\n"
    )
    asked = ("bench", "--profile", "own.yaml", "--method", "stagewise", "--dry-run", "--explain")
    both = ("--student", "Qwen/Qwen2.5-0.5B-Instruct", "--student", "meta-llama/Llama-3.2-1B-Instruct")
    assert slmr(*asked, *both) in (0, None)
    said = capsys.readouterr().out
    for wanted in (
        "to do",
        "generated M",
        "PFLOP",
        "h x8",
        "GiB x1",
        "GPU-hours",
        "494,032,768 weights",
        "1,235,814,400 weights",
        "train_share 0.25",
        "student Qwen/Qwen2.5-0.5B-Instruct: its files",
        "teacher 'server': http://127.0.0.1:9/v1",
        "vllm serve MODEL",
    ):
        assert wanted in said, wanted
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("student", ["org/nobody", "runs/nothing-there"])
def test_a_student_that_does_not_exist_is_refused(
    student: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert slmr("bench", "--method", "sft", "--student", student, "--dry-run") == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1 and f"no model '{student}'" in said.err


def test_what_the_minutes_rest_on_is_explained(here: Command) -> None:
    done = here("bench", "--method", "sft", "--limit", "16", "--dry-run", "--explain")
    assert "measured just now with lab-llama, 961,920 weights, in 1 thread: " in done.stdout
    assert "completion_tokens" in done.stdout and "train_share" not in done.stdout
    refused = here("bench", "--method", "sft", "--explain")
    assert refused.returncode == 2 and "--explain is for --dry-run" in refused.stderr
