"""`slmr eval`: a table or rows, the samples kept, and what is no model."""

from __future__ import annotations

import json
from pathlib import Path

from slmr.lab import model_path
from tests.cli.commands import Command, refused, slmr


def test_eval_prints_rates_and_keeps_samples(tmp_path: Path) -> None:
    done = slmr(
        "eval", "lab-llama", "--tasks", "lab_mawps", "--limit", "8", "--k", "2", "--json", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["name"], row["n_items"], row["k"], row["edition"]) == ("lab_mawps", 8, 2, "lab")
    assert list(tmp_path.glob("runs/eval-lab-llama-*/samples/eval/lab-llama/seed-0/lab_mawps.parquet"))


def test_unreadable_model_folders(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no config.json" in refused("eval", "empty", cwd=tmp_path)
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in model_path("lab-llama").iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    (broken / "model.safetensors").write_bytes(b"not weights")
    assert "broken" in refused("eval", "broken", "--tasks", "lab_mawps", "--limit", "2", cwd=tmp_path)


def test_a_table_with_speed_and_place(here: Command) -> None:
    done = here("eval", "lab-llama", "--tasks", "lab_mawps", "--limit", "4")
    assert done.returncode == 0 and "lab_mawps" in done.stdout
    assert "Speed       " in done.stdout and "Run         runs/eval-lab-llama-" in done.stdout
    assert "Leaderboard slmr leaderboard --results runs\n" in done.stdout and "Asked as" not in done.stdout
    command = next(
        line for line in done.stdout.splitlines() if line.startswith("Look at it  slmr show runs/")
    )
    shown = here(*command.split()[4:])
    assert shown.returncode == 0 and shown.stdout.startswith("evaluate-")


def test_a_lab_student_solves_a_file_of_easy_questions_and_the_wording_is_shown(
    tmp_path: Path, here: Command
) -> None:
    asked = "Anna has {} apples. Anna buys {} more apples. How many apples does Anna have now?"
    rows = [f"{asked.format(a, b)},{a + b}" for a in (4, 8) for b in (3, 5, 6)]
    (tmp_path / "quiz.csv").write_text("\n".join(["question,answer", *rows]))
    done = here("eval", "lab-llama", "--tasks", "quiz.csv")
    assert done.returncode == 0, done.stderr
    assert r'Asked as    "{{problem}}\nEnd with #### and the number.\nSolution:\n"' in done.stdout
    assert (
        "edit runs/tasks/quiz/task.yaml and evaluate with --tasks quiz --tasks-path runs/tasks" in done.stdout
    )
    (summary,) = tmp_path.glob("runs/eval-*/summary.json")
    (row,) = json.loads(summary.read_text())["rows"]
    assert row["accuracy"] > 0.25


def test_a_place_that_takes_no_run_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "quiz.csv").write_text("question,answer\n2 + 2,4\n")
    (tmp_path / "file").write_text("")
    line = refused("eval", "lab-llama", "--tasks", "quiz.csv", "--out", "file/x", cwd=tmp_path, code=1)
    assert "file/x/tasks/quiz" in line and "part of the path is a file" in line
