"""Examples of what Bridge made, out of made-up artefacts."""

from __future__ import annotations

from pathlib import Path

from slmr.curriculum.bridge import SCORES
from slmr.curriculum.schema import TRACES
from slmr.io import write_rows
from slmr.results.examples import bridged, spread


def test_examples_are_spread_over_the_rows() -> None:
    rows = [{"i": i} for i in range(100)]
    assert [row["i"] for row in spread(rows, 4)] == [0, 25, 50, 75] and spread(rows[:3], 10) == rows[:3]
    assert spread(rows, 0) == [] == spread([], 3)


def test_what_bridge_made_of_each_problem(tmp_path: Path) -> None:
    write_rows(tmp_path / TRACES, [{"problem_id": "p", "prompt": "How many?"}])
    candidates = [("p", "raw", True, False), ("p", "short", True, True), ("p", "long", False, False),
                  ("q", "raw", True, True)]  # fmt: skip
    write_rows(tmp_path / SCORES, [
        {"problem_id": problem, "source": source, "verified": verified, "kept": kept}
        for problem, source, verified, kept in candidates
    ])  # fmt: skip
    first, second = bridged(tmp_path)
    assert (first["prompt"], first["tried"], first["raw"]["source"], first["kept"]["source"]) == (
        "How many?", 2, "raw", "short"
    )  # fmt: skip
    assert second["prompt"] == "" and second["tried"] == 1 and second["raw"] is second["kept"]
