"""Lays out tables for a terminal's width without cutting names or numbers. Needs only the light install."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from rich.table import Column, Table

_LEFT = (
    "method",
    "model",
    "kind",
    "task",
    "edition",
    "effect",
    "items of",
    "from",
    "to",
    "when",
)  # columns of names


def text_table(
    title: str,
    heads: Iterable[str],
    rows: Iterable[Sequence[str]],
    caption: str | None = None,
    left: Collection[str] = _LEFT,
) -> Table:
    """A table with the columns in `left` aligned to the left, and the others, numbers, to the right."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left")
    for head in heads:
        table.add_column(head, justify="left" if head in left else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


_C = TypeVar("_C")


def in_parts(columns: Sequence[_C], keys: int, fits: Callable[[list[_C]], bool]) -> list[list[_C]]:
    """Divides columns into as few parts as fit; each begins with the first `keys` columns and has at least one more."""
    parts = [list(columns[:keys])]
    for column in columns[keys:]:
        if len(parts[-1]) > keys and not fits([*parts[-1], column]):
            parts.append(list(columns[:keys]))
        parts[-1].append(column)
    return parts


def widened(least: Sequence[int], whole: Sequence[int], room: int) -> list[int]:
    """The least widths plus `room` characters, each given to the column that lacks most of its whole width."""
    widths = list(least)
    for _ in range(room):
        most = max(range(len(widths)), key=lambda i: whole[i] - widths[i])
        if widths[most] >= whole[most]:
            break
        widths[most] += 1
    return widths


def table_width(columns: Iterable[int]) -> int:
    """The width of a table with columns of these widths, with its lines."""
    return 1 + sum(column + 3 for column in columns)


class _Sized(NamedTuple):
    """A column with its width without line breaks, and the least width that breaks lines only at spaces."""

    column: Column
    whole: int
    least: int


def fitted(
    table: Table,
    width: int,
    spare: Sequence[str | tuple[str, ...]] = (),
    prose: Collection[str] = (),
    keys: int = 1,
) -> list[Table]:
    """The table if it fits; else without columns that can be spared, and divided into parts.

    Args:
        spare: names of columns, of which the first ones go first; those of a tuple go together.
        prose: of those whose cells may go on in a second line, at a space; every heading may.
        keys: how many of the first columns each part begins with.
    """
    sized = [_sized(column, prose) for column in table.columns]
    if table_width(s.whole for s in sized) <= width:
        return [table]
    for names in spare:
        if table_width(s.least for s in sized) > width:
            omitted = names if isinstance(names, tuple) else (names,)
            sized = [s for s in sized if s.column.header not in omitted]
    parts = in_parts(sized, keys, lambda part: table_width(s.least for s in part) <= width)
    tables = [_part(part, width) for part in parts]
    tables[0].title, tables[-1].caption = table.title, table.caption
    return tables


def _sized(column: Column, prose: Collection[str]) -> _Sized:
    cells = [line for cell in column.cells for line in str(cell).splitlines()]
    head = str(column.header)
    whole = max(map(_cells, [head, *cells]))
    unbroken = [word for cell in cells for word in cell.split()] if head in prose else cells
    return _Sized(column, whole, max(map(_cells, ["", *head.split(), *unbroken])))


def _cells(text: str) -> int:
    """The width of a text on the terminal, without its markup."""
    from rich.text import Text

    return Text.from_markup(text).cell_len


def _part(sized: Sequence[_Sized], width: int) -> Table:
    """A table of these columns, as wide as there is room."""
    from rich.table import Table

    least = [s.least for s in sized]
    widths = widened(least, [s.whole for s in sized], width - table_width(least))
    part = Table(title_justify="left", caption_justify="left")
    for one, wide in zip(sized, widths, strict=True):
        part.add_column(one.column.header, justify=one.column.justify, width=wide, overflow="fold")
    for row in zip(*(s.column.cells for s in sized), strict=True):
        part.add_row(*row)
    return part
