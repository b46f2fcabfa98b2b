"""`slmr eval`: a table or rows, the samples kept, and what is no model."""

from __future__ import annotations

import json
from pathlib import Path

from slmr.lab import model_path
from tests.cli.commands import Command, refused, slmr


def test_eval_prints_rates_and_keeps_samples(tmp_path: Path) -> None:
    done = slmr("eval", "lab-llama", "--tasks", "lab_mawps", "--limit", "8", "--k", "2", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["name"], row["n_items"], row["k"], row["edition"]) == ("lab_mawps", 8, 2, "lab")
    assert list(tmp_path.glob("runs/eval-lab-llama-*/samples/eval/lab-llama/seed-0/lab_mawps.parquet"))


def test_a_name_that_no_result_can_have_and_a_seed_that_no_generator_takes_are_refused_before_any_work(
    tmp_path: Path,
) -> None:
    words = ("eval", "lab-llama", "--tasks", "lab_mawps", "--limit", "2")
    for name in ("x" * 201, "a\nb", "\x1b[31m", " ", ""):
        assert "--name LABEL gives another" in refused(*words, "--name", name, cwd=tmp_path), name
    assert "at most 4294967295" in refused(*words, "--seed", str(2**32), cwd=tmp_path)
    assert "device meta" in refused(*words, "--device", "meta", cwd=tmp_path)
    assert not list(tmp_path.iterdir())


def test_truncation_without_effect_and_values_out_of_range_are_refused_before_any_work(tmp_path: Path) -> None:
    words = ("eval", "lab-llama", "--tasks", "lab_mawps", "--limit", "2")
    told = refused(*words, "--top-p", "0.95", "--top-k", "20", cwd=tmp_path)
    assert "top_p, top_k: without effect at temperature 0 (the default" in told
    words = (*words, "--temperature", "0.6")
    for option, value in (("--top-p", "1.5"), ("--top-k", "-1"), ("--min-p", "-0.1")):
        assert option in refused(*words, option, value, cwd=tmp_path)
    assert "top_p = 0.0: it should be greater than 0" in refused(*words, "--top-p", "0", cwd=tmp_path)
    assert "stop.0" in refused(*words, "--stop", "", cwd=tmp_path)
    assert not list(tmp_path.iterdir())


def test_two_files_of_one_name_are_not_evaluated_as_one(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "quiz.csv").write_text("question,answer\n1 + 1?,2\n")
    told = refused("eval", "lab-llama", "--tasks", "a/quiz.csv,b/quiz.csv", cwd=tmp_path)
    assert "a/quiz.csv and b/quiz.csv would both be the task 'quiz'" in told


def test_unreadable_model_folders(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no config.json" in refused("eval", "empty", cwd=tmp_path)
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in model_path("lab-llama").iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    (broken / "model.safetensors").write_bytes(b"not weights")
    assert "broken" in refused("eval", "broken", "--tasks", "lab_mawps", "--limit", "2", cwd=tmp_path)
    config = json.loads((broken / "config.json").read_text())
    (broken / "model.safetensors").write_bytes((model_path("lab-llama") / "model.safetensors").read_bytes())
    (broken / "config.json").write_text(json.dumps(config | {"vocab_size": 10}))
    told = refused("eval", "broken", "--tasks", "lab_mawps", "--limit", "2", cwd=tmp_path)
    assert "cannot load the model in broken: its weights have other shapes than config.json says" in told
    for change in ({"model_type": "zzz"}, {"hidden_size": "big"}):
        (broken / "config.json").write_text(json.dumps(config | change))
        told = refused("eval", "broken", "--tasks", "lab_mawps", "--limit", "2", cwd=tmp_path)
        assert "broken/config.json describes no model that transformers can read: " in told


def test_a_table_with_speed_and_place(here: Command) -> None:
    done = here("eval", "lab-llama", "--tasks", "lab_mawps", "--limit", "4")
    assert done.returncode == 0 and "lab_mawps" in done.stdout
    assert "Speed       " in done.stdout and "Run         runs/eval-lab-llama-" in done.stdout
    assert "Leaderboard slmr leaderboard --results runs\n" in done.stdout and "Asked as" not in done.stdout
    command = next(line for line in done.stdout.splitlines() if line.startswith("Look at it  slmr show runs/"))
    shown = here(*command.split()[4:])
    assert shown.returncode == 0 and shown.stdout.startswith("evaluate-")


def test_a_lab_student_solves_a_file_of_easy_questions_and_the_wording_is_shown(tmp_path: Path, here: Command) -> None:
    asked = "Anna has {} apples. Anna buys {} more apples. How many apples does Anna have now?"
    rows = [f"{asked.format(a, b)},{a + b}" for a in (4, 8) for b in (3, 5, 6)]
    (tmp_path / "quiz.csv").write_text("\n".join(["question,answer", *rows]))
    done = here("eval", "lab-llama", "--tasks", "quiz.csv")
    assert done.returncode == 0, done.stderr
    assert r'Asked as    "{{problem}}\nEnd with #### and the number.\nSolution:\n"' in done.stdout
    assert "edit runs/tasks/quiz/task.yaml and evaluate with --tasks quiz --tasks-path runs/tasks" in done.stdout
    (summary,) = tmp_path.glob("runs/eval-*/summary.json")
    (row,) = json.loads(summary.read_text())["rows"]
    assert row["accuracy"] > 0.25


def test_a_place_that_takes_no_run_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "quiz.csv").write_text("question,answer\n2 + 2,4\n")
    (tmp_path / "file").write_text("")
    line = refused("eval", "lab-llama", "--tasks", "quiz.csv", "--out", "file/x", cwd=tmp_path, code=1)
    assert "file/x/tasks/quiz" in line and "part of the path is a file" in line
