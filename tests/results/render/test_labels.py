"""Names beside points: none over another, the first ones first."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from slmr.results.render.labels import (
    NARROW,
    POSITIONS,
    RIGHT_ROOM,
    Box,
    end_labels,
    label_box,
    mark_box,
    place_labels,
)

NUMBERS = st.floats(0, 100, allow_nan=False)
POINTS = st.lists(st.tuples(NUMBERS, NUMBERS, st.text("abcdef_", min_size=1, max_size=15)), max_size=25)


@given(POINTS)
def test_no_name_lies_over_another_or_over_a_point(points: list[tuple[float, float, str]]) -> None:
    spread = [(0.0, 0.0, "a"), (560.0, 400.0, "b"), *points]  # then a unit is a pixel
    places = place_labels(spread)

    assert len(places) == len(spread) and set(places) <= {*POSITIONS, ""}
    boxes = [label_box((x, y), name, place) for (x, y, name), place in zip(spread, places, strict=True) if place]
    assert not any(a.meets(b) for a, b in combinations(boxes, 2))
    assert not any(box.meets(mark_box((x, y))) for box in boxes for x, y, _ in spread)


def test_a_name_moves_aside_for_its_neighbour_and_goes_where_there_is_no_room() -> None:
    pair = [(100.0, 0.0, "first"), (120.0, 0.0, "second"), (560.0, 400.0, "far"), (0.0, 200.0, "left")]

    assert place_labels(pair) == ["middle left", "middle right", "middle right", "middle right"]
    assert place_labels([(5.0, 5.0, "a")] * 9)[-1] == ""
    assert place_labels([]) == []
    # Intervals of two hundred pixels above and below draw all points together: there is less room between them.
    near = [(0.0, 0.0, "low"), (560.0, 400.0, "far"), (300.0, 100.0, "a name"), (310.0, 120.0, "above it")]
    assert place_labels(near)[2:] == ["middle right", "middle right"]
    assert place_labels(near, [-200.0, 600.0])[2:] != ["middle right", "middle right"]


@given(st.dictionaries(st.text("abc", min_size=1), st.lists(NUMBERS, min_size=1, max_size=4), max_size=25))
def test_no_name_at_the_end_of_a_line_lies_over_another(lines: dict[str, list[float]]) -> None:
    lines = lines | {"": [0.0, 400.0]}  # then a unit is a pixel
    places = end_labels({name: (range(len(ys)), ys) for name, ys in lines.items()})
    assert set(places) == set(lines)
    boxes = [Box(0, 1, y - 7.4, y + 7.4) for y in places.values()]
    assert not any(a.meets(b) for a, b in combinations(boxes, 2))
    order = sorted(lines, key=lambda name: (lines[name][-1], name))
    assert sorted(places, key=lambda name: places[name]) == order
    assert end_labels({}) == {}


@given(POINTS)
def test_names_end_where_the_figure_does(points: list[tuple[float, float, str]]) -> None:
    spread = [(0.0, 0.0, "a"), (180.0, 400.0, "a_long_name_at_the_end"), *points]
    for (x, y, name), place in zip(spread, place_labels(spread, across=NARROW), strict=True):
        assert not place or label_box((x, y), name, place).right <= NARROW + RIGHT_ROOM


def test_no_name_lies_over_the_axis() -> None:
    crowd = [(0.0, 43.6 + i / 10, f"method_{i}") for i in range(6)]
    places = place_labels([*crowd, (5.0, 90.0, "far")])
    assert all(not place or place.endswith("right") for place in places[:6])
