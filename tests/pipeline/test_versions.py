"""Versions outside of what was tested, and what an extra lacks."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from slmr.pipeline import versions
from slmr.pipeline.versions import TESTED, declared, lacking, untested, untested_line

ROOT = Path(__file__).parents[2]


def installed(monkeypatch: pytest.MonkeyPatch, **here: str) -> None:
    monkeypatch.setattr(versions, "installed_version", here.get)


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("1.9.0", False),
        ("1.12.3", False),
        ("1.16.0", False),
        ("1.16.9", False),
        ("1.16.0+local", False),
        ("1.8.2", True),
        ("1.17.0", True),
        ("2.0.0", True),
        ("2.0.0.dev0", True),
    ],
)
def test_what_is_outside_of_the_tested_versions_is_told(
    version: str, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TESTED, "trl", ("1.9.0", "1.16.0"))
    installed(monkeypatch, trl=version)
    assert untested("trl") == ("tested with 1.9.0 to 1.16.0" if told else None)
    assert (untested_line() is not None) == told
    if told:
        assert f"trl {version} (tested with" in str(untested_line())


def test_nothing_is_told_of_what_is_not_installed_or_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, rich="99.0")
    assert untested_line() is None and untested("rich") is None


def test_the_lower_ends_are_the_bounds_of_the_package() -> None:
    """Else somebody may install what no job has run."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [line for extra in ("eval", "train") for line in project["optional-dependencies"][extra]]
    bounds = dict(found.groups() for line in lines if (found := re.match(r"([\w-]+)[^;]*?>=([\d.]+)", line)))
    assert set(TESTED) <= set(bounds)
    # Both jobs have one version of torch.
    wrong = [name for name in TESTED if name != "torch" and not TESTED[name][0].startswith(bounds[name])]
    assert wrong == []


def test_an_extra_lacks_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lacking("train") == []
    needed = {name for name, extra in declared() if extra == "train"}
    installed(monkeypatch, **dict.fromkeys(needed - {"trl", "torch"}, "1"))
    assert lacking("train") == ["torch", "trl"] and "trl" not in lacking("eval")
