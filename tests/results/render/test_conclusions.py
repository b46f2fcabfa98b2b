"""What is said of a ranking and of a comparison, in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from slmr.results.analysis.compare import compare
from slmr.results.analysis.ranking import rank_methods
from slmr.results.render.conclusions import comparison_in_words, how_ranked, ranking_in_words
from slmr.results.render.tables import comparison_table
from slmr.results.runs.method_results import run_results
from slmr.stats import RankInterval
from tests.results.made_runs import a_run, made_run


def test_what_cannot_be_told_apart_is_not_ranked(tmp_path: Path) -> None:
    a = a_run(tmp_path / "a", {"lab_gsm8k": [True, False] * 5, "lab_svamp": [True] * 10})
    b = a_run(tmp_path / "b", {"lab_gsm8k": [False, True] * 5, "lab_svamp": [True] * 10})
    found = compare(str(a), str(b))
    assert found.mean and found.mean.mean == 0
    said = comparison_in_words(found)
    assert "cannot be told apart" in said and "points is detectable with 80 % power; smaller" in said
    assert comparison_table(found).row_count == 3


def test_what_was_trained_once_says_so(tmp_path: Path) -> None:
    right = {"lab_gsm8k": [True] * 32 + [False] * 8}
    model, other = a_run(tmp_path / "a", right), a_run(tmp_path / "b", {"lab_gsm8k": [True] * 40})
    trained = a_run(tmp_path / "c", right, method="sft", method_kind="sft")
    assert "another training run" in comparison_in_words(compare(str(model), str(trained)))
    assert "training" not in comparison_in_words(compare(str(model), str(other)))


def test_who_is_better_is_named(tmp_path: Path) -> None:
    a = str(a_run(tmp_path / "a", {"lab_gsm8k": [True] * 32 + [False] * 8}))
    b = str(a_run(tmp_path / "b", {"lab_gsm8k": [True] * 12 + [False] * 28}))
    assert "A is better by 50.0 points (p < 0.001)" in comparison_in_words(compare(a, b))
    assert "B is better by 50.0 points" in comparison_in_words(compare(b, a))


def test_the_leader_is_compared_with_the_next(tmp_path: Path) -> None:
    rates = {"base": 0.1, "sft": 0.3, "grpo": 0.6, "gkd": 0.95}
    text = ranking_in_words(rank_methods(run_results(made_run(tmp_path, rates, seeds=[0]))))
    assert "It is ahead of the next, grpo, by " in text


@pytest.mark.parametrize(
    ("p", "margin", "words"),
    [
        (0.04, 0.9, "stagewise differs significantly only without correction from sft_grpo"),
        (0.04, 0.01, "stagewise differs significantly from sft_grpo"),
        (0.2, 0.9, "stagewise cannot be told apart from sft_grpo"),
    ],
)
def test_one_pair_is_not_said_to_differ_where_the_ranks_do_not_show_it(
    tmp_path: Path, p: float, margin: float, words: str
) -> None:
    found = rank_methods(run_results(made_run(tmp_path, {"base": 0.3, "sft_grpo": 0.4, "stagewise": 0.5}, seeds=[0])))
    pair = found.differences["stagewise"]
    pair["sft_grpo"] = replace(pair["sft_grpo"], p=p)
    assert words in ranking_in_words(replace(found, order=replace(found.order, margin=margin)))


def test_the_words_tell_a_pair_looked_at_alone_from_one_of_many(tmp_path: Path) -> None:
    """An interval that leaves out 0 beside ranks that overlap would contradict itself."""
    rates = {"base": 0.3, "stagewise": 0.5, "sft_grpo": 0.65, "gkd": 0.8}
    found = rank_methods(run_results(made_run(tmp_path, rates, seeds=[0])))
    pairs = {"stagewise": 0.01, "sft_grpo": 0.2}
    for name, p in pairs.items():
        for a, b in ((name, "gkd"), ("gkd", name)):
            found.differences[a][b] = replace(found.differences[a][b], p=p)
    methods = [replace(s, rank=None if s.name == "base" else RankInterval(1, 3)) for s in found.methods]
    text = ranking_in_words(replace(found, methods=methods))
    assert (
        "from sft_grpo and stagewise with all 3 compared at once; without correction, the difference from stagewise is"
        in text
    )
    assert "stagewise may be the best, too" in text
    assert " from gkd, significant only without correction." in text
    best = found.differences["gkd"]
    best["sft_grpo"] = replace(best["sft_grpo"], p=0.01)
    assert "the difference from each of them is significant" in ranking_in_words(replace(found, methods=methods))


@pytest.mark.parametrize("seeds", [[0], [0, 1, 2]])
def test_what_a_reader_of_the_ranks_must_know(tmp_path: Path, seeds: list[int]) -> None:
    found = rank_methods(run_results(made_run(tmp_path, {"base": 0.3, "grpo": 0.32, "sft": 0.3}, seeds=seeds)))
    *one_seed, ranked = how_ranked(found)
    assert found.order.margin is not None
    assert (
        f"The means of 2 are compared at once (95 %): two that differ by no more than {100 * found.order.margin:.1f}"
        in ranked
    )
    assert ["One training run per method: " in line for line in one_seed] == [True] * (len(seeds) == 1)


def test_which_have_one_training_run_is_said_where_others_have_more(tmp_path: Path) -> None:
    results = run_results(made_run(tmp_path, {"base": 0.3, "grpo": 0.32, "sft": 0.3}, seeds=[0, 1]))
    found = rank_methods([r.of_seeds([1]) if r.method == "sft" else r for r in results])
    alone, *_ = how_ranked(found)
    assert alone.startswith("sft has one training run: its interval") and "grpo" not in alone


def test_with_one_seed_the_words_say_so(tmp_path: Path) -> None:
    found = rank_methods(run_results(made_run(tmp_path, {"base": 0.3, "grpo": 0.32}, seeds=[4])))
    text = ranking_in_words(found)
    assert "one seed, so the intervals do not cover another training run" in text
    assert "no method gains significantly over the untrained student. grpo has a mean accuracy in percent of " in text
    assert all(s.spread is None for s in found.methods)
