"""What the commands share: how they print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slmr.cli.options import console, examples, print_fields, print_json, print_listing, use_data_dir
from slmr.errors import RequestError
from slmr.tasks import datasets


def test_a_listing_is_aligned_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"name": "a", "note": None}, {"name": "longer", "note": "x"}]
    print_listing(rows, as_json=False)
    assert capsys.readouterr().out == "name    note\na\nlonger  x\n"
    print_listing(rows, as_json=True)
    assert json.loads(capsys.readouterr().out) == rows


def test_the_lines_of_a_longer_text_are_indented(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields({"name": "a", "prompt": "one\ntwo"})
    assert capsys.readouterr().out == "name        a\nprompt      one\n            two\n"


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([{"name": "é"}])
    assert json.loads(capsys.readouterr().out) == [{"name": "é"}]


def test_a_table_that_goes_to_a_file_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    console().print("x" * 150)
    assert capsys.readouterr().out == "x" * 150 + "\n"


def test_examples_stand_line_by_line() -> None:
    assert examples("slmr a", "slmr b") == "\b\nExamples:\n  slmr a\n  slmr b"


def test_a_data_folder_is_taken_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLMR_DATA", "")
    use_data_dir(None)
    assert datasets.data_folder() is None
    use_data_dir(tmp_path)
    assert datasets.data_folder() == tmp_path
    with pytest.raises(RequestError, match="which is no folder"):
        use_data_dir(tmp_path / "nowhere")
