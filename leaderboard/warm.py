"""What the first page needs, read while the browser still opens."""

from __future__ import annotations

from pathlib import Path

# Importing the pages, and scipy inside of the boards, takes a second; afterwards the app finds them there.
import views  # noqa: F401
from queries import Filters, boards, editions, load_results


def warm(folder: Path) -> None:
    """Makes the boards that the app opens with."""
    results = load_results(folder)
    for edition in editions(results)[:1]:
        boards(results, Filters(edition))
