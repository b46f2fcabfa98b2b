"""What is written in the schema "Every Eval Ever": by hand, and by its own package where that is installed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from slmr.errors import RequestError
from slmr.io import sha256_of
from slmr.results.export.every_eval_ever import export_every_eval_ever
from slmr.results.runs.schema import write_summary
from tests.made_results import put_samples, summary_row

PATH = r"data/[^/]+/[^/]+/[^/]+/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.json"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A model on a paper task and a lab task, and a trained one."""
    strict = np.random.default_rng(1).random((12, 2)) < 0.5
    paper = {"edition": "paper", "student": "org/Small-1B", "engine": "transformers float32"}
    rows = [
        summary_row("eval", "svamp", **paper),
        summary_row("grpo", "svamp", seed=3, **paper),
        summary_row("eval", "lab_math", student="org/Small-1B"),
    ]
    rows = [put_samples(tmp_path / "run", row, strict) for row in rows]
    write_summary(tmp_path / "run/summary.json", rows)
    return tmp_path / "run"


def test_a_file_a_model_and_no_lab(run: Path, tmp_path: Path) -> None:
    files, notices = export_every_eval_ever(run, tmp_path / "out")
    assert [re.fullmatch(PATH, f.relative_to(tmp_path / "out").as_posix()) is not None for f in files] == [
        True,
        True,
    ]
    assert notices == ["left out: results of the lab edition are not for public boards: lab_math"]
    contents = [json.loads(file.read_text()) for file in files]
    assert [c["model_info"]["id"] for c in contents] == ["org/Small-1B", "org/Small-1B-grpo-seed-3"]
    strict, lenient = contents[0]["evaluation_results"]
    assert strict["score_details"]["uncertainty"]["num_samples"] == 12 and "uncertainty" not in lenient["score_details"]
    detail = contents[0]["detailed_evaluation_results"]
    answers = tmp_path / "out" / detail["file_path"]
    assert detail["checksum"] == sha256_of(answers) and detail["total_rows"] == 24
    lines = [json.loads(line) for line in answers.read_text().splitlines()]
    assert np.mean([line["evaluation"]["score"] for line in lines]) == pytest.approx(strict["score_details"]["score"])
    assert export_every_eval_ever(run, tmp_path / "out")[0] == files  # again the same names


@pytest.mark.parametrize(("engine", "deployment"), [("server", "unknown"), ("transformers float32", "self_deployed")])
def test_of_a_server_it_is_unknown_who_runs_it(tmp_path: Path, engine: str, deployment: str) -> None:
    row = summary_row("eval", "svamp", edition="paper", engine=engine)
    write_summary(tmp_path / "run/summary.json", [put_samples(tmp_path / "run", row, np.ones((3, 1), dtype=bool))])
    (file,), _ = export_every_eval_ever(tmp_path / "run", tmp_path / "out")
    told = json.loads(file.read_text())["model_info"]
    assert told["additional_details"]["deployment_type"] == deployment
    assert told["inference_engine"] == {"name": engine}


def test_its_own_types_read_it(run: Path, tmp_path: Path) -> None:
    types = pytest.importorskip("every_eval_ever.eval_types")
    answers = pytest.importorskip("every_eval_ever.instance_level_types")
    for file in export_every_eval_ever(run, tmp_path / "out")[0]:
        types.EvaluationLog.model_validate_json(file.read_text())
        for line in file.with_name(f"{file.stem}_samples.jsonl").read_text().splitlines():
            answers.InstanceLevelEvaluationLog.model_validate_json(line)


@pytest.mark.parametrize(("student", "folder"), [("small", "local/small"), ("hub/org/small", "org/small")])
def test_a_model_has_a_developer_and_a_name(tmp_path: Path, student: str, folder: str) -> None:
    row = summary_row("eval", "svamp", edition="paper", student=student)
    write_summary(tmp_path / "run/summary.json", [put_samples(tmp_path / "run", row, np.ones((3, 1), dtype=bool))])
    (file,), _ = export_every_eval_ever(tmp_path / "run", tmp_path / "out")
    assert file.parent == tmp_path / "out/data/slmr" / folder


def test_a_run_of_the_lab_alone_is_refused(tmp_path: Path) -> None:
    row = put_samples(tmp_path, summary_row("base"), np.ones((3, 1), dtype=bool))
    write_summary(tmp_path / "summary.json", [row])
    with pytest.raises(RequestError, match="not for public boards: lab_gsm8k; there is nothing else"):
        export_every_eval_ever(tmp_path, tmp_path / "out")
