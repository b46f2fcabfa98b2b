"""Which rows are found, and which of them count."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from slmr.results.analysis import selection
from slmr.results.analysis.selection import Filters, Results
from slmr.results.runs.schema import SummaryRow, write_summary
from tests.hostile_results import IN_PART, UNREADABLE, hostile_results

MakeRow = Callable[..., SummaryRow]


def put(folder: Path, rows: list[SummaryRow], age: int = 0) -> Path:
    """A run folder, written `age` seconds before a fixed time."""
    folder.mkdir(parents=True, exist_ok=True)
    write_summary(folder / "summary.json", rows)
    os.utime(folder / "summary.json", (2e9 - age, 2e9 - age))
    return folder


def rows_of(loaded: Results) -> list[SummaryRow]:
    return [row for row, _ in loaded.rows]


@pytest.mark.parametrize("below", [".", "lab-0"])
def test_rows_are_found_in_a_run_folder_and_above_it(results: Path, below: str) -> None:
    loaded = selection.load_results(results / below)
    assert len(rows_of(loaded)) == (13 if below == "." else 12)
    assert loaded.notices == ()


def test_artefacts_are_not_searched(tmp_path: Path, make_row: MakeRow) -> None:
    put(tmp_path / "artefacts" / "evaluate-1", [make_row("base")])
    assert selection.load_results(tmp_path).rows == ()


@pytest.mark.parametrize("text", [b'{"rows": 3}', b"{", b"", b"\xff\xfe", b'{"schema_version": 9, "rows": []}'])
def test_a_bad_file_is_a_notice_and_not_a_crash(results: Path, text: bytes) -> None:
    (results / "broken").mkdir()
    (results / "broken" / "summary.json").write_bytes(text)
    loaded = selection.load_results(results)
    assert len(rows_of(loaded)) == 13
    assert len(loaded.notices) == 1
    assert "broken" in loaded.notices[0] and "\n" not in loaded.notices[0]


def test_a_file_that_vanishes_is_a_notice(results: Path) -> None:
    (results / "gone").mkdir()
    (results / "gone" / "summary.json").symlink_to(results / "nowhere")
    assert any("nowhere" in n or "gone" in n for n in selection.load_results(results).notices)


def test_a_missing_folder_has_no_rows(tmp_path: Path) -> None:
    assert selection.load_results(tmp_path / "nowhere").rows == ()


def test_a_changed_file_is_read_again(tmp_path: Path, make_row: MakeRow) -> None:
    put(tmp_path, [make_row("base", accuracy=0.1)], age=9)
    assert rows_of(selection.load_results(tmp_path))[0].accuracy == 0.1
    put(tmp_path, [make_row("base", accuracy=0.2)])
    assert rows_of(selection.load_results(tmp_path))[0].accuracy == 0.2


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        (
            {"checker_version": "numeric-9"},
            {"checker_version": "numeric-10"},
            "checker numeric-9 (shown: numeric-10)",
        ),
        ({"task_version": "1-ffff"}, {"task_version": "2-0000"}, "task version 1 (shown: 2)"),
    ],
)
def test_the_highest_version_counts_even_where_its_file_is_older(
    tmp_path: Path, make_row: MakeRow, old: dict[str, str], new: dict[str, str], difference: str
) -> None:
    put(tmp_path / "new", [make_row("base", **new)], age=100)
    put(tmp_path / "old", [make_row("base", **old), make_row("sft", **old), make_row("sft", "lab_math")])
    loaded = selection.load_results(tmp_path)
    assert {(row.method, row.task) for row in rows_of(loaded)} == {("base", "lab_gsm8k"), ("sft", "lab_math")}
    (notice,) = loaded.notices
    assert notice.startswith(f"Another version: 2 rows of lab_gsm8k: {difference}; ")
    # Chosen, the other version stands in the place of the newest; the two are never on one board.
    (label,) = selection.older_versions(loaded, "lab")
    chosen = selection.filtered_rows(loaded, Filters("lab", tasks=("lab_gsm8k",), versions=(label,)))
    assert [row.method for row, _ in chosen] == ["base", "sft"]
    assert all(getattr(row, name) == value for row, _ in chosen for name, value in old.items())


def test_where_only_the_digest_differs_the_newer_file_counts(tmp_path: Path, make_row: MakeRow) -> None:
    put(tmp_path / "a", [make_row("base", task_version="1-ffff")], age=100)
    put(tmp_path / "b", [make_row("sft", task_version="1-0000")])
    loaded = selection.load_results(tmp_path)
    assert [row.method for row in rows_of(loaded)] == ["sft"]
    assert "other task files or data" in loaded.notices[0] and "ffff" not in loaded.notices[0]


def test_of_two_measurements_the_larger_counts_then_the_newer(tmp_path: Path, make_row: MakeRow) -> None:
    put(tmp_path / "full", [make_row("base", accuracy=0.1)], age=200)
    put(tmp_path / "again", [make_row("base", accuracy=0.2)], age=100)
    put(tmp_path / "look", [make_row("base", accuracy=0.9, n_items=8)])
    loaded = selection.load_results(tmp_path)
    assert [row.accuracy for row in rows_of(loaded)] == [0.2]
    assert loaded.notices[0].startswith("Measured more than once: 2 rows")
    assert loaded.rows[0][1].name == "again"


def test_the_sound_ones_of_hostile_folders_are_shown_and_the_others_named(tmp_path: Path) -> None:
    hostile_results(tmp_path)
    loaded = selection.load_results(tmp_path)
    boards = selection.rankings(loaded, Filters("lab"))
    assert {board.student for board in boards} == {"sound-one", "sound-two", "deep", *IN_PART}
    for name in UNREADABLE:
        (notice,) = [n for n in loaded.notices if f"{tmp_path / name}/summary.json" in n]
        assert notice.startswith("Not readable: ") and "\n" not in notice and len(notice) < 400, notice
    assert len(loaded.notices) == len(UNREADABLE) + 1  # and the folder that is named summary.json
    ranked = {board.student: sum(m.rank is not None for m in board.methods) for board in boards}
    assert ranked["sound-one"] == ranked["sound-two"] == ranked["deep"] == 1  # base has none
    # Whatever its completions are like, there is a line that says why a method is not compared.
    assert all(count == 1 or board.notes for board, count in zip(boards, ranked.values(), strict=True))


def test_every_student_has_a_board_and_models_one_of_their_own(results: Path) -> None:
    loaded = selection.load_results(results)
    assert [b.student for b in selection.rankings(loaded, Filters("lab"))] == ["lab-llama", "lab-qwen"]
    (models,) = selection.rankings(loaded, Filters("paper"))
    assert models.student == "models" and [s.name for s in models.methods] == ["SmolLM2"]


def test_filters_leave_rows_out_but_kinds_do_not_change_ranks(results: Path) -> None:
    loaded = selection.load_results(results)
    (board,) = selection.rankings(loaded, Filters("lab", students=("lab-llama",), tasks=("lab_math",)))
    assert board.tasks == ["lab_math"]
    assert selection.rankings(loaded, Filters("lab", seeds=(7,))) == []
    every, some = (selection.rankings(loaded, Filters("lab", kinds=kinds)) for kinds in ((), ("rl",)))
    assert every is some


def test_the_values_of_the_filters(results: Path) -> None:
    loaded = selection.load_results(results)
    assert [suite.name for suite in loaded.suites] == ["lab", "paper"]
    assert selection.values(loaded, "lab", "student") == ["lab-llama", "lab-qwen"]
    assert selection.values(loaded, "paper", "task") == ["svamp"]
    assert selection.values(loaded, "lab", "seed") == ["0"]


def test_runs_of_different_sizes_are_not_pooled(tmp_path: Path, make_row: MakeRow) -> None:
    """The board shows the items that most methods have, and names the rest."""
    put(tmp_path / "quick", [make_row(method, n_items=80) for method in ("base", "sft", "grpo")])
    put(tmp_path / "claim", [make_row(method, n_items=500) for method in ("raw", "bridged")])
    results = selection.load_results(tmp_path)
    assert {row.n_items for row in rows_of(results)} == {80}
    assert any(notice.startswith("Another setting: 2 rows") for notice in results.notices)


@pytest.mark.parametrize("profile", ["mine.yaml", "'my profiles/lab.yaml'"])
def test_runs_of_two_profiles_are_not_pooled_though_equal_in_size(
    tmp_path: Path, make_row: MakeRow, profile: str
) -> None:
    command = "slmr bench --method sft --profile {} --student lab-llama --seeds {},"
    usual = [make_row(m, seed=0, command=command.format("lab", 0)) for m in ("base", "sft")]
    put(tmp_path / "lab", usual)
    put(tmp_path / "mine", [make_row("sft", seed=1, command=command.format(profile, 1))])
    results = selection.load_results(tmp_path)
    assert {row.profile for row in rows_of(results)} == {"lab"}
    assert any(notice.startswith("Another setting: 1 rows") for notice in results.notices)


def test_an_evaluated_model_stays_beside_its_methods_in_another_setting(tmp_path: Path, make_row: MakeRow) -> None:
    put(tmp_path / "bench", [make_row(name, n_items=500) for name in ("base", "sft", "grpo")])
    put(tmp_path / "eval", [make_row("eval", n_items=60, method_kind="model")])
    loaded = selection.load_results(tmp_path)
    assert [row.method for row in rows_of(loaded)] == ["base", "sft", "grpo", "eval"] and not loaded.notices


def test_a_larger_run_of_some_methods_takes_none_from_the_board(tmp_path: Path, make_row: MakeRow) -> None:
    """A row of the items that most methods have stays, whatever else measured the same method and seed."""
    put(tmp_path / "quick", [make_row(method, n_items=80) for method in ("base", "sft", "grpo")], age=9)
    put(tmp_path / "lab", [make_row(method, n_items=500) for method in ("base", "grpo")])
    shown = rows_of(selection.load_results(tmp_path))
    assert {(row.method, row.n_items) for row in shown} == {("base", 80), ("sft", 80), ("grpo", 80)}
