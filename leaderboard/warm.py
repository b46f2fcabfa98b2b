"""What the first page needs, read while the browser still opens."""

from __future__ import annotations

from pathlib import Path

from queries import Filters, boards, editions, load_results

# Importing these, and scipy inside of the boards, takes a second; afterwards the app finds them there.
from views import board, capability, compare, curriculum, curves, run, samples

PAGES = (board, compare, curves, capability, curriculum, samples, run)


def warm(folder: Path) -> None:
    """Makes the boards that the app opens with."""
    results = load_results(folder)
    for edition in editions(results)[:1]:
        boards(results, Filters(edition))
