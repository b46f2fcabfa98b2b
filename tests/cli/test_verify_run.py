"""`slmr verify-run` on a published run, which keeps no models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.in_process import slmr
from tests.results.analysis.test_training_logs import LAB


def test_a_published_run_of_several_methods(capsys: pytest.CaptureFixture[str]) -> None:
    assert slmr("verify-run", str(LAB), "--share", "0.01", "--seed", "1", "--verdicts-only", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) > 10 and len({row["draw"] for row in rows}) == 1
    assert all(row["same_verdicts"] == row["completions"] > 0 and row["accuracy_agrees"] for row in rows)


def test_one_model_for_several_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert slmr("verify-run", str(LAB), "--model", "lab-llama") == 2
    assert "holds several models" in capsys.readouterr().err


def test_a_quiz_is_redone_with_the_task_that_its_evaluation_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "quiz.csv").write_text("question,answer\n1 + 1?,2\n2 + 2?,4\n")
    monkeypatch.chdir(tmp_path)
    assert slmr("eval", "lab-llama", "--tasks", "quiz.csv") == 0
    (run,) = (tmp_path / "runs").glob("*/summary.json")
    capsys.readouterr()
    assert slmr("verify-run", str(run.parent), "--share", "1", "--verdicts-only") == 0
    assert "Everything agrees" in capsys.readouterr().out
    (tmp_path / "runs/tasks/quiz/task.yaml").unlink()
    assert slmr("verify-run", str(run.parent), "--share", "1", "--verdicts-only") == 1
    assert "Nothing could be redone" in capsys.readouterr().out
