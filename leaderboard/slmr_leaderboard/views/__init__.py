"""One module per page, named by its path; its `show` draws a `View`.

Not called pages/: beside the script, Streamlit takes a folder of that name for pages of its own kind.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from slmr_leaderboard.views.parts import View

# Title, path, icon.
PAGES = (
    ("Board", "board", ":material/leaderboard:"),
    ("Compare", "compare", ":material/compare_arrows:"),
    ("Curves and cost", "curves", ":material/show_chart:"),
    ("Capability", "capability", ":material/trending_up:"),
    ("Curriculum", "curriculum", ":material/school:"),
    ("Samples", "samples", ":material/list_alt:"),
    ("Run", "run", ":material/receipt_long:"),
)


def page(path: str) -> Callable[[View], None]:
    """The function that draws a page. It is imported late, so that the first page does not wait for the others."""
    return import_module(f"slmr_leaderboard.views.{path}").show
