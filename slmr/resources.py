"""Where the folders that ship beside the package are: in a checkout, and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """The folder `tasks`, `baselines` or `leaderboard`: inside an installed wheel, else in the checkout."""
    bundle = _PACKAGE / "_bundle"
    return (bundle if bundle.is_dir() else _PACKAGE.parent) / name
