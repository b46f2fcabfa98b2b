"""Listings and texts as wide as the terminal: lines are broken at spaces alone, so no name and no number is cut."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

_GAP = "  "  # between columns
_INDENT = "    "  # of what stands below its row
_PROSE = 24  # a column of words that is wider than this may be broken, and is not made narrower if that can be


def output_width() -> int | None:
    """The columns of the terminal, or as many as COLUMNS says; None where neither is there, as in a pipe."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns[:5]) > 0:
        return int(columns[:5])
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def wrapped(text: str, width: int | None, indent: int = 0) -> list[str]:
    """The lines of a text; of a longer one each further line is indented by so much."""
    import textwrap

    lines = []
    for number, line in enumerate(text.split("\n")):
        before = " " * (indent if number else 0)
        whole = width is None or len(before + line) <= width
        lines += (
            [before + line]
            if whole
            else textwrap.wrap(
                line,
                max(width or 0, indent + 1),
                initial_indent=before,
                subsequent_indent=" " * indent,
                expand_tabs=False,
                replace_whitespace=False,
                break_long_words=False,
                break_on_hyphens=False,
            )
        )
    return lines


class _Column(NamedTuple):
    head: str
    cells: list[str]

    @property
    def lines(self) -> list[str]:
        return [self.head, *self.cells]

    @property
    def whole(self) -> int:
        """The width in which nothing is broken."""
        return max(map(len, self.lines))

    @property
    def is_prose(self) -> bool:
        return max(map(len, self.cells)) > _PROSE and any(" " in cell for cell in self.cells)

    @property
    def least(self) -> int:
        """The width in which a heading and a text are broken at spaces, and nothing else is."""
        words = [word for cell in self.cells for word in cell.split()]
        unbroken = [*self.head.split(), *(words if self.is_prose else self.cells)]
        return max(_PROSE if self.is_prose else 0, *map(len, unbroken))


def listing(rows: Sequence[dict[str, Any]], width: int | None, spare: Sequence[str] = ()) -> list[str]:
    """Rows of equal keys as lines, the keys first.

    Where they are wider than `width`, headings and texts go on in further lines of their column; where that does not
    do, the columns `spare` are left out, the first ones first; then texts stand below their row.
    """
    columns = [_Column(key, [str(row[key] or "") for row in rows]) for key in rows[0]]
    if width is None or _width([column.whole for column in columns]) <= width:
        return _side_by_side(columns, [column.whole for column in columns])
    for name in spare:
        if _width([column.least for column in columns]) > width:
            columns = [column for column in columns if column.head != name]
    widths = [column.least for column in columns]
    if _width(widths) <= width:
        from slmr.results.render.text_tables import widened

        wholes = [column.whole for column in columns]
        return _side_by_side(columns, widened(widths, wholes, width - _width(widths)))
    return _below(columns, width)


def _width(columns: Sequence[int]) -> int:
    return sum(columns) + len(_GAP) * (len(columns) - 1)


def _side_by_side(columns: Sequence[_Column], widths: Sequence[int]) -> list[str]:
    """Each row in as many lines as its longest cell takes."""
    rows = zip(*(column.lines for column in columns), strict=True)
    return [line for row in rows for line in _row(row, widths)]


def _row(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    broken = [wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    return [
        _GAP.join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip()
        for parts in zip_longest(*broken, fillvalue="")
    ]


def _below(columns: Sequence[_Column], width: int) -> list[str]:
    """Each row with its texts below it, and below it those of its other columns for which there is no room."""
    from slmr.results.render.text_tables import in_parts

    unbroken = [column for column in columns if not column.is_prose]
    room = width - len(_INDENT)
    blocks = in_parts(unbroken, 0, lambda block: _width([column.least for column in block]) <= room)
    lines = []
    for n in range(len(columns[0].lines)):
        for number, block in enumerate(blocks):
            row = _row([column.lines[n] for column in block], [column.least for column in block])
            lines += [(_INDENT if number else "") + line for line in row if line or not number]
        for text in (column.lines[n] for column in columns if column.is_prose):
            lines += wrapped(_INDENT + text, width, len(_INDENT)) if text else []
    return lines
