"""The forest plot: its intervals are the ranking's, it is well-formed, and names stay text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from base64 import b64decode
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.results.analysis.ranking import RankedMethod, Ranking, rank_methods
from slmr.results.render.forest import _Axis, forest_html, forest_svg
from slmr.results.runs.method_results import run_results
from slmr.stats import Estimate
from tests.results.made_runs import made_run

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def ranking(tmp_path_factory: pytest.TempPathFactory) -> Ranking:
    rates = {"base": 0.3, "grpo": 0.5, "<b>&": 0.6}
    return rank_methods(run_results(made_run(tmp_path_factory.mktemp("run"), rates)))


def rows(svg: str) -> list[tuple[str, float, float, float]]:
    """Name, low, mean and high of every row, in percent of the width."""
    root = ET.fromstring(svg)
    names = [e.text or "" for e in root.iter(f"{SVG}text") if e.get("class") == "name"]
    bars = [e for e in root.iter(f"{SVG}line") if e.get("stroke")]
    dots = list(root.iter(f"{SVG}circle"))
    share = lambda e, key: float(e.get(key).removesuffix("%"))  # noqa: E731
    return [
        (name, share(bar, "x1"), share(dot, "cx"), share(bar, "x2"))
        for name, bar, dot in zip(names, bars, dots, strict=True)
    ]


def test_every_method_is_there_in_order_with_its_text(ranking: Ranking) -> None:
    svg = forest_svg(ranking, ranking.methods)
    assert [name for name, *_ in rows(svg)] == ["<b>&", "grpo", "base"] and "<b>" not in svg
    assert "prefers-color-scheme" in svg and "prefers-color-scheme" not in forest_svg(ranking, [], "dark")


@given(st.lists(st.tuples(*[st.floats(0, 1)] * 3), min_size=1, max_size=8))
def test_positions_are_linear_and_stay_inside(ranking: Ranking, values: list[tuple[float, float, float]]) -> None:
    estimates = [Estimate(mean, 0.1, low, high) for low, mean, high in map(sorted, values)]
    methods = [replace(ranking.methods[0], accuracy=e) for e in estimates]
    svg = forest_svg(ranking, methods)
    ticks = [(float(x), float(value)) for x, value in re.findall(r'<text x="([\d.]+)%"[^>]*>([\d.-]+)</text>', svg)]
    (x0, v0), (x1, v1) = ticks[0], ticks[-1]
    assert 2 <= len(ticks) <= 7
    for (_, *drawn), e in zip(rows(svg), estimates, strict=True):
        expected = [x0 + (100 * v - v0) / (v1 - v0) * (x1 - x0) for v in (e.low, e.mean, e.high)]
        assert drawn == pytest.approx(expected, abs=0.02)
        assert all(0 <= x <= 100 for x in drawn)


def test_a_page_holds_it_as_a_picture(ranking: Ranking, tmp_path: Path) -> None:
    page = forest_html(ranking, ranking.methods, "dark")
    (data,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert b64decode(data).decode() == forest_svg(ranking, ranking.methods, "dark")
    lacking: list[RankedMethod] = [replace(m, accuracy=None) for m in ranking.methods]
    assert forest_html(ranking, lacking) == ""


def test_a_name_ends_before_the_plot_begins_on_every_screen(tmp_path: Path) -> None:
    """A letter has 6.8 pixels on a phone, where the picture is 364 wide."""
    name = "luffy_model_teacher"
    svg = forest_svg(found := rank_methods(run_results(made_run(tmp_path, {name: 0.5}))), found.methods)
    uses = re.findall(r'<use [^>]*class="(\w+)" x="([\d.]+)%" width="([\d.]+)%"', svg)
    places = {screen: (float(x), float(wide)) for screen, x, wide in uses}
    assert set(places) == {"narrow", "usual", "wide"} and all(x + wide < 100 for x, wide in places.values())
    assert places["narrow"][0] * 364 / 100 > 6.8 * len(name)


def test_as_a_file_it_has_a_size(ranking: Ranking) -> None:
    root = ET.fromstring(forest_svg(ranking, ranking.methods, width="760"))
    assert root.get("width") == "760" and root.get("viewBox") == f"0 0 760 {root.get('height')}"


@pytest.mark.parametrize(
    ("bounds", "axis"),
    [
        ([(0.20, 0.80)], (18.2, 81.8)),  # 3 % of the span on either side
        ([(0.50, 0.50)], (49.75, 50.25)),  # a quarter of a point at least
        ([(0.001, 0.002), (0.99, 1.0)], (0.0, 100.0)),  # within 0 to 100
        ([], (0.0, 100.0)),
    ],
)
def test_the_axis_holds_all_intervals_with_a_margin(
    ranking: Ranking, bounds: list[tuple[float, float]], axis: tuple[float, float]
) -> None:
    estimates = [Estimate((low + high) / 2, 0.1, low, high) for low, high in bounds]
    made = _Axis([replace(ranking.methods[0], accuracy=e) for e in estimates])
    assert (made.low, made.high) == pytest.approx(axis)
    assert made.at(made.low) == "0.00%" and made.at(made.high) == "100.00%"


def test_a_picture_ends_below_its_last_line_of_text(ranking: Ranking) -> None:
    svg = forest_svg(ranking, ranking.methods)
    root = ET.fromstring(svg)
    height = float(root.get("height") or 0)
    ys = [float(e.get("y") or 0) for e in root.iter(f"{SVG}text")]
    assert max(ys) < height < max(ys) + 20
    dots = [float(e.get("cy") or 0) for e in root.iter(f"{SVG}circle")]
    assert [b - a for a, b in pairwise(dots)] == [20] * (len(dots) - 1) and dots[0] == 16
