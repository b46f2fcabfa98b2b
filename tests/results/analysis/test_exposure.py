"""Accuracy by exposure, against means by hand; and what says nothing of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slmr.io import read_rows, write_rows
from slmr.results.analysis.exposure import by_exposure
from slmr.results.analysis.ranking import Ranking, run_rankings
from slmr.results.render.report import write_report
from slmr.results.runs.schema import SummaryRow, write_summary
from tests.made_results import put_samples, summary_row

EXPOSURES = ("known", "known", "unseen compound", None)


def made(folder: Path, sound: bool | None = True) -> Ranking:
    """Base and grpo on two tasks of four items, two completions each: the second of each item is right, not sound."""
    rows = []
    for method in ("base", "grpo"):
        for task in ("lab_gsm8k", "lab_math"):
            right = np.array([[1, 1], [0, 1], [0, method == "grpo"], [1, 1]])
            row = put_samples(folder, summary_row(method, task), right.astype(bool))
            _label(folder, row, sound)
            rows.append(row)
    write_summary(folder / "summary.json", rows)
    return run_rankings(folder)[0][1]


def _label(folder: Path, row: SummaryRow, sound: bool | None) -> None:
    file = row.samples_file(folder)
    write_rows(
        file,
        [
            {
                **r,
                "reach": EXPOSURES[i // 2],
                "sound": None if sound is None else bool(r["strict"] and r["k_index"] == 0),
            }
            for i, r in enumerate(read_rows(file))
        ],
    )


def test_items_count_once_with_the_mean_of_their_completions(tmp_path: Path) -> None:
    """Known: items (1, 1) and (0, 1) of both tasks, 3 of 4 right, 1 of 4 sound. The fourth item has no exposure."""
    found = by_exposure(made(tmp_path))
    for method, compound in (("base", 0.0), ("grpo", 0.5)):
        known, unseen = found[method]
        assert (known.exposure, known.items, known.strict.mean, known.sound) == ("known", 4, 0.75, 0.25)
        assert (unseen.exposure, unseen.items, unseen.strict.mean, unseen.sound) == (
            "unseen compound",
            2,
            compound,
            0.0,
        )
        assert known.strict.low < 0.75 < known.strict.high


def test_without_marks_nothing_is_said_of_soundness(tmp_path: Path) -> None:
    assert [a.sound for a in by_exposure(made(tmp_path, sound=None))["grpo"]] == [None, None]


@pytest.mark.parametrize("labelled", [True, False])
def test_the_report_has_it_where_items_have_an_exposure(labelled: bool, tmp_path: Path) -> None:
    ranking = made(tmp_path / "run")
    if not labelled:
        for file in (tmp_path / "run").rglob("samples/**/*.parquet"):
            write_rows(file, [{k: v for k, v in row.items() if k != "reach"} for row in read_rows(file)])
    assert ranking.methods
    text = write_report([tmp_path / "run"], tmp_path / "out").read_text(encoding="utf-8")
    assert ("unseen compound (2 items)" in text) == labelled
