"""What lm-eval's own functions, and a data set's loader, read out of an exported run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from lm_eval.utils import (
    get_file_task_name,
    get_results_filenames,
    get_sample_results_filenames,
    make_table,
)

from slmr.errors import WorkError
from slmr.io import read_rows, write_rows
from slmr.results.export.lm_eval import export_lm_eval
from slmr.results.runs.schema import read_summary, write_summary
from tests.made_results import put_samples, summary_row


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A base on two tasks, one with two completions an item, and a trained seed."""
    strict = np.random.default_rng(1).random((12, 2)) < 0.5
    rows = [summary_row("base", "lab_math"), summary_row("base"), summary_row("grpo", seed=3)]
    folder = tmp_path / "run"
    rows = [put_samples(folder, row, strict[:, : 1 + (row.task == "lab_math")]) for row in rows]
    write_summary(folder / "summary.json", rows)
    return folder


def test_lm_evals_functions_find_and_print_it(run: Path, tmp_path: Path) -> None:
    files, notices = export_lm_eval(run, tmp_path / "out")
    written = [str(file) for file in (tmp_path / "out").rglob("*") if file.is_file()]
    assert sorted(get_results_filenames(written)) == sorted(map(str, files)) and len(files) == 2 and notices == []
    assert sorted(get_file_task_name(Path(f).name) for f in get_sample_results_filenames(written)) == [
        "lab_gsm8k",
        "lab_gsm8k",
        "lab_math",
    ]
    assert {file.parent.name for file in files} == {"lab-llama", "lab-llama__grpo-seed-3"}
    results = json.loads(files[0].read_text())
    rows = {row.task: row for row in read_summary(run / "summary.json").rows if row.method == "base"}
    for task, row in rows.items():
        assert results["results"][task]["accuracy,none"] == row.accuracy
        assert results["results"][task]["accuracy_stderr,none"] == row.stderr
    table = make_table(results)
    assert "|lab_math |" in table and f"{rows['lab_math'].accuracy:.4f}" in table


def test_samples_load_as_a_data_set_and_give_the_mean(run: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    export_lm_eval(run, tmp_path / "out")
    (file,) = (tmp_path / "out").rglob("samples_lab_math_*.jsonl")
    data = load_dataset("json", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache"))
    (row,) = (row for row in read_summary(run / "summary.json").rows if row.task == "lab_math")
    assert len(data) == 12 and np.mean(data["accuracy"]) == pytest.approx(row.accuracy)
    assert data[0]["arguments"]["gen_args_0"]["arg_0"] == "What is 0 apples?"
    assert [len(texts) for texts in data["resps"]] == [1] * 12 and len(data[0]["resps"][0]) == 2


def test_a_run_without_texts_has_results_alone(run: Path, tmp_path: Path) -> None:
    for file in (run / "samples").rglob("*.parquet"):
        write_rows(file, [{**row, "completion": None} for row in read_rows(file)])
    files, notices = export_lm_eval(run, tmp_path / "out")
    assert len(files) == 2 and len(notices) == 3 and "the run keeps no texts" in notices[0]
    assert not list((tmp_path / "out").rglob("samples_*"))


def test_a_failed_write_is_no_success(run: Path, tmp_path: Path) -> None:
    model = export_lm_eval(run, tmp_path / "good")[0][0].parent.name
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / model).write_text("a file where a folder should be")
    with pytest.raises(WorkError, match="lm-eval did not write"):
        export_lm_eval(run, tmp_path / "out")
