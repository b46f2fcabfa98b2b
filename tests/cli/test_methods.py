"""`slmr methods`: listed, and one with its stages and their parameters."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.cli.commands import Command


def test_methods_are_listed_with_those_of_ones_own(tmp_path: Path, here: Command) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "mine.yaml").write_text("extends: sft\nname: mine\nsummary: my own\n")
    rows = json.loads(here("methods", "list", "--methods-path", "more", "--json").stdout)
    assert {"base", "sft", "grpo", "stagewise", "mine"} <= {row["name"] for row in rows}
    assert "my own" in here("methods", "list", "--methods-path", "more").stdout


def test_a_method_is_shown_with_its_rounds(here: Command) -> None:
    (shown,) = json.loads(here("methods", "show", "stagewise", "--json").stdout)
    labels = [stage["name"] for stage in shown["stages"]]
    assert "bridge (round 1)" in labels and "critique (round 1)" in labels and "grpo (round 2)" in labels
    assert "critique (round 2)" not in labels  # nothing would use it
    text = here("methods", "show", "sft").stdout
    assert text.startswith("sft (sft): ") and "learning_rate: " in text
    assert text.splitlines()[0].endswith(". Parameters under profile lab-quick:")
    assert text == here("methods", "show", "sft", "--profile", "lab-quick").stdout


def test_the_profile_sets_the_parameters(here: Command) -> None:
    def steps(profile: str) -> int:
        (shown,) = json.loads(here("methods", "show", "grpo", "--profile", profile, "--json").stdout)
        return next(s for s in shown["stages"] if s["stage"] == "grpo")["parameters"]["steps"]

    assert steps("lab-quick") < steps("lab")


def test_methods_are_shown_without_what_trains_them(tmp_path: Path) -> None:
    """In a light install numpy, torch and the like are missing; here they cannot be imported."""
    heavy = "numpy torch transformers trl datasets accelerate lm_eval pyarrow scipy psutil huggingface_hub openai"
    script = (
        f"import sys; sys.modules.update(dict.fromkeys({heavy.split()!r}))\n"
        "from slmr.cli.app import main; main(sys.argv[1:])"
    )
    for words, shown in (
        (["list"], "stagewise"),
        (["show", "stagewise"], "bridge"),
        (["show", "gkd"], "on_policy"),
    ):
        command = [sys.executable, "-c", script, "methods", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0 and shown in done.stdout, done.stderr
