"""Rankings as downloads: CSV, Parquet, Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from slmr.results.analysis.ranking import Ranking
from slmr.results.render.columns import download_rows
from slmr.results.render.tables import as_markdown, ranking_tables


def as_csv(rankings: Sequence[Ranking]) -> str:
    """A line for each method of the rankings, as `csv_text` writes them."""
    return csv_text(_rows(rankings))


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV. Text that a spreadsheet would run as a formula is quoted; a column that a row lacks is blank."""
    text = io.StringIO()
    names = dict.fromkeys(name for row in rows for name in row)
    writer = csv.DictWriter(text, list(names), lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {k: f"'{v}" if isinstance(v, str) and v[:1] in tuple("=+-@\t\r") else v for k, v in row.items()} for row in rows
    )
    return text.getvalue()


def as_parquet(rankings: Sequence[Ranking]) -> bytes:
    """One table of all rankings; a column that a ranking lacks is null there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = _rows(rankings)
    names = dict.fromkeys(name for row in rows for name in row)
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows]), buffer)
    return buffer.getvalue()


def as_text(rankings: Sequence[Ranking]) -> str:
    """The rankings of one suite as `slmr report` writes them."""
    suite = rankings[0].suite
    parts = [f"# slmr, {suite.label}" if suite else "# slmr"]
    for ranking in rankings:
        parts += [f"## {ranking.student}", *map(as_markdown, ranking_tables(ranking))]
    return "\n\n".join(parts) + "\n"


def _rows(rankings: Sequence[Ranking]) -> list[dict[str, Any]]:
    return [row for ranking in rankings for row in download_rows(ranking)]
