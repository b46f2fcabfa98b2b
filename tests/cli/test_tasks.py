"""`slmr tasks`: listed, shown, validated, compared."""

from __future__ import annotations

import json
from pathlib import Path

from slmr.results.analysis.selection import Filters, load_results, rankings
from tests.cli.commands import Command, slmr
from tests.tasks.own import own_task


def test_tasks_are_listed(here: Command) -> None:
    rows = json.loads(here("tasks", "list", "--json").stdout)
    assert {"name": "lab_math", "edition": "lab", "kind": "math"}.items() <= {r["name"]: r for r in rows}[
        "lab_math"
    ].items()
    head, *lines = here("tasks", "list").stdout.splitlines()
    assert head.split() == ["name", "edition", "kind", "version", "title"] and len(lines) == len(rows)


def test_a_task_is_shown_with_an_example(here: Command) -> None:
    (row,) = json.loads(here("tasks", "show", "lab_gsm8k", "--json").stdout)
    assert row["data"] == "generated: lab_gsm8k version 2, seed 0" and row["gold"].isdigit()
    shown = here("tasks", "show", "lab_gsm8k").stdout
    assert row["prompt"].splitlines()[0] in shown and "max_tokens" in shown


def test_every_gold_passes_its_own_checker(tmp_path: Path) -> None:
    done = slmr("tasks", "validate", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" of ") == 5


def test_a_gold_that_fails_is_said(tmp_path: Path, here: Command) -> None:
    own_task(tmp_path / "own")
    (tmp_path / "own/mine/data.py").write_text(
        "from datasets import Dataset\n\n\ndef load(**_):\n"
        "    rows = [{'problem': p, 'gold': g} for p, g in (('p', 'two'), ('q', '15 nuts'), ('r', '3'))]\n"
        "    return {'test': Dataset.from_list(rows)}\n"
    )
    done = here("tasks", "validate", "mine", "--tasks-path", "own")
    assert done.returncode == 1 and "mine: 1 of 3 golds pass" in done.stdout
    assert "mine/0: gold 'two': " in done.stdout and "a numeric gold is one number" in done.stdout
    assert "mine/1: gold '15 nuts': " in done.stdout and "write 15" in done.stdout
    assert "2 golds fail" in done.stderr


def test_overlap_shows_pairs(here: Command) -> None:
    command = ("tasks", "overlap", "lab_gsm8k", "--train", "lab_gsm8k", "--size", "50", "--show", "1")
    (row,) = json.loads(here(*command, "--json").stdout)
    assert (row["n_train"], row["n_test"], len(row["pairs"])) == (50, 600, 1)
    text = here(*command).stdout
    assert row["pairs"][0]["training_problem"][:40] in text and "of its runs" in text


def test_own_questions_are_a_task_evaluated_published_and_on_the_board(tmp_path: Path) -> None:
    rows = ["question,answer", *(f"Anna has {i} apples and buys 2 more. How many?,{i + 2}" for i in range(4))]
    (tmp_path / "my.csv").write_text("\n".join(rows))
    made = slmr("tasks", "new", "my.csv", "--problem", "question", "--gold", "answer", "--name", "sums", cwd=tmp_path)
    assert made.returncode == 0 and "4 questions, checked as numeric" in made.stdout, made.stderr
    assert slmr("tasks", "validate", "sums", "--tasks-path", "mytasks", cwd=tmp_path).returncode == 0
    done = slmr("eval", "lab-llama", "--name", "<b>mine", "--tasks", "my.csv,lab_mawps", "--limit", "4", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "runs").glob("eval-*")
    published = slmr("publish", str(run), cwd=tmp_path)
    assert published.returncode == 0, published.stderr
    assert str(tmp_path) not in (tmp_path / "results" / run.name / "summary.json").read_text()
    results = load_results(tmp_path / "results")
    assert [suite.name for suite in results.suites] == ["lab", "my"]
    (board,) = rankings(results, Filters("lab"))
    assert board.methods[0].name == "<b>mine" and (board.tasks, board.other_tasks) == (["lab_mawps"], ["my"])
    report = slmr("report", f"results/{run.name}", "--out", "out", cwd=tmp_path)
    assert report.returncode == 0 and "suite my" in (tmp_path / "out/report.md").read_text()
