"""Completions behind the board, by DuckDB over the runs' Parquet files. Nothing here draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb

from slmr.results.schema import items_file

VERDICTS = ("correct", "wrong", "no_answer", "malformed_gold", "timeout", "checker_error")
_COLUMNS = ("item_id", "k_index", "completion", "finish_reason", "tokens", "status", "strict", "lenient", "extracted",
            "reason", "prompt", "gold")  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One cell of the board: a run's file of completions, and the file of their items' texts where it keeps one."""

    samples: Path
    items: Path | None

    @classmethod
    def of(cls, run: Path, samples: Path, task: str) -> Cell:
        items = items_file(run, task)
        return cls(samples, items if items.is_file() else None)


@dataclass(frozen=True)
class Wanted:
    """Which completions: of these verdicts (any by default), with this text in problem, completion or item id."""

    verdicts: tuple[str, ...] = ()
    text: str = ""
    items: tuple[str, ...] = ()


def count(cell: Cell, wanted: Wanted) -> int:
    """How many completions of a cell fit; raises as `find`."""
    try:
        changed = cell.samples.stat().st_mtime_ns
    except OSError:
        changed = 0  # the query says what is wrong
    return _count(cell, wanted, changed)


@lru_cache(maxsize=256)  # the same for every page
def _count(cell: Cell, wanted: Wanted, _changed: int) -> int:
    where, values = _where(wanted)
    return _query(cell, "select count(*) from ({source}) where " + where, values)[0]["count_star()"]


def find(cell: Cell, wanted: Wanted, offset: int = 0, limit: int = 10) -> list[dict[str, Any]]:
    """The completions of a cell that fit, in the order of the items.

    Raises:
        OSError: the file is missing or is no file of completions.
    """
    where, values = _where(wanted)
    columns = ", ".join(_COLUMNS)
    query = f"select {columns} from ({{source}}) where {where} order by place, k_index limit ? offset ?"
    return _query(cell, query, [*values, limit, offset])


def _query(cell: Cell, query: str, values: Sequence[Any]) -> list[dict[str, Any]]:
    with _database().cursor() as db:
        try:
            found = db.execute(query.replace("{source}", _source(db, cell)), list(values))
            names = [column[0] for column in found.description or []]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        except duckdb.Error as error:
            raise OSError(f"{cell.samples}: {str(error).splitlines()[0]}") from None


@lru_cache(maxsize=1)
def _database() -> duckdb.DuckDBPyConnection:
    """In memory; a cursor of it is a connection of its own, and opens at once."""
    return duckdb.connect()


def _source(db: duckdb.DuckDBPyConnection, cell: Cell) -> str:
    """A query for the completions with their items' texts; a column that a file lacks is null."""
    files = {"s": cell.samples, **({"i": cell.items} if cell.items else {})}
    has: dict[str, str] = {}
    for name, file in files.items():
        rows = f"read_parquet({_quoted(file)}, file_row_number = true)"
        db.execute(f"create temp view {name} as select *, file_row_number as place from {rows}")
        for column, *_ in db.execute(f"describe {name}").fetchall():
            has.setdefault(column, f"{name}.{column}")
    join = " left join i on i.item_id = s.item_id" if cell.items else ""
    columns = ", ".join(f"{has.get(name, 'null')} as {name}" for name in _COLUMNS)
    return f"select {columns}, min(s.place) over (partition by s.item_id) as place from s{join}"


def _quoted(file: Path) -> str:
    """A path as an SQL string: a view takes no parameters."""
    return "'" + str(file).replace("'", "''") + "'"


def _where(wanted: Wanted) -> tuple[str, list[Any]]:
    parts, values = ["true"], []
    if wanted.verdicts:
        parts.append("list_contains(?, status)")
        values.append(list(wanted.verdicts))
    if wanted.items:
        parts.append("list_contains(?, item_id)")
        values.append(list(wanted.items))
    if wanted.text:
        texts = " or ".join(
            f"contains(lower(coalesce({name}, '')), lower(?))" for name in ("completion", "prompt", "item_id")
        )
        parts.append(f"({texts})")
        values += [wanted.text] * 3
    return " and ".join(parts), values
