"""What runs say. Nothing here trains or generates.

`runs` reads what a run keeps, `analysis` ranks and compares it, `render` makes tables, figures and pages of that, and
`export` hands it over: published runs, and the formats of other tools.
"""

from slmr.results.runs.files import EXAMPLES, TABLES, RunFiles, items_file, read_table
from slmr.results.runs.schema import (
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
