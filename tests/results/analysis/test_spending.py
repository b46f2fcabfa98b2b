"""What tokens were spent on, out of the stages' table of every seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.results.analysis.spending import Spending, spending
from slmr.results.render.report import write_report
from slmr.results.render.tables import as_markdown, spending_table
from slmr.results.runs.files import RunFiles
from slmr.results.runs.method_results import run_results
from tests.results.made_runs import made_run


def put_stages(folder: Path, method: str, seed: int, *stages: tuple[int, int, int]) -> None:
    """A row a stage: trained on, rolled out, taught."""
    rows = [
        {
            "stage": f"s{i}",
            "label": f"s{i}",
            "stats": "{}",
            "parameters": "{}",
            "key": "k",
            "inputs": [],
            "flops": 0.0,
            "wall_s": 0.0,
            "train_tokens": t,
            "rollout_tokens": r,
            "teacher_tokens": e,
        }
        for i, (t, r, e) in enumerate(stages)
    ]
    RunFiles(folder, method, "lab-llama", seed).write_table("stages", rows)


def test_by_hand(tmp_path: Path) -> None:
    run = made_run(tmp_path, {"base": 0.3, "stagewise": 0.6, "grpo": 0.5}, seeds=(0, 1), items=20)
    probe, bridge, sft, rl = (0, 100, 0), (0, 20, 10), (40, 0, 0), (200, 60, 0)
    put_stages(run, "stagewise", 0, probe, bridge, sft, rl)
    put_stages(run, "stagewise", 1, probe, probe, sft, rl)
    put_stages(run, "grpo", 0, rl)  # seed 1 kept no table: a mean of half of the seeds would say otherwise
    put_stages(run, "base", 0, (0, 0, 0))
    put_stages(run, "base", 1, (0, 0, 0))
    assert spending(run_results(run)) == [Spending("stagewise", probed=160, taught=5, sampled=60, trained=240)]
    (line,) = [x for x in as_markdown(spending_table(spending(run_results(run)))).splitlines() if "stagewise" in x]
    assert line == "| stagewise | 34 | 1 | 13 | 52 | 465 |"


@pytest.mark.parametrize("kept", [True, False])
def test_a_report_says_it_where_it_is_known(tmp_path: Path, kept: bool) -> None:
    run = made_run(tmp_path / "run", {"base": 0.3, "grpo": 0.5}, seeds=(0,), items=20)
    if kept:
        put_stages(run, "grpo", 0, (200, 60, 0))
    page = write_report([run], tmp_path / "out", html=True)
    text = (page.parent / "report.md").read_text()
    for found in (text, page.read_text()):
        assert ("What the tokens were spent on" in found) == kept
    assert ("What tokens were spent on, lab-llama" in page.read_text()) == kept
