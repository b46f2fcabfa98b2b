"""How a result is named, and what it says of its seeds and tasks."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.errors import RequestError
from slmr.io import read_rows, write_rows
from slmr.results.analysis.compare import compare
from slmr.results.runs.method_results import find_result
from slmr.results.runs.schema import SummaryRow, read_summary, write_summary
from tests.results.made_runs import a_run, row, seeded


def test_a_method_of_a_bench_is_named_after_a_colon(tmp_path: Path) -> None:
    run = a_run(tmp_path / "a", {"lab_gsm8k": [True] * 6 + [False] * 4})
    rows = read_summary(run / "summary.json").rows
    sft = row("lab_gsm8k", 10, method="sft", method_kind="sft")
    sft.samples_file(run).parent.mkdir(parents=True)
    write_rows(sft.samples_file(run), read_rows(rows[0].samples_file(run)))
    write_summary(run / "summary.json", [*rows, sft])
    assert compare(f"{run}:eval", f"{run}:sft").tasks[0].difference.mean == 0
    with pytest.raises(RequestError, match="holds several methods: name one"):
        compare(str(run), f"{run}:sft")
    with pytest.raises(RequestError, match="did you mean 'sft'"):
        compare(f"{run}:sf", f"{run}:sft")


def test_a_student_is_named_after_another_colon(tmp_path: Path) -> None:
    run = tmp_path / "run"
    rows: list[SummaryRow] = []
    for student, right in (("lab-llama", 6), ("lab-qwen", 8)):
        changes = {"method": "sft", "method_kind": "sft", "student": student}
        a_run(run, {"lab_gsm8k": [True] * right + [False] * (10 - right)}, **changes)
        rows += read_summary(run / "summary.json").rows
    write_summary(run / "summary.json", rows)
    (task,) = compare(f"{run}:sft:lab-qwen", f"{run}:sft:lab-llama").tasks
    assert task.difference.mean == pytest.approx(0.2)
    with pytest.raises(RequestError, match=r"several students: name one, as in .*:sft:lab-qwen"):
        compare(f"{run}:sft", f"{run}:sft:lab-llama")
    with pytest.raises(RequestError, match="did you mean 'lab-qwen'"):
        compare(f"{run}:sft:lab-qwem", f"{run}:sft:lab-llama")


def test_a_run_without_rows_is_refused(tmp_path: Path) -> None:
    write_summary(tmp_path / "summary.json", [])
    with pytest.raises(RequestError, match="holds no results"):
        find_result(str(tmp_path))


def test_costs_are_means_over_seeds_and_rates_over_rows(tmp_path: Path) -> None:
    result = seeded(tmp_path, {0: 10, 1: 20})
    dear = [r._replace(row=r.row.model_copy(update={"wall_s": 5.0 + r.row.seed})) for r in result.run_rows]
    assert type(result).of(dear).cost("wall_s") == 5.5
    assert result.rate("accuracy") == pytest.approx(30 / 80)


def test_seeds_that_lack_a_task_are_left_out(tmp_path: Path) -> None:
    result = seeded(tmp_path, {0: 10, 1: 20})
    assert result.complete(["lab_gsm8k"]) is result
    assert result.complete(["lab_gsm8k", "lab_math"]) is None
    assert result.of_seeds([1]).seeds == [1] and result.of_tasks(["lab_math"]).run_rows == ()
