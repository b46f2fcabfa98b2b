"""Reads runs: summaries, completions, rankings, comparisons, reports. Nothing here trains or generates."""

from slmr.results.run_files import EXAMPLES, TABLES, RunFiles, items_file, read_table
from slmr.results.schema import (
    SCHEMA_VERSION,
    Z95,
    Contamination,
    Summary,
    SummaryRow,
    read_summary,
    write_summary,
)

__all__ = [
    "EXAMPLES",
    "SCHEMA_VERSION",
    "TABLES",
    "Z95",
    "Contamination",
    "RunFiles",
    "Summary",
    "SummaryRow",
    "items_file",
    "read_summary",
    "read_table",
    "write_summary",
]
