"""`slmr preflight`: what it prints, in 80 columns, and what a script reads."""

from __future__ import annotations

import json

import pytest

from tests.cli.commands import Command


def test_figures_in_eighty_columns_and_as_json(here: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    words = ("preflight", "lab-llama", "lab_gsm8k", "--limit", "12", "--k", "4", "--group-size", "16")
    done = here(*words)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, map(str.rstrip, lines))) <= 80
    for name in (
        "pass@1",
        "pass@4",
        "format loss",
        "cut off at 96",
        "mixed groups of 16",
        "smallest gain",
        "sft of",
    ):
        assert any(name in line for line in lines), name
    again = here(*words, "--json")
    assert again.returncode == 0 and " 0 to do" in again.stderr
    (row,) = json.loads(again.stdout)
    assert row["problems"] == 12 and row["pass_1"][0] <= row["pass_k"][0] <= 1
    assert [cost["method"] for cost in row["costs"]] == ["grpo", "sft"]
    assert row["verdicts"]


def test_what_is_refused(here: Command) -> None:
    for wrong, said in (
        (("lab-llama", "lab_gsm9k"), "did you mean 'lab_gsm8k'"),
        (("lab-lama", "lab_gsm8k"), "lab-lama"),
        (("lab-llama", "lab_gsm8k", "--k", "1"), "k"),
        (("lab-llama", "lab_gsm8k", "--correlation", "1"), "correlation"),
    ):
        refused = here("preflight", *wrong)
        assert refused.returncode == 2 and said in refused.stderr, refused.stderr
