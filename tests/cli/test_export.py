"""`slmr export`: files, and refusals."""

from __future__ import annotations

from pathlib import Path

from tests.cli.commands import Command


def test_a_run_is_written_for_lm_eval(made: Path, here: Command, tmp_path: Path) -> None:
    done = here("export", f"{made}/lab-0", "--to", "lm-eval", "--out", "out")
    files = done.stdout.split()
    assert done.returncode == 0 and len(files) == 6 and all((tmp_path / file).is_file() for file in files)


def test_a_wrong_request_is_one_line(made: Path, here: Command, tmp_path: Path) -> None:
    for run, to, said in (
        (f"{made}/lab-0", "lm-evl", "did you mean 'lm-eval'"),
        ("none", "lm-eval", "no run at"),
    ):
        done = here("export", run, "--to", to, "--out", "out")
        assert (
            done.returncode == 2
            and said in done.stderr
            and done.stdout == ""
            and not (tmp_path / "out").exists()
        )
