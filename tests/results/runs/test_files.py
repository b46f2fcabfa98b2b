"""Where a run keeps what it has, and tables that are damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.errors import RequestError
from slmr.results.runs import files
from slmr.results.runs.files import RunFiles, evaluation_folder, items_file, read_table
from tests.made_results import summary_row


def test_where_things_lie(tmp_path: Path) -> None:
    folder = RunFiles(tmp_path, "sft", "org/model", 3).samples
    assert folder == tmp_path / "samples/sft/org--model/seed-3"
    assert (
        RunFiles(tmp_path, "sft", "org/model", 3).table("course") == tmp_path / "course/sft/org--model/seed-3.parquet"
    )
    assert items_file(tmp_path, "svamp") == tmp_path / "items/svamp.parquet"
    assert evaluation_folder(tmp_path, "3f") == tmp_path / "artefacts/evaluate-3f"
    assert summary_row("sft").samples_file(tmp_path) == tmp_path / "samples/sft/lab-llama/seed-0/lab_gsm8k.parquet"


def test_a_table_without_rows_is_no_file(tmp_path: Path) -> None:
    file = RunFiles(tmp_path, "sft", "s", 0).table("course")
    RunFiles(tmp_path, "sft", "s", 0).write_table("course", [])
    assert not file.exists()
    RunFiles(tmp_path, "sft", "s", 0).write_table("course", [{"step": 1}])
    assert read_table(file) == [{"step": 1}]
    file.write_bytes(b"PAR1")
    with pytest.raises(RequestError, match=r"seed-0\.parquet is damaged: "):
        read_table(file)


def test_a_fault_without_text_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(file: Path) -> None:
        raise OSError

    monkeypatch.setattr(files, "read_rows", fails)
    with pytest.raises(RequestError, match="is damaged: OSError"):
        read_table(tmp_path)
