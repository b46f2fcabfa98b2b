"""What the figures hold: numbers of the ranking, and their intervals as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.results.analysis.capability import Capability, GroupGain
from slmr.results.analysis.ranking import Order, Ranking, rank_methods
from slmr.results.analysis.spending import Spending
from slmr.results.render.colours import OF_KIND
from slmr.results.render.figures import (
    cost_and_accuracy,
    flow,
    gains_by_difficulty,
    learning_curves,
    name_on_phones,
    pass_curves,
    tokens_spent,
)
from slmr.results.runs.method_results import run_results
from slmr.stats import Estimate
from tests.results.made_runs import made_run


@pytest.fixture(scope="module")
def ranking(tmp_path_factory: pytest.TempPathFactory) -> Ranking:
    rates = {"base": 0.3, "grpo": 0.5, "dapo": 0.52, "stagewise": 0.6, "no_bridge": 0.58}
    return rank_methods(run_results(made_run(tmp_path_factory.mktemp("run"), rates)))


def points(figure: object) -> dict[str, tuple[float, float, float]]:
    """Name → accuracy with the bounds that its bar of errors reaches, in percent."""
    found = {}
    for trace in figure.data:  # type: ignore[attr-defined]
        error, names, values = trace.error_y, trace.customdata, trace.y
        if error.array is not None:
            for name, value, up, down in zip(names, values, error.array, error.arrayminus, strict=True):
                found[name] = (value, value - down, value + up)
    return found


def test_intervals_are_drawn_as_they_are(ranking: Ranking) -> None:
    expected = {
        m.name: pytest.approx((100 * m.accuracy.mean, 100 * m.accuracy.low, 100 * m.accuracy.high))
        for m in ranking.methods
        if m.accuracy
    }
    assert points(cost_and_accuracy(ranking)) == expected


def test_what_is_efficient_is_joined(ranking: Ranking) -> None:
    (front,) = [trace for trace in cost_and_accuracy(ranking).data if trace.name == "Pareto-optimal"]
    efficient = sorted((m.tokens / 1e6, 100 * m.mean) for m in ranking.methods if m.efficient)
    assert list(zip(front.x, front.y, strict=True)) == efficient and len(efficient) > 1


def test_names_for_a_phone_are_drawn_last_and_are_no_points(ranking: Ranking) -> None:
    *points, names = name_on_phones(cost_and_accuracy(ranking), ranking).data
    at = {m.name: (m.tokens / 1e6, 100 * m.mean) for m in ranking.methods}
    assert names.text and [at[name] for name in names.text] == list(zip(names.x, names.y, strict=True))
    assert names.marker.opacity == 0 and names.hoverinfo == "skip" and points[-1].name == "Pareto-optimal"


def test_tokens_are_stacked_by_what_they_were_spent_on() -> None:
    figure = tokens_spent([Spending("grpo", 1e6, 0, 2e6, 3e6), Spending("sft", 0, 4e6, 0, 5e6)], "lab-llama")
    assert {trace.name: list(trace.x) for trace in figure.data} == {
        "probing": [1, 0],
        "from a teacher": [0, 4],
        "sampled in training": [2, 0],
        "trained on": [3, 5],
    }
    assert list(figure.layout.yaxis.categoryarray) == ["sft", "grpo"]


def test_gains_and_pass_rates(ranking: Ranking) -> None:
    after = Estimate(0.5, 0.1, 0.3, 0.7)
    capabilities = [
        Capability(method, [GroupGain("hard", 7, before, after)], {1: after, 2: Estimate(0.75, 0.1, 0.6, 0.9)})
        for method, before in (("base", 0.5), ("grpo", 0.2))
    ]
    figure = gains_by_difficulty(capabilities, "lab-llama")
    (group,) = figure.data
    assert (list(group.x), list(group.customdata), group.name) == ([30.0], ["grpo"], "hard (7 items)")
    assert figure.layout.yaxis.ticktext == ("grpo",)
    assert [*group.error_x.array, *group.error_x.arrayminus] == pytest.approx([20, 20])
    curves = {line.name: line for line in pass_curves(capabilities, ranking).data if line.name}
    assert {name: list(line.y) for name, line in curves.items()} == {"base": [50, 75], "grpo": [50, 75]}
    assert list(curves["grpo"].error_y.array) == pytest.approx([20, 15])


def test_a_line_has_the_colour_of_its_method_and_its_name_at_the_end(ranking: Ranking) -> None:
    rows = [{"tokens": 2_000_000, "validation_accuracy": 0.25}, {"tokens": 3, "validation_accuracy": None}]
    figure = learning_curves({"no_bridge": rows, "grpo": rows, "dapo": rows}, ranking)
    lines = {line.name: line for line in figure.data if line.name}
    assert list(lines["grpo"].x) == [2.0] and list(lines["grpo"].y) == [25.0]
    kinds = {"no_bridge": "ablation", "grpo": "rl", "dapo": "rl"}
    assert {name: line.line.color for name, line in lines.items()} == {n: OF_KIND[k] for n, k in kinds.items()}
    assert lines["grpo"].line.dash != lines["dapo"].line.dash
    assert {label.text for label in figure.layout.annotations} == {
        f'<span style="color:{OF_KIND[kind]}">●</span> {name}' for name, kind in kinds.items()
    }
    assert len({label.y for label in figure.layout.annotations}) == 3


def test_problems_flow_from_groups_to_outcomes_and_on() -> None:
    moves = [
        {"round": 1, "to": "primed", "before": "hard", "after": "recycled", "n": 5},
        {"round": 1, "to": "next", "before": "recycled", "after": "medium", "n": 4},
    ]
    (sankey,) = flow(moves, "title").data
    assert list(sankey.node.label) == ["hard", "recycled", "medium"]
    assert list(sankey.node.customdata) == [
        "hard, round 1: groups",
        "recycled, round 1: after SFT",
        "medium, round 2: groups",
    ]
    ends = list(zip(sankey.link.source, sankey.link.target, sankey.link.value, strict=True))
    assert ends == [(0, 1, 5), (1, 2, 4)]
    headings = [(a.text, a.x) for a in flow(moves, "title").layout.annotations]
    assert headings == [("round 1: groups", 0), ("round 1: after SFT", 0.5), ("round 2: groups", 1)]


def test_a_ranking_without_methods_is_drawn(tmp_path: Path) -> None:
    lacking = Ranking("lab-llama", [], [], {}, [], None, Order({}, None))
    assert len(cost_and_accuracy(lacking).data) == 1
