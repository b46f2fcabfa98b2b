"""Accuracy by initial difficulty and pass@k, of completions made up here."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from slmr.pipeline.export import export_capability
from slmr.results.analysis.capability import capability
from slmr.results.runs.files import RunFiles
from slmr.results.runs.method_results import RunRow, method_results
from tests.results.made_runs import summary_row


def test_difficulty_is_sorted_by_draws_that_do_not_score_it(tmp_path: Path) -> None:
    """Items of one true rate: by its own draws the hard ones would gain from nothing; by others they do not."""
    rng = np.random.default_rng(0)
    for method in ("base", "grpo"):
        strict = rng.random((400, 8)) < 0.5
        export_capability(
            RunFiles(tmp_path, method, "lab-llama", 0),
            [
                {
                    "task": "t",
                    "item_id": f"{i:03}",
                    "difficulty": 1,
                    "k_index": k,
                    "strict": bool(strict[i, k]),
                }
                for i in range(400)
                for k in range(8)
            ],
        )
    rows = [summary_row(method, seed, "lab_gsm8k", strict[:, :2]) for method in ("base", "grpo") for seed in (0, 1)]
    untrained, _, once, _ = (method_results([RunRow(row, tmp_path)])[0] for row in rows)
    twice = method_results([RunRow(row, tmp_path) for row in rows[2:]])[0]
    base, grpo = capability([untrained, once])
    assert {g.group for g in grpo.gains} == {"hard", "medium", "simple"}
    assert all(abs(g.after.mean - g.before) < 0.12 and abs(g.before - 0.5) < 0.12 for g in grpo.gains)
    assert list(base.passed) == [1, 2, 4, 8]
    assert base.passed[1].mean < base.passed[2].mean < base.passed[8].mean
    assert capability([once]) == []  # nothing to sort by
    assert [c.method for c in capability([untrained, twice])] == ["base"]
