"""A run that says what is so is confirmed; what was changed in it afterwards is found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from slmr.errors import RequestError
from slmr.io import read_rows, write_rows
from slmr.pipeline.evaluation import EvalRequest
from slmr.pipeline.verification import VerifyRequest, verify_run
from slmr.results.runs.schema import read_summary, write_summary
from tests.in_process import evaluate_model, slmr


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab student on a few items, two completions each."""
    request = EvalRequest("lab-llama", tasks="lab_gsm8k", limit=12, k=2, out=tmp_path_factory.mktemp("runs"))
    return evaluate_model(request)[1]


@pytest.fixture
def run(evaluated: Path, tmp_path: Path) -> Path:
    shutil.copytree(evaluated, tmp_path / "run")
    return tmp_path / "run"


def test_a_run_is_confirmed_to_the_letter(run: Path) -> None:
    (check,) = verify_run(VerifyRequest(run, share=1.0))
    assert not check.failed and check.items == check.same_items == 12 and check.accuracy_agrees
    assert check.completions == check.same_verdicts == check.generated == check.same_texts == 24
    assert check.outcomes is not None and check.outcomes.mean == 1.0 and check.note == ""


def test_a_truncated_run_with_stop_texts_is_sampled_again_as_it_was(tmp_path: Path) -> None:
    request = EvalRequest(
        "lab-llama", tasks="lab_gsm8k", limit=8, temperature=0.6, top_p=0.9, top_k=20, stop=("=",), out=tmp_path
    )
    rows, folder = evaluate_model(request)
    assert rows[0].command.endswith("--limit 8 --temperature 0.6 --top-p 0.9 --top-k 20 --stop =")
    texts = [row["completion"] for row in read_rows(next(folder.glob("samples/**/*.parquet")))]
    assert not any("=" in text for text in texts)
    (check,) = verify_run(VerifyRequest(folder, share=1.0))
    assert not check.failed and check.same_texts == check.generated == 8


def test_a_part_is_drawn_by_the_seed(run: Path) -> None:
    (some,) = verify_run(VerifyRequest(run, share=0.25, seed=3, generate=False))
    assert (some.items, some.completions, some.generated) == (3, 6, 0) and not some.failed


def altered(run: Path, **values: object) -> None:
    """The first item's completions, changed in the file."""
    (file,) = run.glob("samples/**/*.parquet")
    rows = read_rows(file)
    write_rows(file, [row | (values if row["item_id"] == rows[0]["item_id"] else {}) for row in rows])


@pytest.mark.parametrize(
    "values",
    [
        {"strict": True, "lenient": True, "status": "correct", "completion": "no idea"},
        {"gold": "123456"},
        {"prompt": "What is 1 + 1?"},
    ],
)
def test_what_was_changed_is_found(run: Path, values: dict[str, object]) -> None:
    altered(run, **values)
    (check,) = verify_run(VerifyRequest(run, share=1.0, generate=False))
    assert check.failed


def test_an_accuracy_that_is_not_that_of_the_completions(run: Path) -> None:
    (row,) = read_summary(run / "summary.json").rows
    write_summary(run / "summary.json", [row.model_copy(update={"accuracy": 0.987})])
    (check,) = verify_run(VerifyRequest(run, generate=False))
    assert not check.accuracy_agrees and check.failed


def test_what_is_not_at_hand_is_said_and_no_server_of_a_strangers_run_is_asked(run: Path) -> None:
    (row,) = read_summary(run / "summary.json").rows
    for student in ("http://127.0.0.1:9/v1", "nobody/has-this-model"):
        renamed = row.model_copy(update={"student": student})
        target = renamed.samples_file(run)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(row.samples_file(run), target)
        write_summary(run / "summary.json", [renamed])
        (check,) = verify_run(VerifyRequest(run))
        assert check.generated == 0 and "only verdicts checked" in check.note and not check.failed


def test_a_file_that_holds_no_completions(run: Path) -> None:
    (file,) = run.glob("samples/**/*.parquet")
    write_rows(file, [{"a": 1}])
    with pytest.raises(RequestError, match="not a file of completions"):
        verify_run(VerifyRequest(run))
    with pytest.raises(RequestError, match="no summary at"):
        verify_run(VerifyRequest(run / "samples"))


def test_the_command(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert slmr("verify-run", str(run), "--verdicts-only", "--seed", "5") in (0, None)
    assert "agrees. The same items again: --seed 5" in capsys.readouterr().out
    altered(run, gold="123456")
    assert slmr("verify-run", str(run), "--verdicts-only", "--share", "1", "--json") == 1
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["failed"] and listed["same_items"] == 11
