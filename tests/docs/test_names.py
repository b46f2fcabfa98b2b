"""Every file and every module that the documentation names exists."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import pytest

from tests.docs.docpages import PAGES, ROOT

PAGES_OF_THE_CHECKOUT = [
    *PAGES,
    *(
        ROOT / name
        for name in (
            "benchmarks/README.md",
            "benchmarks/RESULTS.md",
            "studies/README.md",
            "leaderboard/slmr_leaderboard/sample/README.md",
            "studies/RESULTS.md",
            "tools/README.md",
        )
    ),
    *sorted((ROOT / "results").rglob("NOTE.md")),
]
EARLIER = ROOT / "docs/earlier-runs.md"
ENTRY_POINTS = {"slmr.tasks", "slmr.methods", "slmr.stages"}
_FOLDERS = "slmr|leaderboard|baselines|benchmarks|studies|tools|examples|results|tests|docs"
_PATH = re.compile(rf"(?<![\w/.-])(?:{_FOLDERS})/[\w./-]*[\w/]")
_DOTTED = re.compile(r"(?<![\w./-])slmr(?:_leaderboard)?(?:\.[A-Za-z_]\w*)+")
_MOVED = re.compile(r"^\| (slmr[^|]*) \| ([^|]*) \|$", re.MULTILINE)
by_page = pytest.mark.parametrize("page", PAGES_OF_THE_CHECKOUT, ids=lambda page: page.relative_to(ROOT).as_posix())


def paths(text: str) -> set[str]:
    """The files and folders of a checkout that a text names, without those that a reader's own command writes."""
    text = re.sub(r"(?:--out|--to|--name) \S+", "", text)
    return {path.rstrip(".") for path in _PATH.findall(text) if not re.search(r"NAME|\bDIR\b", path)}


def dotted_names(text: str) -> set[str]:
    """The modules of slmr and what is in them that a text names."""
    return set(_DOTTED.findall(text)) - ENTRY_POINTS


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or something within one."""
    try:
        pkgutil.resolve_name(name)
    except (ModuleNotFoundError, AttributeError):
        return False
    return True


def present(page: Path) -> str:
    """A page's text; of the table of what has moved, the side that is now."""
    text = page.read_text(encoding="utf-8")
    if page != EARLIER:
        return text
    return re.sub(r"`No module named [^`]*`", "", _MOVED.sub(r"\2", text))


@by_page
def test_the_files_that_a_page_names_exist(page: Path) -> None:
    missing = {path for path in paths(present(page)) if not (ROOT / path).exists()}
    assert not missing


@by_page
def test_the_modules_that_a_page_names_exist(page: Path) -> None:
    missing = {name for name in dotted_names(present(page)) if not exists(name)}
    assert not missing


def test_what_is_said_to_have_moved_has_moved() -> None:
    """The old name of each row is no module any more, but for those that keep a part of what they had."""
    rows = _MOVED.findall(EARLIER.read_text(encoding="utf-8"))
    old = {name for before, _ in rows for name in re.findall(r"slmr\.[\w.]*\w", before)}
    assert len(old) > 50
    kept = {"slmr.stage", "slmr.sources", "slmr.profiles", "slmr.verify.numeric", "slmr.verify.choice"}
    kept |= {"slmr.config.parse", "slmr.config.StrictModel"}  # which it imports
    assert {name for name in old if exists(name)} == kept


def test_a_wrong_name_would_be_noticed() -> None:
    assert not exists("slmr.store") and not exists("slmr.stage.nothing")
    assert exists("slmr.engines.vllm_policy") and exists("slmr.stage.StageContext.model")
    assert paths("see slmr/train/lean.py, and `results/lab`.") == {"slmr/train/lean.py", "results/lab"}
    assert dotted_names("`slmr.verify.verify`, and slmr.org/x") == {"slmr.verify.verify", "slmr.org"}
