"""One module a page; each draws what `View` holds."""

from __future__ import annotations

from collections.abc import Callable

from views import board, capability, compare, curriculum, curves, run, samples
from views.parts import View

# Title, path, icon, and what draws it.
PAGES: tuple[tuple[str, str, str, Callable[[View], None]], ...] = (
    ("Board", "board", ":material/leaderboard:", board.show),
    ("Compare", "compare", ":material/compare_arrows:", compare.show),
    ("Curves and cost", "curves", ":material/show_chart:", curves.show),
    ("Capability", "capability", ":material/trending_up:", capability.show),
    ("Curriculum", "curriculum", ":material/school:", curriculum.show),
    ("Samples", "samples", ":material/list_alt:", samples.show),
    ("Run", "run", ":material/receipt_long:", run.show),
)
