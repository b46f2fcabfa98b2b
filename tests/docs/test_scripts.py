"""Scripts of benchmarks/, studies/ and tools/ import what exists, and the commands in their first lines are valid."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from studies.consolidation import every_steps
from tests.docs.docpages import ROOT, Block, check_foreign, check_slmr, command_lines

FOLDERS = (ROOT / "benchmarks", ROOT / "studies", ROOT / "tools")
SCRIPTS = [file for folder in FOLDERS for file in sorted(folder.glob("*.py"))]
by_name = pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.relative_to(ROOT).as_posix())
_SETTING = re.compile(r"[A-Z_]+=\S*")


def imports(text: str) -> Iterator[tuple[str, str]]:
    """Module and name of each `from ... import ...` of slmr's, also of code that a script starts as text."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in (
            "slmr",
            "slmr_leaderboard",
        ):
            yield from ((str(node.module), alias.name) for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "\nfrom slmr" in node.value:
            yield from imports(node.value)


@by_name
def test_what_a_script_imports_exists(script: Path) -> None:
    for module, name in imports(script.read_text(encoding="utf-8")):
        found = importlib.import_module(module)
        # A module of a package is there before anybody has imported it.
        there = hasattr(found, name) or (hasattr(found, "__path__") and find_spec(f"{module}.{name}"))
        assert there, f"{script.name}: {module} has no {name}"


@by_name
def test_the_commands_in_a_script_s_first_lines_are_understood(script: Path) -> None:
    docstring = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    commands = "\n".join(re.findall(r"^    (?:    )?(\S.*)$", docstring, re.MULTILINE))
    for words in command_lines(Block("bash", None, None, commands, 0)):
        while _SETTING.fullmatch(words[0]):
            words = words[1:]
        check_slmr(words[1:]) if words[0] == "slmr" else check_foreign(words)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_folder_s_page_names_every_script(folder: Path) -> None:
    page = (folder / "README.md").read_text(encoding="utf-8")
    missing = [
        file.stem for file in folder.glob("*.py") if f"`{file.stem}`" not in page and f"`{file.name}`" not in page
    ]
    assert not missing


def test_the_consolidation_study_adds_a_point_every_so_many_steps() -> None:
    points: list[int] = []
    callback = every_steps(5, points.append)
    for step in range(1, 13):
        # transformers passes the trainer's settings, which once hid the study's own.
        callback.on_step_end(SimpleNamespace(), SimpleNamespace(global_step=step), None)
    assert points == [5, 10]
