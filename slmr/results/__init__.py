"""Reads runs: summaries, completions, rankings, comparisons, reports. Nothing here trains or generates."""

from slmr.results.schema import (
    EXAMPLES,
    SCHEMA_VERSION,
    TABLES,
    Z95,
    Contamination,
    Summary,
    SummaryRow,
    items_file,
    read_summary,
    read_table,
    run_file,
    samples_folder,
    write_summary,
    write_table,
)

__all__ = [
    "EXAMPLES",
    "SCHEMA_VERSION",
    "TABLES",
    "Z95",
    "Contamination",
    "Summary",
    "SummaryRow",
    "items_file",
    "read_summary",
    "read_table",
    "run_file",
    "samples_folder",
    "write_summary",
    "write_table",
]
