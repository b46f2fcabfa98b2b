"""`slmr export`: files, and refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.results.runs.schema import Summary
from tests.cli.commands import Command


def test_a_run_is_written_for_lm_eval(made: Path, here: Command, tmp_path: Path) -> None:
    done = here("export", f"{made}/lab-0", "--to", "lm-eval", "--out", "out")
    files = done.stdout.split()
    assert done.returncode == 0 and len(files) == 6 and all((tmp_path / file).is_file() for file in files)


def test_a_file_in_the_folders_place_is_one_line(made: Path, here: Command, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    for to in ("lm-eval", "hub", "inspect"):
        done = here("export", f"{made}/lab-0", "--to", to, "--out", "out")
        assert done.returncode == 1 and done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith("slmr: out") and "file" in line and "folder" in line, to
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize("words", [("export", "--to", "lm-eval", "--out", "out"), ("rescore",), ("verify-run",)])
def test_a_run_without_results_is_no_success(words: tuple[str, ...], tmp_path: Path, here: Command) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "summary.json").write_text(Summary(rows=[]).model_dump_json())
    done = here(words[0], "run", *words[1:])
    assert done.returncode == 2 and done.stderr.endswith("run/summary.json has no rows: nothing was evaluated\n")


def test_a_wrong_request_is_one_line(made: Path, here: Command, tmp_path: Path) -> None:
    for run, to, said in (
        (f"{made}/lab-0", "lm-evl", "did you mean 'lm-eval'"),
        ("none", "lm-eval", "no run at"),
    ):
        done = here("export", run, "--to", to, "--out", "out")
        assert done.returncode == 2 and said in done.stderr and done.stdout == "" and not (tmp_path / "out").exists()
