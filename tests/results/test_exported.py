"""What a run's folder holds is there as it was written, or it is not what was exported."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.io import write_rows
from slmr.results.exported import MARKER, is_exported, mark_again, mark_exported
from slmr.results.schema import run_file, samples_folder

WHO = ("grpo", "org/model", 3)
KEYS = ["evaluation", "capability"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_rows(samples_folder(tmp_path, *WHO) / "lab_math.parquet", [{"item_id": "a", "strict": True}])
    write_rows(run_file(tmp_path, "course", *WHO), [{"step": 1}])
    mark_exported(tmp_path, KEYS, *WHO)
    return tmp_path


def test_what_was_written_is_exported_for_its_stages_alone(run: Path) -> None:
    assert is_exported(run, KEYS, *WHO)
    assert not is_exported(run, ["another", "capability"], *WHO)
    assert not is_exported(run, KEYS, "sft", *WHO[1:])


def test_a_change_is_seen_until_it_is_said_to_be_meant(run: Path) -> None:
    write_rows(samples_folder(run, *WHO) / "lab_math.parquet", [{"item_id": "a", "strict": False}])
    assert not is_exported(run, KEYS, *WHO)
    mark_again(run, *WHO)
    assert is_exported(run, KEYS, *WHO)


def test_a_missing_table_is_seen(run: Path) -> None:
    run_file(run, "course", *WHO).unlink()
    assert not is_exported(run, KEYS, *WHO)


@pytest.mark.parametrize("content", ["", "key\nkey", "[]", '{"made": 3}', "\x00"])
def test_a_marker_of_another_kind_is_none(run: Path, content: str) -> None:
    marker = samples_folder(run, *WHO) / MARKER
    marker.write_text(content)
    assert not is_exported(run, KEYS, *WHO)
    mark_again(run, *WHO)
    assert marker.read_text() == content
