"""`summary.json` and what lies beside it: written whole, read typed, refused with the reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from slmr.errors import RequestError
from slmr.io import write_rows
from slmr.results.runs.files import RunFiles, items_file
from slmr.results.runs.schema import Contamination, read_summary, write_summary
from tests.made_results import summary_row

SHARED = Contamination(
    train="pool", test="svamp", n_train=5, n_test=9, overlapping=2, exact=1, rate=2 / 9, examples=["a"]
)


def test_a_summary_is_read_as_it_was_written(tmp_path: Path) -> None:
    row = summary_row("sft", accuracy=0.4, pass_at={"2": (0.5, 0.4, 0.6)}, maj_at_k=(0.5, 0.4, 0.6))
    write_summary(tmp_path / "summary.json", [row], [SHARED])
    summary = read_summary(tmp_path / "summary.json")
    assert summary.rows == [row] and summary.contamination == [SHARED] and summary.schema_version == 2
    assert [file.name for file in tmp_path.iterdir()] == ["summary.json"]
    assert row.tokens == 3300 and row.format_loss == pytest.approx(0.01)
    assert row.identity == ("sft", "lab-llama", 0, "lab_gsm8k")


def test_a_misspelt_run_is_answered_with_those_that_there_are(tmp_path: Path) -> None:
    (tmp_path / "lab-0123").mkdir()
    write_summary(tmp_path / "lab-0123" / "summary.json", [summary_row("sft")])
    with pytest.raises(RequestError) as error:
        read_summary(tmp_path / "lab-0132" / "summary.json")
    said = f"no run at {tmp_path}/lab-0132; did you mean 'lab-0123'? ({tmp_path} has lab-0123)"
    assert str(error.value) == said


def test_the_first_schema_is_read_too(tmp_path: Path) -> None:
    old = json.loads(summary_row("sft").model_dump_json(exclude_none=True))
    (tmp_path / "summary.json").write_text(json.dumps({"schema_version": 1, "rows": [old]}))
    assert read_summary(tmp_path / "summary.json").rows[0].data is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no summary at .*: run the command that made .* again"),
        (b"{", "is not a summary of schema 2: "),
        (b"\xff", "is not a summary of schema 2: "),
        (b'{"rows": [{"method": "sft"}]}', "is not a summary of schema 2: "),
        (b'{"schema_version": 9, "rows": []}', "is not a summary of schema 2: "),
    ],
)
def test_what_is_no_summary_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "summary.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(RequestError, match=message):
        read_summary(file)


def test_completions_get_their_items_texts_wherever_these_are_kept(tmp_path: Path) -> None:
    row = summary_row("sft")
    own = [{"item_id": "i", "k_index": 0, "prompt": "Why?", "gold": "1"}]
    write_rows(row.samples_file(tmp_path), own)
    assert row.samples(tmp_path) == own
    write_rows(items_file(tmp_path, row.task), [{"item_id": "i", "prompt": "Other?", "gold": "2"}])
    assert row.samples(tmp_path) == own  # a run's own texts come first
    write_rows(row.samples_file(tmp_path), [{"item_id": "i", "k_index": 0}, {"item_id": "j", "k_index": 0}])
    joined = row.samples(tmp_path)
    assert joined == [
        {"item_id": "i", "k_index": 0, "prompt": "Other?", "gold": "2"},
        {"item_id": "j", "k_index": 0},
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("train_tokens", 10**400),
        ("seed", 10**400),
        ("n_items", 10**19),
        ("flops", float("inf")),
        ("stderr", float("nan")),
        ("ci95", (0.1, float("inf"))),
        ("method", "../../x"),
        ("task", "a/../../b"),
        ("method", ".."),
        ("student", ".."),
        ("task", ""),
        ("task", "x" * 300),
    ],
)
def test_a_number_or_name_that_no_run_can_have_is_refused(tmp_path: Path, name: str, value: Any) -> None:
    """Such a number would end the whole board, such a name lead out of the run's folder."""
    row = summary_row("sft").model_dump(mode="json") | {name: value}
    (tmp_path / "summary.json").write_text(json.dumps({"schema_version": 2, "rows": [row]}))
    with pytest.raises(RequestError, match="is not a summary of schema 2: ") as caught:
        read_summary(tmp_path / "summary.json")
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("student", ["/models/mine", "../mine", "./mine", "org/name@main", "http://127.0.0.1:8000/v1"])
def test_a_student_may_be_named_by_its_path(student: str) -> None:
    assert summary_row("sft", student=student).student == student
    assert RunFiles(Path("run"), "sft", student, 0).samples.parts[:3] == ("run", "samples", "sft")
