"""Files between stages: what is written is read again, and what does not fit is named in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.curriculum import schema
from slmr.curriculum.schema import (
    CRITIQUES,
    GROUPS,
    PROBLEMS,
    ROLLOUTS,
    TRACES,
    RowFile,
    counted,
    ids_in_groups,
    problems_by_id,
    rollouts_by_problem,
    tally,
    trace,
)
from slmr.errors import WorkError
from slmr.io import read_rows, write_rows
from tests.curriculum.common import folder, problems, rollout

FILES = [value for value in vars(schema).values() if isinstance(value, RowFile)]
TRACE = {"problem_id": "p", "prompt": "?", "prefix": "", "completion": "1", "source": "raw"}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / "sft-0123"
    made.mkdir()
    return made


def test_there_is_one_file_of_each_name() -> None:
    assert len(FILES) == 11 and len({str(file) for file in FILES}) == 11


@given(st.lists(st.fixed_dictionaries({name: st.text() for name in TRACE}), max_size=5))
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, rows: list[Any]) -> None:
    made = tmp_path_factory.mktemp("artefact")
    TRACES.write(made, rows)
    assert TRACES.read(made) == rows == read_rows(made / "traces.parquet")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": 3}, "sft-0123: traces.parquet: column 'source' holds int, not str"),
        ({"prompt": None}, "sft-0123: traces.parquet: column 'prompt' holds NoneType, not str"),
        ({"extra": 1}, "sft-0123: traces.parquet has no column 'extra'"),
    ],
)
def test_a_row_that_does_not_fit_is_never_written(place: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(WorkError, match=message):
        TRACES.write(place, [TRACE, TRACE | change])  # type: ignore[list-item]
    assert not list(place.iterdir())


def test_a_column_that_one_row_lacks_is_named_in_writing_and_reading(place: Path) -> None:
    short = {name: text for name, text in TRACE.items() if name != "prefix"}
    message = "sft-0123: traces.parquet lacks the column 'prefix'"
    with pytest.raises(WorkError, match=message):
        TRACES.write(place, [TRACE, short])  # type: ignore[list-item]
    write_rows(place / TRACES, [short])
    with pytest.raises(WorkError, match=message):
        TRACES.read(place)


def test_a_file_that_is_not_there_is_named(place: Path) -> None:
    with pytest.raises(WorkError, match=r"sft-0123: there is no groups\.parquet in this artefact"):
        GROUPS.read(place)


def test_what_a_users_stage_adds_is_kept(place: Path) -> None:
    write_rows(place / TRACES, [TRACE | {"note": "mine"}])
    assert TRACES.read(place)[0]["note"] == "mine"  # type: ignore[typeddict-item]


@pytest.mark.parametrize(("file", "column"), [(PROBLEMS, "difficulty"), (PROBLEMS, "solution"), (CRITIQUES, "new")])
def test_some_columns_may_be_empty(file: RowFile[Any], column: str) -> None:
    assert (
        type(None) in file._types[column] and type(None) not in file._types["problem_id" if file is CRITIQUES else "id"]
    )


def test_a_whole_number_is_a_number(place: Path) -> None:
    """Parquet keeps a column of 0.0 and 1.0 as it comes; a rate may be written as 1."""
    row = {"problem_id": "p", "correct": 1, "k": 1, "rho": 1, "low": 0.2, "high": 1, "group": "simple"}
    GROUPS.write(place, [row])  # type: ignore[list-item]
    assert GROUPS.read(place)[0]["rho"] == 1


def test_rows_by_problem_and_group(tmp_path: Path) -> None:
    pool = problems(3)
    a, b, c = (problem["id"] for problem in pool)
    place = folder(
        tmp_path,
        problems=pool,
        rollouts=[rollout(a, 0, "x", True), rollout(b, 0, "y", False), rollout(a, 1, "z", False)],
        groups=[{"problem_id": i, "group": g} for i, g in ((a, "hard"), (b, "simple"), (c, "medium"))],
    )
    assert list(problems_by_id(place)) == [a, b, c] and problems_by_id(place)[b] == pool[1]
    by_problem = rollouts_by_problem(place)
    assert {i: [row["completion"] for row in rows] for i, rows in by_problem.items()} == {
        a: ["x", "z"],
        b: ["y"],
    }
    assert tally(by_problem[a]) == (1, 2) and len(ROLLOUTS.read(place)) == 3
    assert ids_in_groups(place, ("medium", "hard")) == [a, c]


def test_an_abstention_counts_neither_way() -> None:
    undecided = rollout("p", 1, "x", False) | {"status": "timeout"}
    assert tally([rollout("p", 0, "x", True), undecided]) == (1, 1)  # type: ignore[list-item]


def test_a_trace_asks_what_the_problem_asks_unless_told_otherwise() -> None:
    (problem,) = problems(1)
    assert trace(problem, "c", "raw")["prompt"] == problem["prompt"]  # type: ignore[arg-type]
    assert trace(problem, "c", "diag", prompt="else", prefix="so")["prompt"] == "else"  # type: ignore[arg-type]


def test_counts_are_sorted_by_value() -> None:
    assert list(counted(["b", "a", "b", None]).items()) == [("None", 1), ("a", 1), ("b", 2)]
