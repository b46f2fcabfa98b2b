"""The made-up results, for the tests of this folder."""

from tests.made_results import results

__all__ = ["results"]
