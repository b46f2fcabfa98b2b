"""What a run's folder holds is there as it was written, or it is not what was exported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from slmr.io import write_rows
from slmr.results.runs.exported import MARKER, is_exported, mark_again, mark_exported
from slmr.results.runs.files import RunFiles

KEYS = ["evaluation", "capability"]


@pytest.fixture
def files(tmp_path: Path) -> RunFiles:
    files = RunFiles(tmp_path, "grpo", "org/model", 3)
    write_rows(files.samples / "lab_math.parquet", [{"item_id": "a", "strict": True}])
    write_rows(files.table("course"), [{"step": 1}])
    mark_exported(files, KEYS)
    return files


def test_what_was_written_is_exported_for_its_stages_alone(files: RunFiles) -> None:
    assert is_exported(files, KEYS)
    assert not is_exported(files, ["another", "capability"])
    assert not is_exported(replace(files, method="sft"), KEYS)


def test_a_change_is_seen_until_it_is_said_to_be_meant(files: RunFiles) -> None:
    write_rows(files.samples / "lab_math.parquet", [{"item_id": "a", "strict": False}])
    assert not is_exported(files, KEYS)
    mark_again(files)
    assert is_exported(files, KEYS)


def test_a_missing_table_is_seen(files: RunFiles) -> None:
    files.table("course").unlink()
    assert not is_exported(files, KEYS)


@pytest.mark.parametrize("content", ["", "key\nkey", "[]", '{"made": 3}', "\x00"])
def test_a_marker_of_another_kind_is_none(files: RunFiles, content: str) -> None:
    marker = files.samples / MARKER
    marker.write_text(content)
    assert not is_exported(files, KEYS)
    mark_again(files)
    assert marker.read_text() == content
