"""Traces put together: the mix of two teachers', and more of the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.config import Params
from slmr.curriculum.mix import MixParams, mix_stage, more_stage
from slmr.io import read_rows
from tests.curriculum.common import context, folder


def test_a_mix_has_one_trace_a_problem_in_the_ratio(tmp_path: Path) -> None:
    pool = [{"id": str(n), "prompt": ""} for n in range(50)]

    def traces(name: str, ids: range) -> Path:
        rows = [{"problem_id": str(i), "prompt": "", "prefix": "", "completion": name, "source": name} for i in ids]
        return folder(tmp_path / name, traces=rows)

    both = {"strong": traces("s", range(0, 50)), "easy": traces("e", range(0, 40))}
    made = context(tmp_path / "out", **both)
    mix_stage(made, MixParams())
    rows = read_rows(made.folder / "traces.parquet")
    assert [r["problem_id"] for r in rows] == [p["id"] for p in pool]
    strong = [r for r in rows if r["source"] == "s"]
    assert made.stats == {"traces": 50, "strong": len(strong), "easy": 50 - len(strong)}
    assert 10 <= len(strong) <= 20 and {str(i) for i in range(40, 50)} <= {r["problem_id"] for r in strong}
    again = context(tmp_path / "again", seed=1, **both)
    mix_stage(again, MixParams())
    assert read_rows(again.folder / "traces.parquet") != rows


@pytest.mark.parametrize(("wanted", "there"), [(0, 3), (2, 3), (3, 3), (8, 3), (4, 0)])
def test_more_of_the_same_is_as_many_rows_each_as_often_as_any(tmp_path: Path, wanted: int, there: int) -> None:
    def traces(name: str, count: int) -> Path:
        rows = [
            {"problem_id": f"{name}{i}", "prompt": "", "prefix": "", "completion": "c", "source": name}
            for i in range(count)
        ]
        return folder(tmp_path / name, traces=rows)

    made = context(
        tmp_path / "out",
        like=traces("critique", wanted),
        traces=[traces("medium", there), traces("bridge", there)],
    )
    more_stage(made, Params())
    rows = read_rows(made.folder / "traces.parquet")
    assert len(rows) == (wanted if there else 0) and "critique" not in {row["source"] for row in rows}
    counts = [
        sum(row["problem_id"] == f"{name}{i}" for row in rows) for name in ("medium", "bridge") for i in range(there)
    ]
    assert not counts or max(counts) - min(counts) <= 1
