"""What runs hold, read: summaries, completions, rankings, comparisons, reports. Nothing here trains or generates."""

from slmr.results.schema import Contamination, EXAMPLES, SCHEMA_VERSION, Summary, SummaryRow, TABLES, Z95, items_file, read_summary, read_table, run_file, samples_folder, write_summary, write_table

__all__ = ["Contamination", "EXAMPLES", "SCHEMA_VERSION", "Summary", "SummaryRow", "TABLES", "Z95", "items_file", "read_summary", "read_table", "run_file", "samples_folder", "write_summary", "write_table"]
