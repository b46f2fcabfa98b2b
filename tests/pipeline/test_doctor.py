"""`slmr doctor` says what is here and what is lacking, and which profiles that suffices for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from slmr.cli.app import COMMANDS
from slmr.pipeline import doctor, versions
from tests.in_process import slmr

PAPER = ("gsm8k_platinum", "logiqa", "math500", "mawps", "svamp")


def rows(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, dict[str, str]]:
    assert slmr("doctor", "--json", *more) == 0
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("SLMR_DATA", "")  # and so --data-dir, which sets it, is undone


def test_every_row_has_a_name_and_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(capsys)
    assert {"python", "slmr", "torch", "device", "cores", "memory", "disk", "ray", "vllm", "hub"} <= set(found)
    assert all(row["value"] for row in found.values())
    assert found["hub"]["value"] == "switched off"


def test_a_profile_lacks_what_only_the_hub_has(capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(capsys)
    assert found["--profile lab"] == {"name": "--profile lab", "value": "can be run", "note": ""}
    assert found["--profile smol"]["value"] == "cannot be run"
    assert all(task in found["--profile smol"]["note"] for task in PAPER)


def test_with_the_hub_it_says_what_comes_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_hub", lambda: ({"name": "hub", "value": "there", "note": ""}, True))
    (smol,) = [row for row in doctor.check_machine() if row["name"] == "--profile smol"]
    assert smol["value"] == "can be run" and smol["note"].startswith("from the hub: ")


def test_a_data_folder_is_looked_into(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(capsys, "--data-dir", str(tmp_path))
    assert found["svamp"]["value"].startswith("none: the data folder holds no")


def test_the_table_is_readable_and_mending_needs_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert slmr("doctor") == 0
    assert "--profile lab" in capsys.readouterr().out
    assert slmr("doctor", "--repair") == 2
    assert "--repair needs --runs" in capsys.readouterr().err


def test_without_extras_it_says_what_can_be_run_and_what_brings_the_rest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "installed_version", lambda name: None)
    monkeypatch.setattr(versions, "installed_version", lambda name: None)
    found = rows(capsys)
    assert found["commands"]["value"] == "can be run" and "verify" in found["commands"]["note"]
    for extra in ("eval", "train", "board"):
        row = found[f"commands of [{extra}]"]
        assert row["value"] == "cannot be run" and f"pip install 'slmr[{extra}]'" in row["note"]
    assert "device" not in found and found["hub"]["value"] == "not asked"
    assert found["--profile lab"]["note"] == "a bench needs slmr[train]"


def test_every_command_is_in_some_line(capsys: pytest.CaptureFixture[str]) -> None:
    named = " ".join(row["note"] for name, row in rows(capsys).items() if name.startswith("commands"))
    assert set(COMMANDS) <= set(re.findall(r"[a-z-]+", named))
