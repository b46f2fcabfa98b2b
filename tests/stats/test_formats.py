"""How numbers are written, at the borders of their forms."""

from __future__ import annotations

import pytest

from slmr.stats import formats


def test_percent_and_points() -> None:
    assert formats.percent(0.0156) == "1.6"
    assert formats.percent(0.0156, 0.008) == "1.6"  # half an interval is none
    assert formats.percent(0.0156, 0.008, 0.0305) == "1.6 (0.8 to 3.0)"
    assert formats.percent(0, 0, 0.00763) == "0.0 (0.0 to 0.8)"
    assert formats.points(-0.0216, -0.0433, -0.0007) == "-2.2 (-4.3 to -0.1)"
    assert formats.points(0.05, 0.01, 0.09, mark="*") == "+5.0* (+1.0 to +9.0)"
    assert formats.interval(0.008, 0.0305) == "0.8 to 3.0"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999.4, "999"),
        (999.6, "1 k"),
        (12_300, "12 k"),
        (999_499, "999 k"),
        (999_600, "1.00 M"),
        (3_404_000, "3.40 M"),
    ],
)
def test_tokens(count: float, text: str) -> None:
    assert formats.tokens(count) == text


def test_names_are_listed_with_and_before_the_last() -> None:
    assert [formats.listed(names) for names in ("a", "ab", "abc")] == ["a", "a and b", "a, b and c"]


def test_durations() -> None:
    assert [formats.duration(s) for s in (4.4, 89, 600, 9000)] == ["4 s", "89 s", "10 min", "2.5 h"]


def test_p_values() -> None:
    assert [formats.p_value(p) for p in (0.0004, 0.0005, 0.0306, 1.0)] == [
        "<0.001",
        "0.001",
        "0.031",
        "1.000",
    ]
