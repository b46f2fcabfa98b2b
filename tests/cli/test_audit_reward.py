"""`slmr audit-reward`: tables, a file, refusals."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.commands import Command


def test_a_naive_reward(here: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def f(completion, gold):\n    return float(gold in completion)\n")
    words = ("audit-reward", "mine.py:f", "--kind", "choice", "--per-family", "4", "--out", "cases.jsonl")
    done = here(*words)
    assert done.returncode == 0 and "called as pair" in done.stdout and "paid: choice" in done.stdout
    cases = [json.loads(line) for line in (tmp_path / "cases.jsonl").read_text().splitlines()]
    assert {case["accepted"] for case in cases if not case["accept"]} == {True, False}
    listed = {row["name"]: row for row in json.loads(here(*words, "--json").stdout)}
    assert listed["choice/wrong"]["wrong"] == sum(c["accepted"] for c in cases if not c["accept"])
    assert listed["threads"]["differing"] == 0 and listed["ms"]["longest"] > 0


def test_a_wrong_request_is_one_line(here: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import nothing_of_that_name\n")
    for words, said in (
        (("mine.py:f",), "ModuleNotFoundError"),
        (("mine.py",), "FILE.py:FUNCTION"),
        (("mine.py:f", "--kind", "number"), "unknown kind 'number'; did you mean 'numeric'"),
    ):
        done = here("audit-reward", *words)
        assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr and done.stdout == ""
