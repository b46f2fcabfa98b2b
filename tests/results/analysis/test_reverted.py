"""A stage that changed nothing is named, with in how many seeds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from slmr.config import load_profile, profile_names
from slmr.io import write_rows
from slmr.pipeline.recipe import stages
from slmr.results.analysis.ranking import run_rankings
from slmr.results.analysis.reverted import reverted_notes
from slmr.results.render.tables import ranking_tables
from slmr.results.runs.files import RunFiles
from slmr.results.runs.method_results import run_results
from slmr.results.runs.schema import write_summary
from slmr.training.validation import ValidationParams
from tests.made_results import put_samples, summary_row, verdicts


def stage_row(label: str, stats: dict[str, Any]) -> dict[str, Any]:
    """A row of `stages`."""
    costs = {"train_tokens": 0, "rollout_tokens": 0, "teacher_tokens": 0, "flops": 0.0, "wall_s": 1.0}
    return {
        "label": label,
        "stage": label.split()[0],
        "key": "k",
        "inputs": ["i"],
        "parameters": "{}",
        "stats": json.dumps(stats),
        **costs,
    }


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two methods with two seeds; the second SFT of one kept the weights from before its first step, in seed 1."""
    rows = []
    for method in ("base", "stagewise", "grpo"):
        for seed in (0, 1):
            row = summary_row(method, seed=seed)
            rows.append(put_samples(tmp_path, row, verdicts(method, "lab_gsm8k", 0.5)))
            of_sft = {"sft (round 1)": 30, "sft (round 2)": 0 if seed else 15} if method == "stagewise" else {}
            stats = {"pool": 250, **{label: {"kept_step": step} for label, step in of_sft.items()}}
            write_rows(
                RunFiles(tmp_path, method, "lab-llama", seed).table("stages"),
                [stage_row(label, {"validation": value}) for label, value in stats.items()],
            )
    write_summary(tmp_path / "summary.json", rows)
    return tmp_path


def test_a_reverted_stage_is_named_with_its_method_and_how_often(run: Path) -> None:
    (note,) = reverted_notes(run_results(run))
    assert note.startswith("stagewise: sft (round 2) changed nothing in 1 of 2 seeds")


def test_stages_without_a_change_and_of_a_few_steps_are_named(tmp_path: Path) -> None:
    rows = [put_samples(tmp_path, summary_row(m), verdicts(m, "lab_gsm8k", 0.5)) for m in ("base", "sft", "grpo")]
    for method, stats in (
        ("sft", {"steps": 3, "unchanged": False}),
        ("grpo", {"steps": 16, "unchanged": True}),
    ):
        table = [stage_row("pool", {}), stage_row(method, stats)]
        write_rows(RunFiles(tmp_path, method, "lab-llama", 0).table("stages"), table)
    write_summary(tmp_path / "summary.json", rows)
    notes = reverted_notes(run_results(tmp_path))
    assert [note.partition(" in ")[0] for note in notes] == [
        "sft: sft made fewer than 5 steps",
        "grpo: grpo changed no weight",
    ]
    ((title, ranking),) = run_rankings(tmp_path)
    assert "grpo changed no weight" in str(ranking_tables(ranking, title)[0].caption)


def test_it_stands_under_the_table_of_a_bench_and_of_a_report(run: Path) -> None:
    ((title, ranking),) = run_rankings(run)
    table = ranking_tables(ranking, title)[0]
    assert "sft (round 2) changed nothing" in str(table.caption)


def test_no_shipped_profile_lets_a_validation_undo_a_stage() -> None:
    """One rule for all methods: a stage keeps its last weights, and a validation measures."""
    for name in profile_names():
        profile = load_profile(name)
        for kind, stage in stages().items():
            tuned = [by_kind.get(kind, {}) for by_kind in profile.tuned.values()]
            for values in ({}, *tuned) if issubclass(stage.params, ValidationParams) else ():
                params = stage.params.model_construct(**{**profile.stages.get(kind, {}), **values})
                assert params.keep == "last", (name, kind)
