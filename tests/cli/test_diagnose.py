"""`slmr diagnose`, as a reader runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slmr.io import write_rows
from tests.in_process import slmr
from tests.results.analysis.test_training_logs import LAB, json_lines_file


def rollouts(folder: Path) -> Path:
    """verl's: every answer is paid, right or wrong."""
    for step in range(1, 9):
        rows = [
            {"input": "1 + 1?", "output": f"#### {i}", "score": 1.0 - 0.5 * (i == 0), "step": step} for i in range(4)
        ]
        json_lines_file(folder / f"{step}.jsonl", rows)
    return folder


def test_as_json_with_golds_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = json_lines_file(tmp_path / "train.jsonl", [{"prompt": "1 + 1?", "answer": "2"}])
    run = rollouts(tmp_path / "dump")
    assert slmr("diagnose", str(run), "--data", str(data), "--gold", "answer", "--json") in (0, None)
    found = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert len(found) == 10 and found["wrong-paid"]["state"] == "found" and found["wrong-paid"]["advice"]
    assert found["leaked-test"]["state"] == "unknown" and found["wrong-paid"]["source"] == "verl"


def test_the_golds_may_be_a_parquet_of_conversations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, run = tmp_path / "train.parquet", rollouts(tmp_path / "dump")
    write_rows(data, [{"prompt": [{"role": "user", "content": "1 + 1?"}], "gold": "2"}])
    assert slmr("diagnose", str(run), "--data", str(data), "--json") in (0, None)
    found = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert found["wrong-paid"]["state"] == "found"


def test_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert slmr("diagnose", str(LAB)) in (0, None)
    printed = capsys.readouterr().out
    assert "grpo:lab-llama seed 0, grpo (slmr)" in printed and "Not known: right-unpaid" in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--kind", "numeri"], "did you mean 'numeric'"),
        (["--test", "lab_gsm9k"], "lab_gsm8k"),
        (["--data", "nothing.jsonl"], "cannot read"),
        (["--reward", "x"], "--reward is of TRL's tables"),
    ],
)
def test_a_wrong_request(tmp_path: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert slmr("diagnose", str(rollouts(tmp_path)), *arguments) == 2
    assert said in capsys.readouterr().err
