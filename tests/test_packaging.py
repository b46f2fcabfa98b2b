"""A wheel built from the checkout holds all that the commands need, and works where there is no checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
INFO = f"slmr-{VERSION}.dist-info"
LAB_TASKS = {"lab_gsm8k", "lab_mawps", "lab_svamp", "lab_math", "lab_logiqa"}


def run(*command: str, cwd: Path, **env: str) -> str:
    """What the command prints; its error output is shown if it fails."""
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def shipped(folder: str) -> list[str]:
    """Every file of a folder of the checkout that has to be in the wheel."""
    files = [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    kept = [path for path in files if "__pycache__" not in path.parts]
    return [path.relative_to(ROOT).as_posix() for path in kept]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation")
    run(*build, "--outdir", str(out), str(ROOT), cwd=out)
    (built,) = out.glob("slmr-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel unpacked into a folder of its own, by pip."""
    target = tmp_path_factory.mktemp("site")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index")
    run(*pip, "--target", str(target), str(wheel), cwd=target)
    return target


def python(installed: Path, cwd: Path, *arguments: str) -> str:
    """A Python that imports slmr from the installed wheel and not from the checkout."""
    return run(sys.executable, *arguments, cwd=cwd, PYTHONPATH=str(installed))


@pytest.mark.parametrize("folder", ["tasks", "baselines"])
def test_the_folders_beside_the_package_are_in_the_wheel(wheel: Path, folder: str) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {f"slmr/_bundle/{name}" for name in shipped(folder)}
    assert wanted and wanted <= names, sorted(wanted - names)


def test_the_whole_package_is_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert set(shipped("slmr")) <= names, sorted(set(shipped("slmr")) - names)
    assert {"slmr/profiles/lab.yaml", "slmr/curriculum/stagewise.yaml"} <= names
    pages = {name.removeprefix("leaderboard/") for name in shipped("leaderboard")}
    assert "slmr_leaderboard/app.py" in pages and pages <= names, sorted(pages - names)


@pytest.mark.skipif(not (ROOT / "slmr/lab/students").is_dir(), reason="no student is trained yet")
def test_the_lab_students_are_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for student in ("lab-llama", "lab-qwen"):
        for file in ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"):
            assert f"slmr/lab/students/{student}/{file}" in names


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    assert {name.split("/")[0] for name in archive.namelist()} == {"slmr", "slmr_leaderboard", INFO}
    assert not [n for n in archive.namelist() if n.endswith((".pyc", ".pkl", ".pt", ".bin"))]
    assert "slmr = slmr.cli:main" in archive.read(f"{INFO}/entry_points.txt").decode()
    metadata = archive.read(f"{INFO}/METADATA").decode()
    assert "Requires-Python: >=3.11" in metadata and "License-Expression: Apache-2.0" in metadata


def test_an_index_would_take_the_wheel(wheel: Path) -> None:
    run(sys.executable, "-m", "twine", "check", "--strict", str(wheel), cwd=wheel.parent)


def test_the_citation_names_the_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == VERSION and citation["license"] == "Apache-2.0"


def test_an_installed_wheel_finds_its_own_files(installed: Path, tmp_path: Path) -> None:
    script = "from slmr.io import resource; print(*map(resource, ['tasks', 'baselines']))"
    folders = [Path(path) for path in python(installed, tmp_path, "-c", script).split()]
    assert folders == [installed / "slmr/_bundle" / name for name in ("tasks", "baselines")]
    assert all(folder.is_dir() for folder in folders)


@pytest.mark.parametrize(("group", "wanted"), [("tasks", LAB_TASKS), ("methods", {"base", "sft", "grpo"})])
def test_an_installed_wheel_lists_what_it_ships(installed: Path, tmp_path: Path, group: str, wanted: set[str]) -> None:
    listed = json.loads(python(installed, tmp_path, "-m", "slmr.cli", group, "list", "--json"))
    assert wanted <= {row["name"] for row in listed}
    assert not list(tmp_path.iterdir())


def test_an_installed_wheel_validates_a_task(installed: Path, tmp_path: Path) -> None:
    python(installed, tmp_path, "-m", "slmr.cli", "tasks", "validate", "lab_mawps")
