"""`slmr probe`: what it refuses, and what it says of a difficulty group."""

from __future__ import annotations

from typing import Any

import pytest

from slmr.errors import RequestError
from slmr.pipeline.probing import ProbeRequest, _group_row, probe_model


def group(name: str, correct: int) -> dict[str, Any]:
    return {"group": name, "correct": correct, "k": 4, "rho": correct / 4, "low": 0.0, "high": 1.0}


def test_a_groups_share_and_rates() -> None:
    groups = [group("hard", 0), group("hard", 1), group("hard", 0), group("simple", 4)]
    row = _group_row("hard", groups)
    assert (row["problems"], row["share"]) == (3, 0.75) and row["low"] < 0.75 < row["high"]
    assert row["histogram"] == {0: 2, 1: 1}
    assert [(rate["problems"], rate["correct"]) for rate in row["rates"]] == [(1, 1), (2, 0)]
    assert _group_row("medium", groups)["problems"] == 0


def test_a_rule_to_stop_by_is_for_an_adaptive_probe() -> None:
    with pytest.raises(RequestError, match="--stop-error needs an adaptive probe"):
        probe_model(ProbeRequest("lab-llama", stop_error=0.1, adaptive="off"))
