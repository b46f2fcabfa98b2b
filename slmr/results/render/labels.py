"""Places names beside the points of a figure without overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

# Of a figure as the report and the leaderboard draw it, in pixels: about, for a figure has no fixed size.
WIDE, _DOWN = 560, 370
_LETTER, _LINE, _MARK = 7, 16, 6
_ABOVE = 13  # from a point to the middle of a name above or below it: less than a line
NARROW = 180  # across, on a phone
RIGHT_ROOM = 100  # on the right of a plot, for the names of its last points
_BESIDE = 20  # from the lowest left point to the numbers of the axis
# Beside the point before above it: interval bars go up and down.
POSITIONS = ("middle right", "middle left", "top right", "bottom right", "top left", "bottom left")


class Box(NamedTuple):
    """A rectangle in pixels; y grows upwards."""

    left: float
    right: float
    low: float
    high: float

    def meets(self, other: Box) -> bool:
        return self.left < other.right and other.left < self.right and self.low < other.high and other.low < self.high


def place_labels(
    points: Sequence[tuple[float, float, str]], limits: Sequence[float] = (), across: int = WIDE
) -> list[str]:
    """plotly's `textposition` for each (x, y, name), or "" if there is no room; earlier points choose first.

    Args:
        limits: other values of y that are drawn, such as the bounds of intervals: the axis is as much longer.
        across: how wide the plot is, in pixels.
    """
    if not points:
        return []
    scaled = _scaled(points, limits, across)
    taken = [mark_box(at) for at in scaled]
    positions = []
    for at, (_, _, name) in zip(scaled, points, strict=True):
        boxes = {position: label_box(at, name, position) for position in POSITIONS}
        free = [
            position
            for position, box in boxes.items()
            if box.left >= -_BESIDE and box.right <= across + RIGHT_ROOM and not any(map(box.meets, taken))
        ]
        positions.append(free[0] if free else "")
        taken += [boxes[position] for position in free[:1]]
    return positions


def end_labels(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]], limits: Sequence[float] = ()
) -> dict[str, float]:
    """Name → its y position on the right of a plot of lines, in the order of the lines' ends, without overlap.

    Args:
        limits: other values of y that are drawn, such as the bounds of intervals.
    """
    ends = sorted((ys[-1], name) for name, (_, ys) in lines.items() if ys)
    values = [*limits, *(y for _, ys in lines.values() for y in ys)]
    if not ends:
        return {}
    # Names may stand above and below all lines: then the axis is as much longer.
    span = max(max(values) - min(values), 1e-9) * _DOWN / max(_DOWN - _LINE * len(ends) / 2, _DOWN / 4)
    gap = 1.1 * span * _LINE / _DOWN
    places = list(accumulate((y for y, _ in ends), lambda below, y: max(y, below + gap)))
    # Pushed up alone they would end above the highest line: half of that is taken back.
    down = (places[-1] - ends[-1][0]) / 2
    # What would still stand above all that is drawn moves down as far as there is room below.
    down += max(0.0, min(places[-1] - down - max(values), places[0] - down - min(values)))
    return {name: place - down for (_, name), place in zip(ends, places, strict=True)}


def mark_box(at: tuple[float, float]) -> Box:
    """The space of a point."""
    return Box(at[0] - _MARK, at[0] + _MARK, at[1] - _MARK, at[1] + _MARK)


def label_box(at: tuple[float, float], name: str, position: str) -> Box:
    """The space of a name at its point."""
    up, side = position.split()
    left = at[0] + _MARK if side == "right" else at[0] - _MARK - _LETTER * len(name)
    middle = at[1] + {"middle": 0, "top": _ABOVE, "bottom": -_ABOVE}[up]
    return Box(left, left + _LETTER * len(name), middle - _LINE / 2, middle + _LINE / 2)


def _scaled(
    points: Sequence[tuple[float, float, str]], limits: Sequence[float], across: int
) -> list[tuple[float, float]]:
    """The points in pixels, from the lower left corner."""
    xs, ys = [x for x, _, _ in points], [y for _, y, _ in points]
    wide, high = (max(values) - min(values) or 1 for values in (xs, [*ys, *limits]))
    return [((x - min(xs)) / wide * across, (y - min(ys)) / high * _DOWN) for x, y, _ in points]
