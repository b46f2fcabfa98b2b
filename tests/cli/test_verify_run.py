"""`slmr verify-run` on a published run, which keeps no models."""

from __future__ import annotations

import json

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
