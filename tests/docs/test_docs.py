"""Every code block of the documentation does what it says; none is left out.

A page's blocks are taken in their order, in a folder of the page's own:

python   runs, all of a page in one namespace; what `print(...)  # this` prints is compared
bash     every line is parsed; those of slmr run in this process, small (`small` below), or, where a line would
         take minutes or never end, are parsed only
a title  the block is the file of that name, written for what follows, and read by what it is for
yaml, toml, json   read by what they are for: a task, a recipe, a profile, verl's or lm-eval's settings
text     output; it holds no command

`<!-- parsed: why -->` above a block that cannot run here: its commands are understood by slmr's command line, its
imports exist and take the arguments given. Commands within the text are checked for their options, too.
"""

from __future__ import annotations

import contextlib
import glob
import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slmr import stage
from slmr.pipeline.recipe import installed_methods, stages
from slmr.tasks.registry import installed_tasks
from tests.docs.docpages import (
    PAGES,
    ROOT,
    Block,
    blocks,
    check_foreign,
    check_options,
    check_output,
    check_python,
    check_settings,
    check_slmr,
    command_lines,
    expected_lines,
    inline_commands,
    string_literals,
)
from tests.in_process import slmr
from tests.tasks.test_datasets import FILES

# These end when they are told to, or take minutes.
ONLY_PARSED = {"leaderboard", "pretrain", "gates", "serve-reward"}
SLOW = ("docs/howto/engineer.md", "docs/howto/model.md", "docs/howto/stage.md")
SETTINGS = ("yaml", "toml", "json", "jsonl")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a page is followed, with what its reader has: a model, data, questions, runs. All is undone afterwards."""
    for name, text in FILES.items():
        (tmp_path / "my/data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "my/data" / name).write_text(text)
    (tmp_path / "quiz.csv").write_text("question,answer\n3 + 4?,7\n")
    (tmp_path / "my/model").symlink_to(ROOT / "slmr/lab/students/lab-llama")
    for name in ("runs/lab-0123abcd", "results/lab-quick"):
        shutil.copytree(ROOT / "leaderboard/slmr_leaderboard/sample/lab", tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("SLMR_DATA", str(tmp_path / "my/data"))
    monkeypatch.setenv("COLUMNS", "160")
    stages()  # imports the modules whose stages would otherwise be registered in the copy below, and lost with it
    monkeypatch.setattr(stage, "_STAGES", dict(stage._STAGES))
    stages.cache_clear()
    yield tmp_path
    stages.cache_clear()
    installed_methods.cache_clear()
    installed_tasks.cache_clear()


def _page(page: Path) -> Any:
    """A page as a parameter, by its path; those that train for longer are marked."""
    path = page.relative_to(ROOT).as_posix()
    return pytest.param(page, id=path, marks=[pytest.mark.slow] if path in SLOW else [])


@pytest.mark.parametrize("page", map(_page, PAGES))
def test_a_page(page: Path, place: Path) -> None:
    for words in inline_commands(page):
        check_options(words)
    names: dict[str, Any] = {}
    for block in blocks(page):
        file = _written(block, place) if block.title else None
        if block.language in SETTINGS:
            check_settings(block, file)
            _install_entry_points(block, place)
        elif block.language == "bash":
            _commands(block)
        elif block.language == "python" and file:
            compile(block.text, str(file), "exec")
        elif block.language == "python":
            _code(block, page, names)
        else:
            assert block.language == "text", f"line {block.line}: no check for '{block.language}'"
            check_output(block)


def _written(block: Block, place: Path) -> Path:
    file = place / str(block.title)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(block.text)
    return file


def _install_entry_points(block: Block, place: Path) -> None:
    """What pip would leave of a package with entry points, beside the package's code."""
    groups = re.findall(r'^\[project\.entry-points\."([\w.]+)"\]\n((?:\w+ = .*\n)+)', block.text, re.MULTILINE)
    if groups:
        info = place / "page-0.1.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: page\nVersion: 0.1\n")
        lines = [f"[{group}]\n{points}".replace('"', "") for group, points in groups]
        (info / "entry_points.txt").write_text("\n".join(lines))
        installed_methods.cache_clear()
        installed_tasks.cache_clear()


def _code(block: Block, page: Path, names: dict[str, Any]) -> None:
    if block.why:
        check_python(block)
        return
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile("\n" * block.line + block.text, str(page), "exec"), names)
    expected = list(expected_lines(block.text))
    assert not expected or printed.getvalue().splitlines() == expected


def _commands(block: Block) -> None:
    for words in command_lines(block):
        while re.fullmatch(r"[A-Z_]+=\S*", words[0]):
            words = words[1:]
        if words[0] != "slmr":
            check_foreign(words)
            continue
        check_slmr(words[1:])
        if not block.why and not ONLY_PARSED & set(words):
            output = io.StringIO()
            with contextlib.redirect_stderr(output):
                code = slmr(*small(expanded(words[1:])))
            assert code in (0, None), f"line {block.line}: {' '.join(words)}: {output.getvalue()}"


def expanded(words: list[str]) -> list[str]:
    """With the folders that a pattern stands for, as a shell hands them over."""
    return [found for word in words for found in (sorted(glob.glob(word)) if "*" in word else []) or [word]]


def small(words: list[str]) -> list[str]:
    """The command on little data; a bench is planned only, unless its limit is the least that there is."""
    if words[0] == "eval":
        return [*words, "--limit", "2"]
    if words[0] == "preflight":
        return [*words, "--limit", "12", "--k", "4"]
    if words[0] == "probe":
        return [*words, "--limit", "8", "--k", "2"]
    if words[0] == "bench" and "--dry-run" not in words and "--limit 8" not in " ".join(words):
        return [*words, "--dry-run"]
    return words


def test_a_renamed_option_would_be_noticed() -> None:
    for words in (["bench", "--methods", "sft"], ["evaluate", "lab-llama"], ["lab", "paths", "lab-llama"]):
        with pytest.raises(AssertionError, match=r"no option|no command"):
            check_options(words)
    with pytest.raises(Exception, match="Missing"):
        check_slmr(["verify", "--in", "cases.jsonl"])


def test_the_messages_that_are_explained_exist() -> None:
    """Each by its longest part without a name or number in it, as it stands in the code."""
    page = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
    messages = [m for row in re.findall(r"^\| (`.*?`) \|", page, re.MULTILINE) for m in re.findall("`(.+?)`", row)]
    assert len(messages) > 50
    known = string_literals()
    for message in messages:
        parts = re.split(r"'\w+'|\b\d+\b|\.\.\.|\b[A-Z]\b", message)
        longest = max((part.strip(" ()';,") for part in parts), key=len).removeprefix("unknown ")
        assert any(longest in text for text in known), message


def test_every_page_is_in_the_navigation() -> None:
    written = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    named = set(re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text()))
    assert written <= named, sorted(written - named)
