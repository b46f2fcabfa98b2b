"""What is said of a ranking at first sight."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from slmr.results.analysis.ranking import Ranking, rank_methods, run_rankings
from slmr.results.render.columns import HTML, TEXT, columns_on
from slmr.results.render.conclusions import ranking_in_words
from slmr.results.render.headline import at_chance, best, best_of_each_kind, facts, main_kinds, verdict
from slmr.results.runs.method_results import run_results
from slmr.stats import Estimate, RankInterval
from tests.results.made_runs import a_run, made_run

RATES = {"base": 0.3, "grpo": 0.3, "sft_grpo": 0.58, "stagewise": 0.6, "no_bridge": 0.9}


@pytest.fixture(scope="module")
def ranking(tmp_path_factory: pytest.TempPathFactory) -> Ranking:
    return rank_methods(run_results(made_run(tmp_path_factory.mktemp("run"), RATES)))


def test_the_leader_is_one_that_has_a_rank(ranking: Ranking) -> None:
    said = verdict(ranking)
    assert said.startswith("stagewise leads with ") and "sft_grpo" in said
    assert "2 of 3 methods do not gain significantly over the untrained student after Holm's correction." in said


def test_the_three_figures(ranking: Ranking) -> None:
    first, cheapest, none = facts(ranking)
    correction = "No significant gain over the untrained student after Holm's correction: sft_grpo and grpo."
    assert correction in ranking_in_words(ranking)
    assert first[:2] == ("Best", "stagewise") and none == (
        "No significant gain",
        "2 of 3",
        "sft_grpo and grpo, after Holm's correction",
    )
    # sft_grpo costs less and may be the best, too.
    assert cheapest.value == "sft_grpo" and "8 k tokens, 89 % of the best's" in cheapest.remark


def test_what_is_behind_where_the_two_are_compared_alone_is_not_the_best_for_its_cost(
    ranking: Ranking,
) -> None:
    behind = replace(ranking.differences["stagewise"]["sft_grpo"], p=0.01)
    between = {**ranking.differences, "stagewise": {**ranking.differences["stagewise"], "sft_grpo": behind}}
    found = facts(replace(ranking, differences=between))[1]
    assert found.value == "stagewise" and "of the best's" not in found.remark


def test_one_that_is_ahead_of_all_is_said_to_be(ranking: Ranking) -> None:
    ranks = {"stagewise": RankInterval(1, 1), "sft_grpo": RankInterval(2, 2), "grpo": RankInterval(3, 3)}
    apart = replace(ranking, methods=[replace(m, rank=ranks.get(m.name)) for m in ranking.methods])
    assert "ahead of all 2 others" in verdict(apart) and facts(apart)[1].value == "stagewise"


def test_methods_with_equal_means_are_named_together(ranking: Ranking) -> None:
    first = ranking.ranked[0]
    equal = [replace(m, accuracy=first.accuracy) if m.name == "sft_grpo" else m for m in ranking.methods]
    alike = replace(ranking, methods=equal)
    mean = f"{100 * first.mean:.1f} %"
    assert verdict(alike).startswith(f"stagewise and sft_grpo have the same mean, {mean}, ahead of grpo")
    assert facts(alike)[0][:2] == ("Best", "stagewise and sft_grpo")
    assert f"stagewise and sft_grpo have the same mean accuracy, {mean}, for " in ranking_in_words(alike)


def test_where_no_gain_is_shown_it_is_said_first_and_none_is_best(ranking: Ranking) -> None:
    without = [replace(m, gain=replace(m.gain, p=0.144)) if m.gain else m for m in ranking.methods]
    none = replace(ranking, methods=without)
    said = verdict(none)
    assert said.startswith("No method gains significantly over the untrained student; stagewise has the highest mean, ")
    assert [fact.label for fact in facts(none)] == ["No significant gain"] and best(none.ranked) == []
    words = ranking_in_words(none)
    assert words.startswith("lab-llama, 3 seeds: no method gains significantly over the untrained student. stagewise ")
    assert "No significant gain over" not in words


def test_one_method_alone_has_no_rank_and_is_not_the_best(tmp_path: Path) -> None:
    alone = rank_methods(run_results(made_run(tmp_path, {"base": 0.3, "stagewise": 0.9}, seeds=[0])))
    assert verdict(alone).startswith("stagewise is the only method, at ")
    assert [fact.label for fact in facts(alone)] == ["No significant gain"] and best(alone.ranked) == []
    assert "highest" not in ranking_in_words(alone)
    assert not {"rank"} & {column.name for surface in (TEXT, HTML) for column in columns_on(alone, surface)}


def test_guessing_is_named(ranking: Ranking) -> None:
    levels = {"grpo": (0.2, 0.3), "stagewise": (0.26, 0.4)}
    methods = [
        replace(m, by_task={"lab_logiqa": Estimate(0.3, 0.1, *levels[m.name])})
        for m in ranking.methods
        if m.name in levels
    ]
    of_options = replace(ranking, tasks=["lab_logiqa"], methods=methods)
    assert at_chance(of_options) == ["At chance or below it on lab_logiqa, where guessing gets 25 %: grpo"]
    assert at_chance(ranking) == []


def test_references_stand_on_every_board() -> None:
    ((_, published),) = run_rankings(Path(__file__).parents[3] / "results/lab-quick")
    kinds = main_kinds(published)
    assert "reference" in kinds and "control" not in kinds
    # A reference costs nothing: it would be the only Pareto-optimal one.
    optimal = [m for m in published.methods if m.efficient]
    assert len(optimal) > 2 and not any(m.kind == "reference" for m in optimal)


def test_a_figure_of_lines_has_the_best_of_each_kind(ranking: Ranking) -> None:
    names = [m.name for m in ranking.methods]
    drawn = best_of_each_kind(names, ranking)
    assert [m.kind for m in ranking.methods if m.name in drawn] == list(dict.fromkeys(m.kind for m in ranking.methods))
    assert best_of_each_kind([], ranking) == []


def test_ablations_stand_aside_where_there_are_methods(ranking: Ranking) -> None:
    assert set(main_kinds(ranking)) == {"base", "rl", "sft_rl", "stagewise"}
    alone = [replace(m, rank=None) for m in ranking.methods if m.name == "no_bridge"]
    assert main_kinds(replace(ranking, methods=alone)) == ()
    ranked = [m for m in ranking.methods if m.rank][:1]
    assert main_kinds(replace(ranking, methods=[*ranked, *alone])) == ()


def test_a_model_that_is_right_in_another_form_says_so(tmp_path: Path) -> None:
    run = a_run(tmp_path, {"lab_gsm8k": [False] * 9 + [True]}, accuracy_lenient=0.6)
    models = rank_methods(run_results(run))
    said = verdict(models)
    assert "only in the requested form" in said and "m has 10.0 % strict and 60.0 % lenient." in said
    assert [fact[:2] for fact in facts(models)] == [("Strict", "10.0 %"), ("Lenient", "60.0 %")]


def test_nothing_to_compare_is_said(tmp_path: Path) -> None:
    alone = rank_methods(run_results(made_run(tmp_path, {"base": 0.3}, seeds=[0])))
    assert facts(alone) == []
    assert verdict(alone) == "No method to compare yet."


def test_ablations_alone_are_said_to_be_unranked(tmp_path: Path) -> None:
    aside = rank_methods(run_results(made_run(tmp_path, {"base": 0.3, "no_bridge": 0.5})))
    assert verdict(aside) == "All are ablations or controls, which are not ranked; `slmr compare` compares any two."
    assert ranking_in_words(aside).endswith(verdict(aside))
