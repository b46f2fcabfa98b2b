"""Finds the completions behind a ranking with DuckDB in the runs' Parquet files, and compares two texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb

from slmr.errors import first_line
from slmr.results.runs.files import items_file
from slmr.results.runs.method_results import MethodResult

VERDICTS = ("correct", "wrong", "no_answer", "malformed_gold", "timeout", "checker_error")
_COLUMNS = (
    "item_id",
    "k_index",
    "completion",
    "finish_reason",
    "tokens",
    "status",
    "strict",
    "lenient",
    "extracted",
    "reason",
    "prompt",
    "gold",
)
_SEARCHED = ("completion", "prompt", "item_id")


Span = tuple[int, int]  # characters of a text, from the first on to before the second


@dataclass(frozen=True)
class Cell:
    """One cell of a ranking: the run's file of completions, and its file of the items' texts, if it has one."""

    samples: Path
    items: Path | None
    k: int  # completions of each item


def cell_of(result: MethodResult, task: str, seed: int) -> Cell | None:
    """The cell of a method, task and seed; None if it was not evaluated."""
    for row, run in result.run_rows:
        if (row.task, row.seed) == (task, seed):
            items = items_file(run, task)
            return Cell(row.samples_file(run), items if items.is_file() else None, row.k)
    return None


@dataclass(frozen=True)
class CompletionFilter:
    """Selects completions by verdict (any by default), by text in the problem, completion or item id, and by item."""

    verdicts: tuple[str, ...] = ()
    text: str = ""
    items: tuple[str, ...] = ()


def count(cell: Cell, selection: CompletionFilter) -> int:
    """The number of completions in a cell that fit; raises as `find`."""
    try:
        changed = cell.samples.stat().st_mtime_ns
    except OSError:
        changed = 0  # the query says what is wrong
    return _count(cell, selection, changed)


@lru_cache(maxsize=256)  # the same for every page
def _count(cell: Cell, selection: CompletionFilter, _changed: int) -> int:
    condition, values = _condition(selection)
    return _query(cell, "select count(*) from ({source}) where " + condition, values)[0]["count_star()"]


def find(cell: Cell, selection: CompletionFilter, offset: int = 0, limit: int = 10) -> list[dict[str, Any]]:
    """The completions of a cell that fit, in the order of the items.

    Raises:
        OSError: the file is missing or is not a file of completions.
    """
    condition, values = _condition(selection)
    columns = ", ".join(_COLUMNS)
    query = f"select {columns} from ({{source}}) where {condition} order by place, k_index limit ? offset ?"
    return _query(cell, query, [*values, limit, offset])


def _query(cell: Cell, query: str, values: Sequence[Any]) -> list[dict[str, Any]]:
    with _database().cursor() as db:
        try:
            answer = db.execute(query.replace("{source}", _source(db, cell)), list(values))
            names = [column[0] for column in answer.description or []]
            return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
        except duckdb.Error as error:
            raise OSError(f"{cell.samples}: {first_line(error)}") from None


@lru_cache(maxsize=1)
def _database() -> duckdb.DuckDBPyConnection:
    """An in-memory database; each of its cursors is a separate connection, which opens quickly."""
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
    """A path as an SQL string, because a view takes no parameters."""
    return "'" + str(file).replace("'", "''") + "'"


def _condition(selection: CompletionFilter) -> tuple[str, list[Any]]:
    in_text = " or ".join(f"contains(lower(coalesce({name}, '')), lower(?))" for name in _SEARCHED)
    possible: dict[str, list[Any]] = {
        "list_contains(?, status)": [list(selection.verdicts)] if selection.verdicts else [],
        "list_contains(?, item_id)": [list(selection.items)] if selection.items else [],
        f"({in_text})": [selection.text] * len(_SEARCHED) if selection.text else [],
    }
    conditions = {condition: values for condition, values in possible.items() if values}
    return " and ".join(["true", *conditions]), list(chain.from_iterable(conditions.values()))


def words_without_counterpart(a: str, b: str) -> tuple[list[Span], list[Span]]:
    """The words of each text that the other lacks in that place, within the first 20,000 characters."""
    words = [[(m.start(), m.end()) for m in re.finditer(r"\S+", text[:20_000])] for text in (a, b)]
    in_a, in_b = ([text[i:j] for i, j in spans] for text, spans in zip((a, b), words, strict=True))
    marks: tuple[list[Span], list[Span]] = ([], [])
    for tag, i, j, k, n in SequenceMatcher(None, in_a, in_b, autojunk=False).get_opcodes():
        for side, (start, end) in enumerate(((i, j), (k, n))):
            if tag != "equal" and end > start:
                marks[side].append((words[side][start][0], words[side][end - 1][1]))
    return marks


_FORMULA = re.compile(
    r"\$\$(.{1,400}?)\$\$|\$([^$\n]{1,400}?)\$|\\\((.{1,400}?)\\\)|\\\[(.{1,400}?)\\\]"
    r"|(\\boxed\{(?:[^{}]|\{[^{}]*\}){1,200}\})",
    re.S,
)


def formulas_in(text: str, most: int = 12) -> list[str]:
    """The distinct formulas of a text. None contains `$` or a line break, so none can end the surrounding math."""
    matches = _FORMULA.finditer(text[:20_000])
    formulas = (next(part for part in match.groups() if part is not None) for match in matches)
    in_one_line = (" ".join(formula.split()) for formula in formulas)
    return list(dict.fromkeys(formula for formula in in_one_line if formula and "$" not in formula))[:most]
