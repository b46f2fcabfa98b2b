"""The tests mirror the packages: `slmr/x/y.py` is tested by `tests/x/test_y.py`."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
# Shrinks, and never grows.
MISSING: set[str] = {
    "tests/engines/test_vllm_server.py",
    "tests/leaderboard/views/test_board.py",
    "tests/leaderboard/views/test_capability.py",
    "tests/leaderboard/views/test_compare.py",
    "tests/leaderboard/views/test_curriculum.py",
    "tests/leaderboard/views/test_curves.py",
    "tests/leaderboard/views/test_parts.py",
    "tests/leaderboard/views/test_run.py",
    "tests/leaderboard/views/test_samples.py",
}


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
