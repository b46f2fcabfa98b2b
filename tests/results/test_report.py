"""Standings, capability and the report over runs made up here: what leads, what is shared, what is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from slmr.io import read_rows, write_rows
from slmr.pipeline.export import export_capability
from slmr.results.capability import capability
from slmr.results.compare import compare, compare_all
from slmr.results.entries import entries, run_entries
from slmr.results.publish import publish
from slmr.results.ranking import board, in_words
from slmr.results.report import as_markdown, standings_table, write_report
from slmr.results.schema import SummaryRow, read_summary, run_file, write_summary
from slmr.tasks.registry import load_task

TASKS = ("lab_gsm8k", "lab_mawps")
KINDS = {"base": "base", "stagewise": "stagewise", "sft_grpo": "sft_rl", "no_bridge": "ablation"}


def made_run(
    folder: Path, rates: dict[str, float], seeds: Sequence[int] = (0, 1, 2), items: int = 120
) -> Path:
    """A run of two tasks with two completions an item, method → its true accuracy."""
    rows = []
    for method, rate in rates.items():
        for seed in seeds:
            for task in TASKS:
                rng = np.random.default_rng([crc32(method.encode()), seed, len(task)])
                easy = np.random.default_rng(7).random((items, 1))  # the same items for all
                strict = rng.random((items, 2)) < np.clip(rate + 0.3 * (easy - 0.5), 0, 1)
                row = summary_row(method, seed, task, strict)
                rows.append(row)
                file = row.samples_file(folder)
                file.parent.mkdir(parents=True, exist_ok=True)
                write_rows(file, [
                    {"method": method, "student": "lab-llama", "seed": seed, "task": task, "item_id": f"i{i}",
                     "difficulty": 1, "k_index": k, "prompt": f"What is {i}?", "completion": "#### 1", "gold": "1",
                     "finish_reason": "stop", "tokens": 3, "logprob": -1.0, "status": "correct",
                     "strict": bool(strict[i, k]), "lenient": bool(strict[i, k]), "extracted": "1", "reason": ""}
                    for i in range(items) for k in range(2)
                ])  # fmt: skip
    write_summary(folder / "summary.json", rows)
    return folder


def summary_row(method: str, seed: int, task: str, strict: np.ndarray) -> SummaryRow:
    mean = float(strict.mean())
    return SummaryRow.model_validate({
        "method": method, "method_kind": KINDS.get(method, "rl"), "student": "lab-llama", "seed": seed, "task": task,
        "edition": "lab", "n_items": len(strict), "k": 2, "accuracy": mean, "accuracy_lenient": mean, "stderr": 0.02,
        "ci95": (mean - 0.04, mean + 0.04), "truncated_rate": 0, "no_answer_rate": 0, "mean_tokens": 3,
        "train_tokens": 1000 * len(method), "rollout_tokens": 0, "teacher_tokens": 0, "wall_s": 1, "flops": 1e12,
        "task_version": load_task(task).digest, "checker_version": "1", "manifest": "m",
        "command": f"slmr bench --method {method} --seeds {seed},",
    })  # fmt: skip


def test_ranks_are_shared_by_what_cannot_be_told_apart(tmp_path: Path) -> None:
    rates = {"base": 0.3, "sft_grpo": 0.6, "stagewise": 0.61, "grpo": 0.45, "no_bridge": 0.6}
    run = made_run(tmp_path, rates, seeds=range(5))
    found = board(run_entries(run, "lab-llama"))
    ranks = {s.method: s.rank for s in found.standings}
    assert ranks == {"stagewise": 1, "sft_grpo": 1, "grpo": 3, "base": 4, "no_bridge": None}
    by_name = {s.method: s for s in found.standings}
    best = by_name["stagewise"]
    assert best.gain is not None and best.gain.mean == pytest.approx(best.mean - by_name["base"].mean)
    assert best.spread is not None and set(best.changes) == set(TASKS)
    text = in_words(found)
    assert "5 seeds" in text and "cannot be told apart from sft_grpo (" in text and "no_bridge" not in text


@pytest.mark.parametrize(
    ("p", "ranks", "words"),
    [
        (0.04, (1, 1), "stagewise differs, if no other pair is looked at, from sft_grpo"),
        (0.04, (1, 2), "stagewise is separably different from sft_grpo"),
        (0.2, (1, 1), "stagewise cannot be told apart from sft_grpo"),
    ],
)
def test_one_pair_is_not_said_to_differ_where_the_ranks_are_shared(
    tmp_path: Path, p: float, ranks: tuple[int, int], words: str
) -> None:
    found = board(
        run_entries(made_run(tmp_path, {"base": 0.3, "sft_grpo": 0.4, "stagewise": 0.5}, seeds=[0]))
    )
    pair = found.against["stagewise"]
    pair["sft_grpo"] = replace(pair["sft_grpo"], p=p)
    ranked = dict(zip(("stagewise", "sft_grpo"), ranks, strict=True))
    standings = [replace(s, rank=ranked.get(s.method, s.rank)) for s in found.standings]
    assert words in in_words(replace(found, standings=standings))


def test_the_words_tell_a_pair_looked_at_alone_from_one_of_many(tmp_path: Path) -> None:
    """An interval that leaves out 0 beside a shared rank would contradict itself."""
    rates = {"base": 0.3, "stagewise": 0.5, "sft_grpo": 0.65, "gkd": 0.8}
    found = board(run_entries(made_run(tmp_path, rates, seeds=[0])))
    pairs = {"stagewise": 0.01, "sft_grpo": 0.2}
    for name, p in pairs.items():
        for a, b in ((name, "gkd"), ("gkd", name)):
            found.against[a][b] = replace(found.against[a][b], p=p)
    standings = [replace(s, rank=2 if s.method == "base" else 1) for s in found.standings]
    text = in_words(replace(found, standings=standings))
    assert (
        "from sft_grpo and stagewise once all 6 pairs are looked at; it is ahead of stagewise if no" in text
    )
    assert " from gkd, a difference if no other pair is looked at." in text
    best = found.against["gkd"]
    best["sft_grpo"] = replace(best["sft_grpo"], p=0.01)
    assert "it is ahead of each of them if no other pair is" in in_words(replace(found, standings=standings))


@pytest.mark.parametrize("seeds", [[0], [0, 1, 2]])
def test_a_board_of_fewer_tasks_is_the_same_after_one_of_all(tmp_path: Path, seeds: list[int]) -> None:
    """Pairs are kept between boards: they must not depend on what was asked before."""
    run = made_run(tmp_path, {"base": 0.3, "sft_grpo": 0.5, "stagewise": 0.6}, seeds)
    read = run_entries(run)
    board(read)
    fewer = board([entry.of_tasks(TASKS[:1]) for entry in read])
    assert fewer == board([entry.of_tasks(TASKS[:1]) for entry in run_entries(run)])
    assert fewer.tasks == list(TASKS[:1])


def test_the_report_agrees_with_compare(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", {"base": 0.3, "sft_grpo": 0.5, "stagewise": 0.6})
    own = compare(f"{run}:stagewise", f"{run}:base")
    standing = next(s for s in board(run_entries(run, "lab-llama")).standings if s.method == "stagewise")
    assert own.mean == standing.gain and own.seeds == 3
    assert {t.task: t.difference for t in own.tasks} == standing.changes
    assert [c.difference for c in compare_all(run_entries(run), "base") if c.method == "stagewise"] == [
        own.mean
    ]


def test_with_one_seed_the_words_say_so(tmp_path: Path) -> None:
    found = board(run_entries(made_run(tmp_path, {"base": 0.3, "grpo": 0.32}, seeds=[4])))
    text = in_words(found)
    assert "one seed, so the intervals know nothing of another training run" in text
    assert "No gain over the untrained student is shown for grpo" in text
    assert all(s.spread is None for s in found.standings)


def test_difficulty_is_sorted_by_draws_that_do_not_score_it(tmp_path: Path) -> None:
    """Items of one true rate: by its own draws the hard ones would gain from nothing; by others they do not."""
    rng = np.random.default_rng(0)
    for method in ("base", "grpo"):
        strict = rng.random((400, 8)) < 0.5
        export_capability(tmp_path, method, "lab-llama", 0, [
            {"task": "t", "item_id": f"{i:03}", "difficulty": 1, "k_index": k, "strict": bool(strict[i, k])}
            for i in range(400) for k in range(8)
        ])  # fmt: skip
    rows = [
        summary_row(method, seed, "lab_gsm8k", strict[:, :2])
        for method in ("base", "grpo")
        for seed in (0, 1)
    ]
    untrained, _, once, _ = (entries([(row, tmp_path)])[0] for row in rows)
    twice = entries([(row, tmp_path) for row in rows[2:]])[0]
    base, grpo = capability([untrained, once])
    assert {g.group for g in grpo.gains} == {"hard", "medium", "simple"}
    assert all(abs(g.after.mean - g.before) < 0.12 and abs(g.before - 0.5) < 0.12 for g in grpo.gains)
    assert list(base.passed) == [1, 2, 4, 8]
    assert base.passed[1].mean < base.passed[2].mean < base.passed[8].mean
    assert capability([once]) == []  # nothing to sort by
    assert [c.method for c in capability([untrained, twice])] == ["base"]


def test_a_report_has_tables_and_one_page_of_figures(tmp_path: Path) -> None:
    run = made_run(tmp_path / "mine", {"base": 0.3, "grpo": 0.5, "stagewise": 0.6})
    for method in ("base", "grpo"):
        for seed in range(3):
            export_capability(run, method, "lab-llama", seed, [
                {"task": "t", "item_id": str(i), "difficulty": 1, "k_index": k, "strict": (i + k) % 3 == 0}
                for i in range(9) for k in range(4)
            ])  # fmt: skip
    moves = [{"round": 1, "to": "primed", "before": "hard", "after": "mixed", "n": 3}]
    for what, rows in (("course", [{"stage": "grpo", "step": 1, "tokens": 5, "validation_accuracy": 0.5}]),
                       ("moves", moves)):  # fmt: skip
        file = run_file(run, what, "stagewise", "lab-llama", 0)
        file.parent.mkdir(parents=True)
        write_rows(file, rows)
    text = write_report([run], tmp_path / "out", "grpo").read_text()
    assert text.startswith(
        "# mine (lab edition)\n\nlab-llama, 3 seeds: stagewise has the highest mean accuracy"
    )
    for part in ("| rank | method |", "Change from the untrained student", "initial difficulty", "| method | k = 1 |",
                 "Difference to grpo", "slmr bench --method grpo --seeds 0,"):  # fmt: skip
        assert part in text
    page = (tmp_path / "out" / "figures.html").read_text()
    assert page.count('class="plotly-graph-div"') == 6 and "cdn" not in page.split("<body>")[0]


def table(run: Path) -> str:
    return as_markdown(standings_table(board(run_entries(run))))


def test_what_cannot_be_compared_is_listed_and_said(tmp_path: Path) -> None:
    run = made_run(
        tmp_path, {"base": 0.3, "grpo": 0.5, "sft_grpo": 0.5, "rft": 0.5, "sft": 0.5}, seeds=[0, 1]
    )
    rows = {row.identity: row for row in read_summary(run / "summary.json").rows}
    rows["grpo", "lab-llama", 0, "lab_gsm8k"].samples_file(run).unlink()
    file = rows["rft", "lab-llama", 0, "lab_gsm8k"].samples_file(run)
    write_rows(file, read_rows(file)[:-2])
    for seed in (0, 1):
        del rows["sft", "lab-llama", seed, "lab_mawps"]
    del rows["sft_grpo", "lab-llama", 1, "lab_mawps"]  # its other seed is whole
    write_summary(run / "summary.json", list(rows.values()))
    found = board(run_entries(run))
    by_name = {s.name: s for s in found.standings}
    assert [s.name for s in found.standings][-1] == "sft" and by_name["sft"].accuracy is None
    assert {name for name, s in by_name.items() if s.rank is None} == {"grpo", "rft", "sft", "sft_grpo"}
    assert by_name["sft_grpo"].seeds == [0] and by_name["sft_grpo"].gain is not None  # over base's seed 0
    assert by_name["grpo"].accuracy is not None and by_name["grpo"].gain is None
    reasons = {"grpo:": "lab_gsm8k.parquet is missing", "rft:": "not the items of", "sft:": "no result of lab_mawps",
               "sft_grpo:": "it has seeds 0, others 0, 1"}  # fmt: skip
    for start, reason in reasons.items():
        (note,) = [note for note in found.notes if note.startswith(start)]
        assert reason in note and note in write_report([run], tmp_path / "out").read_text()


def test_parts_are_published_one_by_one(tmp_path: Path) -> None:
    first = made_run(tmp_path / "a", {"base": 0.3, "grpo": 0.5}, seeds=[0])
    second = made_run(tmp_path / "b", {"base": 0.3, "grpo": 0.5}, seeds=[1])
    whole = made_run(tmp_path / "c", {"base": 0.3, "grpo": 0.5}, seeds=[0, 1])
    for run in (first, second, first):  # the same part again changes nothing
        target = publish(run, tmp_path / "results", "lab")
    key = lambda row: (row.seed, row.identity)  # noqa: E731
    assert sorted(read_summary(target / "summary.json").rows, key=key) == sorted(
        read_summary(whole / "summary.json").rows, key=key
    )
    assert table(target) == table(whole)
    # Texts of an item are kept once; together they are what the run has, but for the log-probabilities.
    row = read_summary(target / "summary.json").rows[0]
    kept = read_rows(row.samples_file(target))
    assert not {"prompt", "gold", "logprob"} & set(kept[0])
    expected = [{k: v for k, v in s.items() if k != "logprob"} for s in read_rows(row.samples_file(whole))]
    assert row.samples(target) == expected
