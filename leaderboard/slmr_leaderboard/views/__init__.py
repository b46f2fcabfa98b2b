"""One module a page, by its path; its `show` draws what a `View` holds.

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
    """What draws a page. Imported when it is asked for: the first page shall not wait for what the others need."""
    return import_module(f"slmr_leaderboard.views.{path}").show
