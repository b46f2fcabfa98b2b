"""Logs of inspect_ai: by hand, and by its own reader where that is installed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from slmr.errors import RequestError
from slmr.io import read_rows, write_rows
from slmr.results.export.inspect_logs import export_inspect
from slmr.results.runs.schema import write_summary
from tests.made_results import put_samples, summary_row

STRICT = np.array([[True, False], [False, False], [True, True]])


@pytest.fixture
def run(tmp_path: Path) -> Path:
    row = put_samples(tmp_path / "run", summary_row("grpo", "svamp", edition="paper", student="org/Small-1B"), STRICT)
    write_summary(tmp_path / "run/summary.json", [row])
    return tmp_path / "run"


def test_a_log_holds_the_completions_and_the_rates(run: Path, tmp_path: Path) -> None:
    (file,), notices = export_inspect(run, tmp_path / "logs")
    log = json.loads(file.read_text())
    assert notices == [] and log["eval"]["model"] == "slmr/org/Small-1B/grpo-seed-0" and len(log["samples"]) == 6
    assert [sample["scores"]["slmr"]["value"] for sample in log["samples"]] == ["C", "I", "I", "I", "C", "C"]
    assert {(s["id"], s["epoch"]) for s in log["samples"]} == {(f"item-{i}", k) for i in range(3) for k in (1, 2)}
    assert log["results"]["scores"][0]["metrics"]["accuracy"]["value"] == 0.5
    assert log["results"]["total_samples"] == log["results"]["completed_samples"] == 6


def test_inspect_reads_it(run: Path, tmp_path: Path) -> None:
    inspect = pytest.importorskip("inspect_ai.log", reason="inspect_ai is not installed here")
    (file,), _ = export_inspect(run, tmp_path / "logs")
    (info,) = inspect.list_eval_logs(str(tmp_path / "logs"))
    log = inspect.read_eval_log(info)
    assert log.status == "success" and log.samples[0].output.completion and log.results.scores[0].metrics
    assert Path(info.name.removeprefix("file://")).name == file.name


def test_a_run_without_texts_has_no_log(run: Path, tmp_path: Path) -> None:
    (samples,) = run.glob("samples/**/*.parquet")
    rows = read_rows(samples)
    write_rows(samples, [{k: v for k, v in row.items() if k != "completion"} for row in rows])
    with pytest.raises(RequestError, match="keeps no texts"):
        export_inspect(run, tmp_path / "logs")
