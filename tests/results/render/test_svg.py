"""Figures as SVG: well-formed, everything drawn where it belongs, names as text."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from slmr.results.analysis.capability import Capability, GroupGain
from slmr.results.analysis.ranking import Ranking, rank_methods
from slmr.results.analysis.spending import Spending
from slmr.results.render.figures import (
    cost_and_accuracy,
    gains_by_difficulty,
    learning_curves,
    pass_curves,
    tokens_spent,
)
from slmr.results.render.svg import figure_svg
from slmr.results.runs.method_results import run_results
from slmr.stats import Estimate
from tests.results.made_runs import made_run

SVG = "{http://www.w3.org/2000/svg}"
RATES = {"base": 0.3, "grpo": 0.5, "<b>&": 0.6}


@pytest.fixture(scope="module")
def ranking(tmp_path_factory: pytest.TempPathFactory) -> Ranking:
    return rank_methods(run_results(made_run(tmp_path_factory.mktemp("run"), RATES, seeds=[0])))


def drawn(figure: object) -> ET.Element:
    """The picture, in which every mark is inside of it."""
    root = ET.fromstring(figure_svg(figure).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))  # type: ignore[arg-type]
    width, height = float(root.get("width") or 0), float(root.get("height") or 0)
    for element in root.iter():
        for name, most in (
            ("x", width),
            ("cx", width),
            ("x1", width),
            ("y", height),
            ("cy", height),
            ("y2", height),
        ):
            assert 0 <= float(element.get(name, "0")) <= most, (element.tag, element.attrib)
    return root


def texts(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def test_points_stand_in_the_order_of_their_values(ranking: Ranking) -> None:
    root = drawn(cost_and_accuracy(ranking))
    points = sorted((float(c.get("cx", "0")), float(c.get("cy", "0"))) for c in root.iter(f"{SVG}circle"))
    by_cost = sorted((m.tokens, -m.mean) for m in ranking.methods)
    assert len(points) == len(by_cost)
    heights, accuracies = [y for _, y in points], [y for _, y in by_cost]
    assert sorted(range(3), key=heights.__getitem__) == sorted(range(3), key=accuracies.__getitem__)
    assert {"grpo", "<b>&", "base"} <= set(texts(root))


def test_lines_of_a_logarithmic_axis_are_as_far_apart_as_their_logarithms(ranking: Ranking) -> None:
    passed = {k: Estimate(0.2 + k / 20, 0.1, 0.1, 0.8) for k in (1, 2, 4, 8)}
    curves = [Capability(name, [], passed) for name in ("base", "grpo")]
    first = next(drawn(pass_curves(curves, ranking)).iter(f"{SVG}polyline"))
    xs = [float(point.split(",")[0]) for point in (first.get("points") or "").split()]
    gaps = [b - a for a, b in zip(xs, xs[1:], strict=False)]
    assert len(gaps) == 3 and max(gaps) - min(gaps) < 0.3 and min(gaps) > 10


def test_parts_of_a_bar_follow_each_other() -> None:
    root = drawn(tokens_spent([Spending("grpo", 1e6, 0, 2e6, 3e6), Spending("sft", 0, 4e6, 0, 5e6)], "lab-llama"))
    rows: dict[str, list[tuple[float, float]]] = {}
    for rect in root.iter(f"{SVG}rect"):
        if rect.get("height") == "14" and float(rect.get("width", "0")):
            rows.setdefault(rect.get("y", ""), []).append((float(rect.get("x", "0")), float(rect.get("width", "0"))))
    assert [len(parts) for parts in rows.values()] == [3, 2]
    for parts in rows.values():
        assert all(b[0] == pytest.approx(a[0] + a[1], abs=0.2) for a, b in zip(parts, parts[1:], strict=False))
    grpo, sft = rows.values()
    assert sum(w for _, w in sft) / sum(w for _, w in grpo) == pytest.approx(9 / 6, rel=0.01)


def test_rows_have_their_names_from_the_top_and_an_interval(ranking: Ranking) -> None:
    after = Estimate(0.5, 0.1, 0.3, 0.7)
    capabilities = [
        Capability(name, [GroupGain("hard", 7, 0.2, after)], {1: after}) for name in ("base", "grpo", "sft")
    ]
    root = drawn(gains_by_difficulty(capabilities, "lab-llama"))
    at = {t.text: float(t.get("y", "0")) for t in root.iter(f"{SVG}text")}
    assert at["grpo"] < at["sft"] and "hard (7 items)" in at
    dots = [float(c.get("cy", "0")) for c in root.iter(f"{SVG}circle")]
    assert dots == sorted(dots) and len(dots) == 2
    assert sum(line.get("opacity") == ".7" for line in root.iter(f"{SVG}line")) == 2


def test_one_point_alone_is_drawn(ranking: Ranking, tmp_path: Path) -> None:
    row = {"tokens": 3, "validation_accuracy": 0.25}
    assert "grpo" in texts(drawn(learning_curves({"grpo": [row]}, ranking)))
