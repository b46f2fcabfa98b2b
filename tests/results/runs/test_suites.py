"""What a board is of: suites that are shipped, listed beside the results, or declared by a task."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from slmr.cli.bench import comparison_tables
from slmr.errors import RequestError
from slmr.results.analysis.compare import compare
from slmr.results.analysis.ranking import run_rankings
from slmr.results.analysis.selection import Filters, Results, load_results, rankings
from slmr.results.export.downloads import as_csv
from slmr.results.render.report import read_section
from slmr.results.render.tables import texts
from slmr.results.runs.schema import SummaryRow, read_summary, write_summary
from slmr.results.runs.suites import Suite, listed_suites, suites_of
from tests.results.made_runs import a_run

OWN = {"edition": "own", "checker_version": "numeric-1"}


def model(folder: Path, name: str, tasks: dict[str, int], **changes: object) -> Path:
    """A run of one model with so many of 20 items right on each task; own tasks are those of no shipped suite."""
    run, rows = folder / name, list[SummaryRow]()
    for task, right in tasks.items():
        own = {} if task.startswith("lab_") else OWN
        a_run(run, {task: [i < right for i in range(20)]}, student=name, **own, **changes)
        rows += read_summary(run / "summary.json").rows
    write_summary(run / "summary.json", rows)
    return run


LAB = {"lab_gsm8k": 14, "lab_math": 9}


@pytest.fixture
def boards(tmp_path: Path) -> Path:
    """Two models on two lab tasks, one of them on an own task, too; a third one on that alone."""
    model(tmp_path, "one", LAB)
    model(tmp_path, "more", {"lab_gsm8k": 8, "lab_math": 5, "nuts": 3})
    model(tmp_path, "nutty", {"nuts": 18})
    return tmp_path


def test_a_further_task_takes_neither_mean_nor_rank(boards: Path) -> None:
    (board,) = rankings(load_results(boards), Filters("lab"))
    assert (board.tasks, board.other_tasks) == (["lab_gsm8k", "lab_math"], ["nuts"])
    assert [(m.name, m.rank is not None, m.accuracy and m.accuracy.mean) for m in board.methods] == [
        ("one", True, pytest.approx(23 / 40)),
        ("more", True, pytest.approx(13 / 40)),
    ]
    assert not board.notes and board.title == "mean accuracy over 2 of the 5 tasks of lab"
    one, more = board.methods
    assert "nuts" not in one.by_task and more.by_task["nuts"].mean == pytest.approx(3 / 20)
    # What is said of the mean is not changed by it either.
    (line,) = [r for r in csv.DictReader(io.StringIO(as_csv([board]))) if r["nuts"]]
    assert (line["items"], line["suite"], line["edition"]) == ("40", "lab", "lab")


def test_an_own_task_has_the_same_interval_everywhere(boards: Path) -> None:
    """Whether a model lacks tasks or has others beside it makes no difference to what it scored on one."""
    run, results = boards / "more", load_results(boards)
    on_board = [ranking for s in results.suites for ranking in rankings(results, Filters(s.name))]
    of_boards = {m.by_task["nuts"] for r in on_board for m in r.methods if m.name == "more"}
    of_run = {m.by_task["nuts"] for _, r in run_rankings(run) for m in r.methods}
    assert len(of_boards) == 1 and of_boards == of_run
    (interval,) = of_boards
    text = f"15.0 ({100 * interval.low:.1f} to {100 * interval.high:.1f})"
    for shown in (
        read_section(run, None).markdown(),
        *map(_as_text, comparison_tables(run_rankings(run), False)),
    ):
        assert text in shown


def _as_text(titled: tuple[str, list]) -> str:
    return "\n".join(" | ".join(row) for table in titled[1][1:] for row in texts(table))


def test_a_task_of_no_suite_is_one_of_itself(boards: Path) -> None:
    results = load_results(boards)
    assert [suite.name for suite in results.suites] == ["lab", "nuts"]
    (board,) = rankings(results, Filters("nuts"))
    assert [m.name for m in board.methods] == ["nutty", "more"] and board.other_tasks == []
    assert [title for title, _ in run_rankings(boards / "more")] == ["more, lab edition", "more, suite nuts"]


def test_a_listed_suite_is_a_board_and_what_lacks_a_task_has_no_rank(boards: Path) -> None:
    model(boards, "both", {"nuts": 9, "bolts": 12, "screws": 20})
    (boards / "suites.yaml").write_text("shop: [bolts, nuts]\n")
    results = load_results(boards)
    assert [suite.name for suite in results.suites] == ["lab", "shop", "screws"]
    (board,) = rankings(results, Filters("shop"))
    assert (board.tasks, board.other_tasks) == (["bolts", "nuts"], ["screws"])
    ranks = {m.name: (m.rank is not None, m.accuracy is not None) for m in board.methods}
    assert ranks == {"both": (True, True), "nutty": (False, False), "more": (False, False)}
    assert "nutty: no result of bolts, so no mean and no rank" in board.notes
    ((title, of_run), *_) = run_rankings(boards / "both")
    assert title == "both, suite shop" and of_run.methods[0].accuracy == board.methods[0].accuracy


def test_a_suite_that_tasks_declare_is_a_board(tmp_path: Path) -> None:
    model(tmp_path, "m", {"nuts": 9, "bolts": 12}, suite="shop")
    assert load_results(tmp_path).suites == (Suite("shop", ("nuts", "bolts")),)
    ((_, ranking),) = run_rankings(tmp_path / "m")
    assert ranking.methods[0].accuracy is not None and ranking.methods[0].accuracy.mean == 21 / 40


def test_a_comparison_has_the_mean_of_the_suite(boards: Path) -> None:
    model(boards, "two", {"lab_gsm8k": 10, "lab_math": 6})
    model(boards, "two-more", {"lab_gsm8k": 10, "lab_math": 6, "nuts": 20})
    short = compare(str(boards / "more"), str(boards / "two"))
    long = compare(str(boards / "more"), str(boards / "two-more"))
    assert short.mean == long.mean and [t.task for t in long.tasks] == ["lab_gsm8k", "lab_math", "nuts"]
    assert [t.p for t in short.tasks] == [t.p for t in long.tasks[:2]]
    assert (short.mean_name, long.mean_name) == ("mean", "mean, lab")
    board = next(r for r in rankings(load_results(boards), Filters("lab")) if r.student == "models")
    assert board.differences["more"]["two-more"] == long.mean


def test_lab_and_paper_are_never_on_one_board(tmp_path: Path) -> None:
    rows = [*read_summary(model(tmp_path, "m", LAB) / "summary.json").rows]
    paper = a_run(tmp_path / "m", {"svamp": [True] * 20}, student="m", edition="paper")
    write_summary(paper / "summary.json", [*rows, *read_summary(paper / "summary.json").rows])
    results = load_results(tmp_path)
    boards: list[list[str]] = [
        [*r.tasks, *r.other_tasks] for s in results.suites for r in rankings(results, Filters(s.name))
    ]
    assert boards == [["lab_gsm8k", "lab_math"], ["svamp"]]


@pytest.mark.parametrize(
    "text, message",
    [
        ("lab: [nuts]", "the suite lab is shipped"),
        ("a: []", "lists at least one task"),
        ("a: [nuts, nuts]", "each once"),
        ("a: nuts", "a"),
        ("a: [1]", "a"),
        ("[a]", "a mapping"),
        ("a: [lab_math, svamp]", "never ranked together"),
        ("{", "not YAML"),
    ],
)
def test_what_is_no_suite_is_said(boards: Path, text: str, message: str) -> None:
    (boards / "suites.yaml").write_text(text)
    with pytest.raises(RequestError, match=message) as caught:
        listed_suites(boards / "one")
    assert "suites.yaml" in str(caught.value) and "\n" not in str(caught.value)
    shown: Results = load_results(boards)
    assert len(shown.notices) == 1 and len(shown.rows) == 6


def test_rows_from_before_suites_are_of_their_tasks(boards: Path) -> None:
    row = read_summary(boards / "one" / "summary.json").rows[0]
    before = SummaryRow.model_validate({**row.model_dump(), "suite": ""})
    assert before.suite == "lab" and suites_of([before], {}) == [suites_of([row], {})[0]]
