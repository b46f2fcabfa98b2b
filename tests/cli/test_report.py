"""`slmr report`: a folder with a report, and a page."""

from __future__ import annotations

from pathlib import Path

from tests.cli.commands import Command


def test_a_report_is_written_where_it_was_asked_for(tmp_path: Path, made: Path, here: Command) -> None:
    done = here("report", str(made / "lab-0"), "--out", "report", "--html")
    assert done.returncode == 0, done.stderr
    assert "stagewise" in (tmp_path / "report/report.md").read_text()
    assert (tmp_path / "report/report.html").read_text().startswith("<!")


def test_what_is_no_run_and_what_cannot_be_written_are_said(tmp_path: Path, made: Path, here: Command) -> None:
    assert here("report", "nothing", "--out", "report").returncode == 2
    one_of_two = here("report", str(made / "lab-0"), "nothing", "--out", "report")
    assert one_of_two.returncode == 2 and "nothing" in one_of_two.stderr
    (tmp_path / "file").touch()
    done = here("report", str(made / "lab-0"), "--out", "file/report")
    assert done.returncode == 1 and "part of the path is a file" in done.stderr
