"""Intervals of ranks, gains, and what is listed without a rank, over runs made up here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from slmr.io import read_rows, write_rows
from slmr.results.analysis.compare import compare, compare_all
from slmr.results.analysis.ranking import Order, order_of, rank_methods
from slmr.results.render.conclusions import how_ranked, ranking_in_words
from slmr.results.render.report import write_report
from slmr.results.runs.method_results import run_results
from slmr.results.runs.schema import read_summary, write_summary
from slmr.stats import margin
from tests.results.made_runs import TASKS, made_run

RATES = {"base": 0.3, "grpo": 0.45, "sft": 0.5, "stagewise": 0.7}


def test_ranks_are_shared_by_what_cannot_be_told_apart(tmp_path: Path) -> None:
    rates = {"base": 0.3, "sft_grpo": 0.6, "stagewise": 0.61, "grpo": 0.45, "no_bridge": 0.6}
    run = made_run(tmp_path, rates, seeds=range(5))
    found = rank_methods(run_results(run, "lab-llama"))
    ranks = {s.name: str(s.rank) for s in found.methods}
    assert ranks == {"stagewise": "1–2", "sft_grpo": "1–2", "grpo": "3", "base": "None", "no_bridge": "None"}
    by_name = {s.name: s for s in found.methods}
    best = by_name["stagewise"]
    assert best.gain is not None and best.gain.mean == pytest.approx(best.mean - by_name["base"].mean)
    assert best.spread is not None and set(best.changes) == set(TASKS)
    text = ranking_in_words(found)
    assert "5 seeds" in text and "cannot be told apart from sft_grpo (" in text and "no_bridge" not in text


def test_a_gain_is_significant_by_its_p(tmp_path: Path) -> None:
    ranking = rank_methods(run_results(made_run(tmp_path, {"base": 0.3, "stagewise": 0.9}, seeds=[0])))
    method = ranking.ranked[0]
    assert method.gain is not None and method.may_be_best
    for mean, p, better, worse in (
        (0.2, 0.049, 1, 0),
        (0.2, 0.05, 0, 0),
        (-0.2, 0.049, 0, 1),
        (-0.2, 0.05, 0, 0),
    ):
        changed = replace(method, gain=replace(method.gain, mean=mean, p=p))
        assert (changed.significantly_better, changed.significantly_worse) == (better, worse)
    unknown = replace(method, gain=None, rank=None)
    assert not (unknown.significantly_better or unknown.significantly_worse or unknown.may_be_best)


def test_a_student_called_models_is_a_student(tmp_path: Path) -> None:
    rows = [
        row.model_copy(update={"student": "models"})
        for row in read_summary(made_run(tmp_path, {"base": 0.3}, seeds=[0]) / "summary.json").rows
    ]
    write_summary(tmp_path / "summary.json", rows)
    ranking = rank_methods(run_results(tmp_path))
    assert ranking.student == "models" and not ranking.of_models


@pytest.mark.parametrize("seeds", [[0], [0, 1, 2]])
def test_a_board_of_fewer_tasks_is_the_same_after_one_of_all(tmp_path: Path, seeds: list[int]) -> None:
    """Pairs are kept between boards: they must not depend on what was asked before."""
    run = made_run(tmp_path, {"base": 0.3, "sft_grpo": 0.5, "stagewise": 0.6}, seeds)
    read = run_results(run)
    rank_methods(read)
    fewer = rank_methods([entry.of_tasks(TASKS[:1]) for entry in read])
    assert fewer == rank_methods([entry.of_tasks(TASKS[:1]) for entry in run_results(run)])
    assert fewer.tasks == list(TASKS[:1])


def test_the_report_agrees_with_compare(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", {"base": 0.3, "sft_grpo": 0.5, "stagewise": 0.6})
    own = compare(f"{run}:stagewise", f"{run}:base")
    standing = next(s for s in rank_methods(run_results(run, "lab-llama")).methods if s.name == "stagewise")
    assert own.mean is not None and standing.gain is not None and own.seeds == 3
    assert own.mean == replace(standing.gain, p=own.mean.p) and standing.gain.p >= own.mean.p
    assert {t.task: t.difference for t in own.tasks} == standing.changes
    assert [c.difference for c in compare_all(run_results(run), "base") if c.method == "stagewise"] == [own.mean]


def test_what_cannot_be_compared_is_listed_and_said(tmp_path: Path) -> None:
    run = made_run(tmp_path, {"base": 0.3, "grpo": 0.5, "sft_grpo": 0.5, "rft": 0.5, "sft": 0.5}, seeds=[0, 1])
    rows = {row.identity: row for row in read_summary(run / "summary.json").rows}
    rows["grpo", "lab-llama", 0, "lab_gsm8k"].samples_file(run).unlink()
    file = rows["rft", "lab-llama", 0, "lab_gsm8k"].samples_file(run)
    write_rows(file, read_rows(file)[:-2])
    for seed in (0, 1):
        del rows["sft", "lab-llama", seed, "lab_mawps"]
    del rows["sft_grpo", "lab-llama", 1, "lab_mawps"]  # its other seed is whole
    write_summary(run / "summary.json", list(rows.values()))
    found = rank_methods(run_results(run))
    by_name = {s.name: s for s in found.methods}
    assert [s.name for s in found.methods][-1] == "sft" and by_name["sft"].accuracy is None
    assert {name for name, s in by_name.items() if s.rank is None} == {
        "base",
        "grpo",
        "rft",
        "sft",
        "sft_grpo",
    }
    assert by_name["sft_grpo"].seeds == [0] and by_name["sft_grpo"].gain is not None  # over base's seed 0
    assert by_name["grpo"].accuracy is not None and by_name["grpo"].gain is None
    reasons = {
        "grpo:": "lab_gsm8k.parquet is missing",
        "rft:": "not the items of",
        "sft:": "no result of lab_mawps",
        "sft_grpo:": "it has seeds 0, others 0, 1",
    }
    for start, reason in reasons.items():
        (note,) = [note for note in found.notes if note.startswith(start)]
        assert reason in note and note in write_report([run], tmp_path / "out").read_text()


@pytest.mark.parametrize("seeds", [[0], [0, 1, 2]])
def test_the_margin_is_of_the_scores_item_by_item(tmp_path: Path, seeds: list[int]) -> None:
    results = [r for r in run_results(made_run(tmp_path, RATES, seeds=seeds)) if r.kind != "base"]
    means = [float(np.mean([r.scores[t].values.mean() for t in TASKS])) for r in results]
    found = order_of(results, means, TASKS)
    scores = [np.stack([r.scores[task].values.mean(axis=2) for r in results]) for task in TASKS]
    assert found.margin == margin(scores)
    # The same with one method's items in another order in its file.
    file = results[2].scores[TASKS[0]].files[0]
    rows = read_rows(file)
    write_rows(file, rows[::-1])
    assert order_of(run_results(tmp_path)[1:], means, TASKS) == found
    assert list(found.ranks) == list(RATES)[1:] and found.ranks["stagewise"].low == 1


def test_ranks_do_not_fall_on_the_way_down_the_table(tmp_path: Path) -> None:
    ranking = rank_methods(run_results(made_run(tmp_path, RATES, seeds=range(3))))
    assert [m.name for m in ranking.methods if m.rank is None] == ["base"]
    ranks = [m.rank for m in ranking.methods if m.rank]
    assert [r.low for r in ranks] == sorted(r.low for r in ranks)
    assert [r.high for r in ranks] == sorted(r.high for r in ranks)


def test_a_noisy_method_has_no_rank_and_does_not_widen_the_others(tmp_path: Path) -> None:
    rates = {"base": 0.3, "grpo": 0.45, "dapo": 0.46, "rft": 0.5, "sft": 0.5, "gkd": 0.6, "stagewise": 0.7}
    steady = rank_methods(run_results(made_run(tmp_path / "steady", rates)))
    ranking = rank_methods(run_results(made_run(tmp_path / "noisy", rates | {"dpo": 0.6}, noisy=["dpo"])))
    assert ranking.order.noisy == ("dpo",) and ranking.order.ranks == steady.order.ranks
    assert [m.name for m in ranking.methods if m.rank is None and m.kind != "base"] == ["dpo"]
    (line,) = [line for line in how_ranked(ranking) if line.startswith("dpo has no rank")]
    assert "a standard deviation of 1" in line and "`slmr compare`" in line
    assert line in write_report([tmp_path / "noisy"], tmp_path / "out").read_text()


def test_one_method_is_first_and_has_nobody_to_be_apart_from(tmp_path: Path) -> None:
    (base,) = run_results(made_run(tmp_path, {"base": 0.3}, seeds=[0]))
    alone = order_of([base], [0.3], TASKS)
    assert str(alone.ranks["base"]) == "1" and alone.margin is None and not alone.apart(0.9, 0.1)
    assert Order({}, 0.02).apart(0.5, 0.53) and not Order({}, 0.02).apart(0.51, 0.5)
