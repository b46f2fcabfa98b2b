"""Rankings as files for a reader: CSV, Parquet, Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from slmr.results.columns import download_rows, sorted_methods
from slmr.results.ranking import Ranking
from slmr.results.selection import Filters
from slmr.results.tables import as_markdown, ranking_tables


def rows_of(rankings: Sequence[Ranking], filters: Filters, sort: str) -> list[dict[str, Any]]:
    """The lines that are shown of all rankings, each with every number and its interval."""
    return [row for r in rankings for row in download_rows(r, filters.kinds, sort)]


def as_csv(rankings: Sequence[Ranking], filters: Filters, sort: str = "rank") -> str:
    """The lines that are shown, as `csv_text`."""
    return csv_text(rows_of(rankings, filters, sort))


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV; text that a spreadsheet would run as a formula is quoted, and what a row lacks is blank."""
    text = io.StringIO()
    names = dict.fromkeys(name for row in rows for name in row)
    writer = csv.DictWriter(text, list(names), lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {k: f"'{v}" if isinstance(v, str) and v[:1] in tuple("=+-@\t\r") else v for k, v in row.items()}
        for row in rows
    )
    return text.getvalue()


def as_parquet(rankings: Sequence[Ranking], filters: Filters, sort: str = "rank") -> bytes:
    """One table of all rankings; what a ranking does not have is null."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = rows_of(rankings, filters, sort)
    names = dict.fromkeys(name for row in rows for name in row)
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows]), buffer)
    return buffer.getvalue()


def as_text(rankings: Sequence[Ranking], filters: Filters, sort: str = "rank") -> str:
    """The rankings as `slmr report` writes them, with the lines that are shown."""
    parts = [f"# slmr, {rankings[0].suite.label if rankings and rankings[0].suite else filters.suite}"]
    for ranking in rankings:
        shown = replace(ranking, methods=sorted_methods(ranking, filters.kinds, sort))
        parts += [f"## {ranking.student}", *map(as_markdown, ranking_tables(shown))]
    return "\n\n".join(parts) + "\n"
