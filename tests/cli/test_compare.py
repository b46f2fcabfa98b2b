"""`slmr compare`: a table with its conclusion, or rows."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.cli.commands import Command, slmr


def test_two_methods_of_a_run(made: Path, here: Command) -> None:
    sides = (f"{made}/lab-0:base:lab-llama", f"{made}/lab-0:stagewise:lab-llama")
    rows = json.loads(here("compare", *sides, "--json").stdout)
    assert [row["name"] for row in rows] == ["lab_gsm8k", "lab_math", "mean"]
    assert rows[-1]["p"] < 0.05 and rows[-1]["difference"]["mean" if "mean" in rows[-1]["difference"] else "value"]
    done = here("compare", *sides)
    assert done.returncode == 0 and "lab_math" in done.stdout


def test_in_a_terminal_table_and_sentence_stay_within_it(made: Path, tmp_path: Path) -> None:
    sides = (f"{made}/lab-0:grpo:lab-llama", f"{made}/lab-0:base:lab-llama")
    wide = slmr("compare", *sides, cwd=tmp_path).stdout.splitlines()
    shown = slmr("compare", *sides, cwd=tmp_path, FORCE_COLOR="1", COLUMNS="80").stdout
    lines = re.sub("\x1b\\[[0-9;]*m", "", shown).splitlines()
    assert max(map(len, lines)) <= 80 and wide[-1].startswith("grpo ")
    assert " ".join(line.strip() for line in lines).endswith(wide[-1])


def test_an_unknown_method_suggests_the_nearest(made: Path, here: Command) -> None:
    done = here("compare", f"{made}/lab-0:bas", f"{made}/lab-0:grpo")
    assert done.returncode == 2 and "base" in done.stderr and "Traceback" not in done.stderr


def test_a_run_and_two_of_its_methods(made: Path, here: Command) -> None:
    run = f"{made}/lab-0"
    short = here("compare", run, "stagewise:lab-llama", "grpo:lab-llama")
    long = here("compare", f"{run}:stagewise:lab-llama", f"{run}:grpo:lab-llama", "--json")
    assert short.returncode == 0 and "stagewise:lab-llama is better by" in short.stdout, short.stderr
    assert here("compare", run, "stagewise:lab-llama", "grpo:lab-llama", "--json").stdout == long.stdout
    assert "is no folder of a run" in here("compare", "nothing", "sft", "grpo").stderr


def test_a_method_is_not_compared_with_itself(made: Path, here: Command) -> None:
    done = here("compare", f"{made}/lab-0", "grpo", "grpo")
    assert done.returncode == 2 and "grpo is named twice" in done.stderr
