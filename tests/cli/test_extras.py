"""A command whose extra is not installed says the one line that installs it."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.cli.app import main
from slmr.cli.extras import missing_extra
from slmr.pipeline.versions import normal

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def lacking(module: str) -> str:
    return str(missing_extra(ModuleNotFoundError(f"No module named '{module}'", name=module)))


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("torch", "eval"),
        ("lm_eval.evaluator", "eval"),
        ("trl", "train"),
        ("streamlit.web", "board"),
        ("ray", "ray"),
    ],
)
def test_the_smallest_extra_is_named(module: str, extra: str) -> None:
    assert lacking(module) == f"this command needs {module.split('.')[0]}: pip install 'slmr[{extra}]'"


@pytest.mark.parametrize(("command", "extra"), [("bench", "train"), ("leaderboard", "board"), ("report", "eval")])
def test_a_command_names_all_that_it_needs_and_not_what_it_imports_first(command: str, extra: str) -> None:
    fault = missing_extra(ModuleNotFoundError(name="numpy"), command)
    assert str(fault) == f"this command needs numpy: pip install 'slmr[{extra}]'"


def test_what_every_installation_has_needs_no_extra() -> None:
    assert lacking("yaml") == "yaml, which slmr needs, is not installed: pip install slmr"


@given(st.from_regex(r"[a-z]{3,8}_of_nobody", fullmatch=True))
def test_what_nobody_declares_is_no_missing_extra(module: str) -> None:
    assert missing_extra(ModuleNotFoundError(name=module)) is None


def test_a_command_without_its_extra_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(SystemExit) as ended:
        main(["rescore", str(ROOT / "results" / "smol")])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "slmr: this command needs pyarrow: pip install 'slmr[eval]'\n"


def test_every_import_of_another_project_is_declared() -> None:
    declared = {
        normal(line.split("[")[0].split(">")[0].split("=")[0])
        for lines in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
        for line in lines
    }
    imported: dict[str, Path] = {}
    for file in [*(ROOT / "slmr").rglob("*.py"), *(ROOT / "leaderboard").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported[node.module.partition(".")[0]] = file
            elif isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0]: file for alias in node.names}
    others = {name: file for name, file in imported.items() if name not in sys.stdlib_module_names}
    missing = {name: str(file) for name, file in others.items() if normal(name) not in declared}
    assert {name for name in missing if not name.startswith("slmr")} == set(), missing
