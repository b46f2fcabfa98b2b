"""`slmr verify`: a verdict a line, and every fault of the cases in one line, before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slmr.cli.verify import verify_file
from slmr.errors import RequestError, WorkError

CASE = {"id": 1, "kind": "numeric", "completion": "#### 4", "gold": "4"}
FIELDS = ["id", "status", "strict", "lenient", "extracted", "reason", "elapsed_ms"]


def test_a_verdict_a_line_in_order_by_kind_or_task(tmp_path: Path) -> None:
    cases = [
        CASE,
        {"id": "b", "task": "lab_math", "completion": "so \\boxed{\\frac{2}{4}}", "gold": "\\frac{1}{2}"},
        {"id": "c", "kind": "choice", "completion": "", "gold": "B", "beside": [1]},
        {"id": None, "kind": "numeric", "completion": "It is 4.", "gold": "x"},
    ]
    (tmp_path / "in").write_text("\n\n".join(map(json.dumps, cases)) + "\n")
    counts = verify_file(tmp_path / "in", tmp_path / "out")
    rows = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert [list(row) for row in rows] == [FIELDS] * 4
    assert [(row["id"], row["status"]) for row in rows] == [
        (1, "correct"),
        ("b", "correct"),
        ("c", "no_answer"),
        (None, "malformed_gold"),
    ]
    assert counts == {"correct": 2, "no_answer": 1, "malformed_gold": 1}


def test_a_line_separator_of_unicode_is_no_end_of_a_line(tmp_path: Path) -> None:
    case = CASE | {"completion": "first\u2028second\u0085third #### 4"}
    (tmp_path / "in").write_text(json.dumps(case, ensure_ascii=False), encoding="utf-8")
    assert verify_file(tmp_path / "in", tmp_path / "out") == {"correct": 1}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "not JSON: "),
        (b'{"id": 1, "completion": "\xff"}', "not UTF-8: byte 0xff at position 26 of the line"),
        (b"[1]", "it should be a mapping"),
        (b"3", "it should be a mapping"),
        (json.dumps(CASE | {"gold": True}).encode(), "gold = true: it should be a valid string"),
        (json.dumps(CASE | {"completion": None}).encode(), "completion = null: it should be a valid string"),
        (b'{"id": 1}', "completion is missing"),
        (b'{"id": 1, "completion": "4", "gold": "4"}', "kind or task is missing"),
        (json.dumps(CASE | {"kind": "numerc"}).encode(), "did you mean 'numeric'?"),
        (json.dumps(CASE | {"kind": None, "task": "lab_mats"}).encode(), "did you mean 'lab_math'?"),
    ],
)
def test_a_fault_names_file_and_line_and_nothing_is_written(tmp_path: Path, line: bytes, message: str) -> None:
    file = tmp_path / "in.jsonl"
    file.write_bytes(json.dumps(CASE).encode() + b"\n" + line)
    with pytest.raises(RequestError) as error:
        verify_file(file, tmp_path / "out")
    assert str(error.value).startswith(f"{file}:2: ") and message in str(error.value)
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()


def test_the_cases_are_not_written_over_and_no_case_is_no_success(tmp_path: Path) -> None:
    file = tmp_path / "in"
    file.write_text(json.dumps(CASE))
    with pytest.raises(RequestError, match="would be written over"):
        verify_file(file, tmp_path / "." / "in")
    assert file.read_text() == json.dumps(CASE)
    file.write_text("\n\n")
    with pytest.raises(RequestError, match="holds no case"):
        verify_file(file, tmp_path / "out")


def test_what_the_disk_refuses_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "in").write_text(json.dumps(CASE))
    (tmp_path / "file").touch()
    with pytest.raises(WorkError, match="part of the path is a file"):
        verify_file(tmp_path / "in", tmp_path / "file" / "out")
    with pytest.raises(RequestError, match="cannot read"):
        verify_file(tmp_path / "absent", tmp_path / "out")
