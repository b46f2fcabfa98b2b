"""`slmr rescore`: today's verdicts on yesterday's completions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from slmr.io import read_rows, write_rows
from slmr.results.runs.schema import read_summary, write_summary
from tests.cli.commands import Command
from tests.made_results import put_samples, summary_row


def test_what_changes_is_said(tmp_path: Path, here: Command) -> None:
    """Four completions that an earlier checker called wrong, three of them right by today's."""
    run = tmp_path / "run"
    row = put_samples(run, summary_row("sft"), np.array([[True], [True], [True], [False]]), task="lab_gsm8k")
    samples = [sample | {"strict": False, "status": "wrong"} for sample in read_rows(row.samples_file(run))]
    write_rows(row.samples_file(run), samples)
    write_summary(run / "summary.json", [row.model_copy(update={"accuracy": 0.0})])
    (change,) = json.loads(here("rescore", "run", "--json").stdout)
    assert change["name"] == "sft/lab_gsm8k"
    assert read_summary(run / "summary.json").rows[0].accuracy == 0.75
    assert "sft" in here("rescore", "run").stdout


def test_what_is_no_run_is_said(here: Command) -> None:
    done = here("rescore", "nothing")
    assert done.returncode == 2 and "no run at" in done.stderr
