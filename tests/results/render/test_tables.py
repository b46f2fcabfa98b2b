"""Tables of text: what stands in which cell."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from slmr.results.analysis.capability import Capability, GroupGain
from slmr.results.analysis.compare import OverallDifference, compare
from slmr.results.analysis.ranking import rank_methods
from slmr.results.render.tables import (
    as_markdown,
    changes_table,
    comparison_table,
    comparison_tables,
    differences_table,
    difficulty_table,
    eval_table,
    eval_tables,
    pass_table,
    ranking_tables,
    texts,
)
from slmr.results.render.text_tables import text_table
from slmr.results.runs.method_results import MethodResult, RunRow, run_results
from slmr.results.runs.schema import read_summary, write_summary
from slmr.stats import Difference, Estimate
from slmr.stats.formats import percent
from tests.made_results import put_samples, summary_row, verdicts
from tests.results.made_runs import a_run, made_run


def test_names_stand_to_the_left_and_numbers_to_the_right() -> None:
    table = text_table("Title", ["method", "mean"], [["sft", "1.0"], ["grpo", "2.0"]])
    assert as_markdown(table) == "Title:\n\n| method | mean |\n|---|---:|\n| sft | 1.0 |\n| grpo | 2.0 |"
    assert texts(table) == [("method", "mean"), ("sft", "1.0"), ("grpo", "2.0")]


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_a_ranking_says_where_it_has_one_seed_and_what_its_signs_mean(tmp_path: Path, seeds: tuple[int, ...]) -> None:
    ranking = rank_methods(run_results(made_run(tmp_path, {"base": 0.3, "grpo": 0.5, "sft": 0.4}, seeds)))
    means, by_task = ranking_tables(ranking, "lab-llama")
    caption, cells = str(means.caption), " ".join(" ".join(row) for row in texts(means))
    assert caption.startswith("One training run") == (len(seeds) == 1)
    assert all((sign in caption) == (sign in cells) for sign in "*◆") and "◆" in cells
    assert by_task.caption is None
    heads = texts(means)[0]
    assert ("sd" in heads) == (len(seeds) > 1) and {"rank", "method", "mean", "gain", "tokens"} <= set(heads)
    assert texts(by_task)[0] == ("method", "lab_gsm8k", "lab_mawps")


def test_changes_are_starred_where_the_interval_excludes_0(tmp_path: Path) -> None:
    ranking = rank_methods(run_results(made_run(tmp_path, {"base": 0.3, "grpo": 0.9}, seeds=[0])))
    changes = {
        "lab_gsm8k": Difference(0.0512, 0.02, 0.01, 0.09, p=0.01),
        "lab_mawps": Difference(-0.02, 0.02, -0.06, 0.02, p=0.3),
    }
    loss = {task: Difference(-0.08, 0.02, -0.12, -0.04, p=0.01) for task in changes}
    rows = [replace(ranking.ranked[0], changes=by_task) for by_task in (changes, loss)]
    assert texts(changes_table(replace(ranking, methods=rows))) == [
        ("method", "lab_gsm8k", "lab_mawps"),
        ("grpo", "+5.1*", "-2.0"),
        ("grpo", "-8.0*", "-8.0*"),
    ]


def test_capabilities_have_their_intervals() -> None:
    after, passed = (
        Estimate(0.5, 0.1, 0.3, 0.75),
        {1: Estimate(0.5, 0.1, 0.4, 0.6), 2: Estimate(1, 0, 0.9, 1)},
    )
    capabilities = [Capability(name, [GroupGain("hard", 7, 0.25, after)], passed) for name in ("base", "grpo")]
    assert texts(difficulty_table(capabilities)) == [
        ("method", "hard (7 items)"),
        ("base", "25.0"),
        ("grpo", "50.0 (30.0 to 75.0)"),
    ]
    assert texts(pass_table(capabilities))[2] == ("grpo", "50.0 (40.0 to 60.0)", "100.0 (90.0 to 100.0)")


def test_differences_to_a_reference() -> None:
    d = OverallDifference("grpo", 3, Difference(0.05, 0.02, 0.0108, 0.0892, 0.01), 0.02)
    table = differences_table([d], "minus sft", "Difference to sft (lab-llama)")
    assert texts(table) == [
        ("method", "seeds", "minus sft", "p (Holm)", "detectable"),
        ("grpo", "3", "+5.0 (+1.1 to +8.9)", "0.020", "5.6"),
    ]  # (z of 0.975 + z of 0.8) x 0.02: 2.80 x 0.02
    assert str(table.title).startswith("Difference to sft (lab-llama), mean over tasks")


def test_a_comparison_by_task_and_their_mean(tmp_path: Path) -> None:
    a = a_run(tmp_path / "a", {"lab_gsm8k": [True] * 32 + [False] * 8, "lab_svamp": [True] * 10})
    b = a_run(tmp_path / "b", {"lab_gsm8k": [True] * 12 + [False] * 28, "lab_svamp": [True] * 10})
    table = comparison_table(compare(str(a), str(b)))
    head, gsm8k, svamp, mean = texts(table)
    assert gsm8k[:4] == ("lab_gsm8k", "40", "80.0", "30.0") and gsm8k[-2:] == ("20", "0")
    assert svamp[4].startswith("+0.0 (") and mean[:4] == ("mean", "", "90.0", "65.0") and mean[4].startswith("+25.0 (")
    assert head[2:5] == ("A", "B", "A - B") and str(a) in str(table.caption)
    named = comparison_table(compare(str(a), str(b), ("one", "two")))
    assert texts(named)[0][-2:] == ("only one", "only two") and named.caption is None


def evaluated(folder: Path, *rows: tuple[str, str]) -> MethodResult:
    kept = [
        put_samples(folder, summary_row("eval", task, edition=edition, student="m"), verdicts("eval", task, 0.5))
        for task, edition in rows
    ]
    several = {"pass_at": {"1": (0.4, 0.3, 0.5), "2": (0.6, 0.5, 0.7)}, "maj_at_k": (0.45, 0.4, 0.5)}
    return MethodResult.of(RunRow(row.model_copy(update=several), folder) for row in kept)


def test_an_evaluation_has_a_mean_within_one_edition_only(tmp_path: Path) -> None:
    head, first, _, mean = texts(eval_table(evaluated(tmp_path, ("lab_gsm8k", "lab"), ("lab_math", "lab"))))
    line = dict(zip(head, first, strict=True))
    assert (line["items"], line["pass@2"], line["maj@2"]) == (
        "120 x 2",
        "60.0 (50.0 to 70.0)",
        "45.0 (40.0 to 50.0)",
    )
    assert (line["cut off"], line["no answer"], line["tokens"]) == ("1.0", "2.0", "30.0")
    assert mean[0] == "mean" and mean[3] and mean[5] == ""
    both = texts(eval_table(evaluated(tmp_path / "b", ("lab_gsm8k", "lab"), ("svamp", "paper"))))
    assert [row[0] for row in both] == ["task", "lab_gsm8k", "svamp"]


@pytest.mark.parametrize("width", [60, 80, 100, 114, 115, 140, 200])
def test_no_width_cuts_a_method_or_a_mean(tmp_path: Path, width: int) -> None:
    """Every method with its mean, and every task of each, stands whole in some table."""
    rates = {"base": 0.3, "bread_model_teacher": 0.6, "sft": 0.4}
    ranking = rank_methods(run_results(made_run(tmp_path, rates)))
    terminal = Console(width=width, file=StringIO(), record=True)
    tables = ranking_tables(ranking, "lab-llama", width)
    for table in tables:
        terminal.print(table)
    printed = terminal.export_text()
    assert "…" not in printed
    for method in ranking.methods if width >= 80 else []:
        e = method.accuracy
        assert e is not None
        line = next(line for line in printed.splitlines() if f" {method.name} " in line)
        assert percent(e.mean, e.low, e.high) in line
        for task in ranking.tasks:
            by_task = method.by_task[task]
            shown = percent(by_task.mean, by_task.low, by_task.high)
            assert any(f" {method.name} " in line and shown in line for line in printed.splitlines())
    heads = texts(tables[0])[0]
    assert ("rank" in heads) == (width >= 115 and max(map(len, printed.splitlines())) <= width and len(heads) > 6)
    assert [row[0] for row in texts(tables[0])][1:] == [m.name for m in ranking.methods] or "rank" in heads


WIDTHS = pytest.mark.parametrize("width", [60, 80, 100, 140])


def printed_at(width: int, tables: list[Table]) -> str:
    """What a terminal shows, of which no line may be wider, no word break, and no cell go on in a second line."""
    terminal = Console(width=width, file=StringIO(), record=True)
    for table in tables:
        terminal.print(table)
    shown = terminal.export_text()
    lines = shown.splitlines()
    assert max(map(len, lines)) <= width and "…" not in shown
    assert sum(line.startswith("│") for line in lines) == sum(table.row_count for table in tables)
    for table in tables:
        assert all(word in shown for row in texts(table) for cell in row for word in cell.split())
    return shown


@WIDTHS
def test_no_width_breaks_a_word_of_an_evaluation(tmp_path: Path, width: int) -> None:
    tasks = ("lab_gsm8k", "lab_math", "lab_logiqa")
    rows = [
        put_samples(tmp_path, summary_row("eval", task, student="m"), verdicts("eval", task, 0.5, 1)) for task in tasks
    ]
    result = MethodResult.of(RunRow(row, tmp_path) for row in rows)
    tables = eval_tables(result, {}, width)
    shown = printed_at(width, tables)
    assert shown.count("accuracy in percent") == 1
    kept = ["task", "items", "accuracy", "format loss", "cut off", "no answer"]
    heads = {head for table in tables for head in texts(table)[0]}
    assert heads >= set(kept) and (len(tables) == 1) == (width >= 80)
    assert heads - set(kept) == {60: set(), 80: {"lenient"}}.get(width, {"edition", "lenient", "tokens"})


@WIDTHS
@pytest.mark.parametrize("names", [("grpo", "base"), ("bread_model_teacher", "stagewise_model_teacher")])
def test_no_width_breaks_a_word_of_a_comparison(tmp_path: Path, width: int, names: tuple[str, str]) -> None:
    right = {"lab_gsm8k": [True] * 32 + [False] * 8, "lab_svamp": [True] * 10}
    a = a_run(tmp_path / "a", right)
    b = a_run(tmp_path / "b", {"lab_gsm8k": [True] * 12 + [False] * 28, "lab_svamp": [True] * 10})
    tables = comparison_tables(compare(str(a), str(b), names), width)
    printed_at(width, tables)
    one, two = names
    heads = [head for table in tables for head in texts(table)[0]]
    assert set(heads) >= {"task", "items", f"{one} - {two}", f"only {one}", f"only {two}"}
    if width == 80 and one == "grpo":
        assert heads == ["task", "items", "grpo - base", "p (Holm)", "only grpo", "only base"]
    assert width > 80 or "detectable" not in heads


def test_a_base_that_lacks_a_task_has_an_empty_cell(tmp_path: Path) -> None:
    run = made_run(tmp_path, {"base": 0.3, "grpo": 0.9})
    summary = read_summary(run / "summary.json")
    lacking = [r for r in summary.rows if not (r.method == "base" and r.task.endswith("mawps"))]
    write_summary(run / "summary.json", lacking)
    rows = {row[0]: row[1:] for row in texts(changes_table(rank_methods(run_results(run))))}
    assert rows["base, %"][1] == "" and rows["base, %"][0] != ""
