"""`slmr publish`: runs into results/, by their own names or one that is given."""

from __future__ import annotations

from pathlib import Path

from slmr.results.runs.schema import read_summary
from tests.cli.commands import Command


def test_a_run_is_copied_under_a_name(tmp_path: Path, made: Path, here: Command) -> None:
    done = here("publish", str(made / "eval"), "--results", "published", "--name", "mine", "--texts", "1")
    assert done.returncode == 0 and done.stdout.strip() == "published/mine"
    copied, run = (
        read_summary(folder / "summary.json").rows for folder in (tmp_path / "published/mine", made / "eval")
    )
    assert [row.identity for row in copied] == [row.identity for row in run]


def test_one_name_is_for_one_run(made: Path, here: Command) -> None:
    done = here("publish", str(made / "lab-0"), str(made / "eval"), "--name", "x")
    assert done.returncode == 2 and "--name is for one run" in done.stderr


def test_what_is_no_run_is_said_and_leaves_nothing(tmp_path: Path, here: Command) -> None:
    done = here("publish", "nothing", "--results", "published")
    assert done.returncode == 2 and "no run at nothing (`slmr bench` and" in done.stderr
    assert not list((tmp_path / "published").glob("*"))
