"""`slmr bench --dry-run`: the stages, their cost, and what is missing; nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.cli import dry_run
from tests.cli.commands import Command


@pytest.mark.parametrize(
    ("value", "text"), [(0, ""), (0.123, "0.12"), (9.96, "10"), (12.4, "12"), (12345.6, "12,346"), (1.0, "1")]
)
def test_two_figures_as_nobody_knows_more(value: float, text: str) -> None:
    assert dry_run._number(value) == text


def test_the_plan_is_printed_and_nothing_is_made(tmp_path: Path, here: Command) -> None:
    done = here("bench", "--method", "sft", "--dry-run")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[:3] == ["state", "artefact", "stage"]
    to_do = [line.split()[2].rpartition("-")[0] for line in lines if line.startswith("to do")]
    assert "sft" in to_do and to_do.count("evaluate") == 4  # two models, on the tasks and for pass@k
    assert f"sum    {len(to_do)} to do" in done.stdout and "Missing here" in done.stdout
    assert not (tmp_path / "runs").exists()
