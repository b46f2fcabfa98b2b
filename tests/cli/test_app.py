"""The command line as a whole: help, version, names, options, and how a command ends."""

from __future__ import annotations

import importlib
import inspect
import re
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from slmr import signals
from slmr.cli import app
from slmr.cli.app import COMMANDS, command_line
from tests.cli.commands import Command, refused, slmr


def test_unknown_names_suggest_the_nearest(tmp_path: Path) -> None:
    assert "did you mean 'sft_grpo'?" in refused("bench", "--method", "sft_grp", cwd=tmp_path)
    assert "did you mean 'lab_gsm8k'?" in refused("tasks", "show", "lab_gsm8", cwd=tmp_path)
    assert "did you mean 'lab'?" in refused("bench", "--profile", "lap", cwd=tmp_path)
    assert "did you mean 'lab-llama'?" in refused("lab", "path", "lab-lama", cwd=tmp_path)
    assert "did you mean 'lab_math'?" in refused("eval", "lab-llama", "--tasks", "lab_mat", cwd=tmp_path)
    assert not (tmp_path / "runs").exists()


def test_wrong_options_and_values(tmp_path: Path) -> None:
    assert "no such option: --metod" in refused("bench", "--metod", "all", cwd=tmp_path)
    assert "--seeds 'x'" in refused("bench", "--seeds", "x", cwd=tmp_path)
    assert "--limit" in refused("bench", "--limit", "0", cwd=tmp_path)
    split = refused("lab", "sample", "lab_gsm8k", "--split", "foo", cwd=tmp_path)
    assert "invalid value for '--split': 'foo' is not one of" in split
    assert "unknown executor 'slurm'" in refused("bench", "--executor", "slurm", cwd=tmp_path)
    assert "neither a lab model" in refused("eval", "no-such-model", cwd=tmp_path)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("words", [("--help",), ("methods", "list"), ("tasks", "list", "--json")])
def test_a_full_standard_output_is_one_line(words: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "slmr.cli", *words], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert done.stderr == "slmr: standard output cannot be written: No space left on device\n"


def test_a_closed_standard_output_is_no_fault() -> None:
    line = f"{sys.executable} -m slmr.cli tasks list >&-"
    done = subprocess.run(["sh", "-c", line], stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_without_a_sign_shows_its_escape(tmp_path: Path) -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    refusal = slmr("bench", "--seeds", "²", cwd=tmp_path, **ascii_only)
    assert (
        refusal.returncode == 2
        and refusal.stderr.splitlines()[-1].startswith("slmr: --seeds '\\")
        and refusal.stderr.isascii()
    )
    shown = slmr("methods", "list", cwd=tmp_path, **ascii_only)
    assert shown.returncode == 0 and shown.stdout.isascii()


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import contextlib, io, sys; from slmr.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):\n"
        "    main(['--help'])\n"
        "assert 'bench' in said.getvalue() and 'lab' in said.getvalue()\n"
        "print([m for m in ('torch', 'transformers', 'lm_eval', 'numpy', 'pydantic', 'rich.console')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def commands_of(words: list[str]) -> list[tuple[str, Any]]:
    """A command and, of a group, its commands, by what a user types."""
    command = command_line(words).commands[words[0]]
    return [
        (words[0], command),
        *((f"{words[0]} {n}", c) for n, c in getattr(command, "commands", {}).items()),
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_ends_with_examples_that_would_be_understood(name: str) -> None:
    for words, command in commands_of([name]):
        head, *lines = inspect.cleandoc(command.epilog).removeprefix("\b\n").splitlines()
        assert head == "Examples:" and lines, words
        for line in lines:
            assert line.startswith(f"  slmr {words}"), line
            arguments = shlex.split(line)[1:]
            known = {option for p in dict(commands_of([name]))[_longest(arguments, name)].params for option in p.opts}
            assert {word for word in arguments if word.startswith("-")} <= known, line
        assert command.help and len(command.help.split("\n\n")[0]) < 110, f"{words}: a long first sentence"


def _longest(arguments: list[str], name: str) -> str:
    names = dict(commands_of([name]))
    return " ".join(arguments[:2]) if " ".join(arguments[:2]) in names else name


def test_a_modules_command_has_its_name() -> None:
    for name in COMMANDS:
        identifier = name.replace("-", "_")
        module = importlib.import_module(f"slmr.cli.{identifier}")
        assert hasattr(module, "app") or callable(getattr(module, f"{identifier}_command")), name


def test_the_whole_help_names_each_command_in_one_line(here: Command) -> None:
    shown = here("--help").stdout
    lines = [line.split(maxsplit=1) for line in shown.splitlines() if line.startswith("  ")]
    listed = {line[0]: line[1] for line in lines if line[0] in COMMANDS}
    assert listed == COMMANDS and list(listed) == list(COMMANDS)
    assert shown.rstrip().splitlines()[-1].strip() == "slmr bench --help"


def test_the_version(here: Command) -> None:
    assert here("--version").stdout == f"slmr {version('slmr')}\n"


def test_no_command_is_the_help_and_an_unknown_one_suggests(here: Command) -> None:
    assert "Commands:" in here().stdout + here().stderr
    said = here("bnech")
    assert said.returncode == 2 and "did you mean 'bench'?" in said.stderr


@pytest.mark.parametrize("stop", [signals.Stopped, KeyboardInterrupt])
def test_a_stop_is_one_line(monkeypatch: pytest.MonkeyPatch, here: Command, stop: type[BaseException]) -> None:
    def command_line(words: list[str]):
        def run(**_: object) -> None:
            raise stop

        return run

    monkeypatch.setattr(app, "command_line", command_line)
    said = here("bench")
    assert (said.returncode, said.stderr) == (1, "slmr: stopped; the same command goes on from here\n")
    said = here("audit-reward")  # which keeps nothing
    assert (said.returncode, said.stderr) == (1, "slmr: stopped\n")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("bench all", "slmr: bench takes its methods by an option: slmr bench --method all"),
        ("bench sft grpo", "slmr: bench takes its methods by an option: slmr bench --method sft,grpo"),
        ("bench --limit two", "slmr: invalid value for '--limit': it should be a whole number; `slmr bench"),
        ("bench --limit 2", "slmr: invalid value for '--limit': it should be at least 8; `slmr bench"),
        ("eval", "slmr: missing argument 'MODEL'; `slmr eval --help` has examples"),
        ("eval a b", "slmr: too many arguments: b; `slmr eval --help` has examples"),
        (
            "compare runs",
            "slmr: name a run and two of its methods, as in `slmr compare RUN sft grpo`, or two runs",
        ),
    ],
)
def test_what_a_newcomer_gets_wrong_is_one_line(words: str, line: str, here: Command) -> None:
    done = here(*words.split())
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.strip().splitlines()[-1].startswith(line)
    assert len(done.stderr.strip().splitlines()) <= 2  # the other says that it is loading


@pytest.mark.parametrize("name", COMMANDS)
def test_options_have_readable_types(name: str) -> None:
    group = command_line([name])
    commands = [group.commands[name], *getattr(group.commands[name], "commands", {}).values()]
    for command in commands:
        with command.make_context(name, [], resilient_parsing=True) as context:
            shown = command.get_help(context)
        assert not re.search(r"^ +-[-\w ,]+ <", shown, re.M), shown
