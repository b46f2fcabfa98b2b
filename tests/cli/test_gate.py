"""`slmr gate`: its exit code, its files, its refusals."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

from tests.cli.commands import Command


def test_the_exit_code_says_whether_a_loss_is_shown(made: Path, here: Command, tmp_path: Path) -> None:
    worse, better = f"{made}/lab-0:base:lab-llama", f"{made}/lab-0:stagewise:lab-llama"
    done = here("gate", worse, "--against", better, "--junit", "ci/gate.xml", "--summary", "gate.md")
    assert done.returncode == 1 and "FAIL: regression" in done.stdout and done.stderr.count("\n") <= 1
    assert ET.parse(tmp_path / "ci/gate.xml").getroot().get("failures") == "3"
    assert (tmp_path / "gate.md").read_text().startswith("## slmr gate: failed")
    assert here("gate", better, "--against", worse).returncode == 0


def test_a_policy_tolerates(made: Path, here: Command, tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_text("checks: [{suite: lab, max_loss: 0.9}]\n")
    runs = (f"{made}/lab-0:base:lab-llama", "--against", f"{made}/lab-0:stagewise:lab-llama")
    done = here("gate", *runs, "--policy", "gate.yaml", "--json")
    (row,) = json.loads(done.stdout)
    assert (done.returncode, row["verdict"], row["fails"], row["name"]) == (0, "held", False, "suite lab")


def test_a_wrong_request_is_one_line(made: Path, here: Command) -> None:
    for words in (("--policy", "none.yaml"), ()):
        done = here("gate", f"{made}/lab-0:bas", "--against", f"{made}/lab-0:grpo", *words)
        assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1


def test_a_folder_is_neither_a_run_nor_a_file(made: Path, here: Command) -> None:
    run, base = f"{made}/lab-0:stagewise:lab-llama", f"{made}/lab-0:base:lab-llama"
    done = here("gate", str(made), "--against", base)
    assert done.returncode == 2 and f"a folder of runs, not a run; name one: {made}/eval, {made}/lab-0" in done.stderr
    done = here("gate", run, "--against", base, "--junit", ".")
    assert done.returncode == 1 and "there is a folder where a file belongs" in done.stderr
    assert len(done.stderr.splitlines()) == 1 and done.stdout == ""
