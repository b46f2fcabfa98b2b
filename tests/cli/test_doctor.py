"""`slmr doctor`: the machine in a table, and damage with its repair."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.commands import Command


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A run with an artefact that was never finished, and a half-written file."""
    (tmp_path / "runs/run/artefacts/pool-0123").mkdir(parents=True)
    (tmp_path / "runs/run/.summary.json.0a1b.partial").write_text("{")
    return tmp_path / "runs"


def test_it_ends_with_what_can_be_run(here: Command) -> None:
    said = here("doctor").stdout.partition("You can run now:\n")[2].splitlines()
    assert said[0] == "  slmr tasks list" and all(line.startswith("  slmr ") for line in said)


def test_the_machine(here: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    rows = {row["name"]: row for row in json.loads(here("doctor", "--json").stdout)}
    assert rows["--profile lab"]["value"] == "can be run" and rows["hub"]["value"] == "switched off"


@pytest.mark.parametrize("option", ["--repair", "--mend"])
def test_damage_is_named_and_repaired(damaged: Path, here: Command, option: str) -> None:
    found = here("doctor", "--runs", "runs", "--json")
    assert found.returncode == 1 and {row["cure"] for row in json.loads(found.stdout)} == {"remove"}
    assert "2 things damaged: `slmr doctor --runs runs --repair` does what `cure` says" in found.stderr
    assert "2 things repaired" in here("doctor", "--runs", "runs", option).stdout
    assert not list(damaged.rglob("*.partial")) and not list(damaged.glob("run/artefacts/pool-*"))
    assert here("doctor", "--runs", "runs").stdout == "runs: nothing is damaged\n"


def test_repair_needs_a_folder_that_is_there(here: Command) -> None:
    assert "--repair needs --runs" in here("doctor", "--mend").stderr
    assert "there is no such folder" in here("doctor", "--runs", "nowhere").stderr
    assert "--mend" not in here("doctor", "--help").stdout
