"""The made-up results, for the tests of this folder."""

from tests.made_results import make_row, results

__all__ = ["make_row", "results"]
