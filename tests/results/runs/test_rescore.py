"""Verdicts renewed by today's checkers."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.errors import RequestError
from slmr.io import read_rows, write_rows
from slmr.results.analysis.compare import compare
from slmr.results.runs.rescore import rescore
from slmr.results.runs.schema import read_summary
from slmr.tasks.registry import load_task
from slmr.verify import checker_version
from tests.results.made_runs import a_run


def test_rescoring_mends_verdicts_and_the_summary(tmp_path: Path) -> None:
    run = a_run(tmp_path / "a", {"lab_gsm8k": [True, False, True, True]}, checker_version="old")
    file = read_summary(run / "summary.json").rows[0].samples_file(run)
    samples = read_rows(file)
    samples[0] |= {"strict": False, "lenient": False, "status": "wrong"}  # as an older checker had it
    write_rows(file, samples)
    (change,) = rescore(run)
    assert [sample["item_id"] for sample in change.differing] == ["lab_gsm8k/0"]
    assert (change.before, change.after, change.checker_before) == (0.75, 0.75, "old")
    assert "1 verdicts differ" in change.line() and "checker old -> numeric" in change.line()
    (after,) = read_summary(run / "summary.json").rows
    assert after.accuracy == 0.75 and after.checker_version == checker_version("numeric")
    assert after.task_version == "1-a"  # the task that the completions were made for
    assert [s["strict"] for s in read_rows(file)] == [True, False, True, True]
    before = file.stat().st_mtime_ns
    assert rescore(run)[0].differing == [] and file.stat().st_mtime_ns == before  # written only if it changes


@pytest.mark.parametrize("checker", ["numeric-6", checker_version("numeric")])
def test_rescoring_renews_the_digest_of_the_same_task_files(tmp_path: Path, checker: str) -> None:
    """It covers the checker's version: else a board takes rescored rows and new ones for two tasks."""
    task = load_task("lab_gsm8k")
    before = f"{task.version}-{task.digest_under('numeric-6')}"
    run = a_run(tmp_path / "a", {"lab_gsm8k": [True] * 3}, task_version=before, checker_version=checker)
    rescore(run)
    (after,) = read_summary(run / "summary.json").rows
    assert after.task_version == f"{task.version}-{task.digest}" != before


def test_rescoring_keeps_the_digest_of_other_task_files(tmp_path: Path) -> None:
    version = f"{load_task('lab_gsm8k').version}-0123456789abcdef"
    run = a_run(tmp_path / "a", {"lab_gsm8k": [True] * 3}, task_version=version, checker_version="numeric-6")
    rescore(run)
    assert read_summary(run / "summary.json").rows[0].task_version == version


def test_a_run_without_samples_or_summary_is_refused(tmp_path: Path) -> None:
    a = a_run(tmp_path / "a", {"lab_gsm8k": [True] * 3})
    read_summary(a / "summary.json").rows[0].samples_file(a).unlink()
    with pytest.raises(RequestError, match=r"lab_gsm8k.parquet is missing"):
        compare(str(a), str(a))
    with pytest.raises(RequestError, match="no run at"):
        compare(str(tmp_path / "none"), str(a))
    with pytest.raises(RequestError, match="cannot be verified again"):
        rescore(a)
