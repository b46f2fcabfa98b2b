"""A few mutations of everything that a user writes; `python -m tools.fuzz_config` tries many."""

from __future__ import annotations

import pytest

from tools.fuzz_config import findings


@pytest.mark.parametrize("seed", [0, 1])
def test_mutated_settings_are_taken_or_refused_in_one_line(seed: int) -> None:
    assert list(findings(range(120), seed)) == []
