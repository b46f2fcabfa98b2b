"""The tests mirror the packages: `slmr/x/y.py` is tested by `tests/x/test_y.py`."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
# Shrinks, and never grows.
MISSING: set[str] = set()


def modules() -> dict[str, Path]:
    """Every module of the two packages by where its test should be."""
    places = {}
    for package, tests in (
        (ROOT / "slmr", "tests"),
        (ROOT / "leaderboard/slmr_leaderboard", "tests/leaderboard"),
    ):
        for file in package.rglob("*.py"):
            if file.name not in ("__init__.py", "__main__.py"):
                place = Path(tests, *file.relative_to(package).parent.parts, f"test_{file.name}")
                places[place.as_posix()] = file
    return places


def test_every_module_has_a_test_of_its_name() -> None:
    missing = {place for place in modules() if not (ROOT / place).is_file()}
    assert missing - MISSING == set(), "modules without a test of their name"
    assert MISSING - missing == set(), "these have their test now: take them off the list"
