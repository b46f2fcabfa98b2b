"""What the code blocks of the documentation are, and whether what they say exists."""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import json
import re
import shlex
import textwrap
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from slmr.cli.app import command_line
from slmr.config import Profile, load_profile
from slmr.pipeline.recipe import Recipe, stages
from slmr.results.runs.suites import SUITES_FILE, listed_suites

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "tasks").rglob("card.md")),
]
_BLOCK = re.compile(
    r"(?:^[ ]*<!-- parsed: (?P<why>[^\n]+) -->\n)?"
    r"^(?P<indent>[ ]*)```(?P<language>\w*)(?: title=\"(?P<title>[^\"\n]+)\")?(?P<rest>[^\n]*)\n"
    r"(?P<text>.*?)^(?P=indent)```[ ]*$",
    re.MULTILINE | re.DOTALL,
)
_COMMAND = re.compile(r"(?:\$ )?(?:slmr|pip|make|python|lm_eval) ")


class _Loader(yaml.SafeLoader):
    """YAML with lm-eval's `!function`, whose value is a dotted name."""


_Loader.add_constructor("!function", lambda loader, node: str(node.value))


@dataclass(frozen=True)
class Block:
    """A fenced block. `title` is the file that it is; `why` says why it is parsed only, where it is."""

    language: str
    title: str | None
    why: str | None
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """A page's code blocks in their order; every fence is in one of them."""
    text = page.read_text(encoding="utf-8")
    found = [
        Block(
            m["language"],
            m["title"],
            m["why"],
            textwrap.dedent(m["text"]),
            text[: m.start("text")].count("\n"),
        )
        for m in _BLOCK.finditer(text)
        if not m["rest"].strip()
    ]
    assert 2 * len(found) == len(re.findall(r"^ *```", text, re.MULTILINE)), f"{page}: a fence is not understood"
    return found


def inline_commands(page: Path) -> list[list[str]]:
    """The `slmr ...` within a page's text, in words."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    return [shlex.split(span)[1:] for span in re.findall(r"`(slmr [^`]+)`", text)]


# --- command lines ---------------------------------------------------------------------------------------


def command_lines(block: Block) -> list[list[str]]:
    """A shell block's commands in words: comments left out, continued lines joined."""
    joined = re.sub(r"\\\n\s*", " ", block.text)
    return [words for line in joined.splitlines() if (words := shlex.split(line, comments=True))]


def command_of(words: Sequence[str]) -> tuple[Any, list[str]]:
    """The command of the command line `slmr WORDS`, and the words that are left for it."""
    command, rest = command_line(words), list(words)
    while rest and not rest[0].startswith("-") and (within := getattr(command, "commands", None)):
        assert rest[0] in within, f"slmr has no command {' '.join(words)}"
        command = within[rest.pop(0)]
    return command, rest


def check_options(words: Sequence[str]) -> None:
    """The command exists, and has every option that is named."""
    command, rest = command_of(words)
    known = {option for p in command.params for option in (*p.opts, *p.secondary_opts)} | {"--help"}
    for word in rest:
        option = word.partition("=")[0]
        assert not option.startswith("-") or option in known, f"slmr {' '.join(words)}: no option {option}"


def check_slmr(words: Sequence[str]) -> None:
    """`slmr WORDS` would be understood: command, options, their values' types, and nothing missing."""
    check_options(words)
    command, rest = command_of(words)
    if "--help" not in rest:
        command.make_context(command.name, rest)


def check_foreign(words: Sequence[str]) -> None:
    """A command of somebody else's, as far as it can be told here."""
    program, rest = words[0], list(words[1:])
    if program not in _FOREIGN:
        raise AssertionError(f"no check for the command '{program}': add one, or mark its output as text")
    _FOREIGN[program](rest)


def _pip(words: list[str]) -> None:
    assert words[0] == "install"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for extras in re.findall(r"(?:slmr|\.)\[([\w,]+)\]", " ".join(words)):
        assert set(extras.split(",")) <= set(project["optional-dependencies"]), extras


def _make(words: list[str]) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {w for w in words if "=" not in w} <= targets, words
    settings = {w.partition("=")[0] for w in words if "=" in w}
    assert settings <= {"ARGS", "PYTHON"}
    for arguments in [w.removeprefix("ARGS=") for w in words if w.startswith("ARGS=") and "bench" in words]:
        check_options(["bench", *shlex.split(arguments)])


def _python(words: list[str]) -> None:
    if words[0] == "-m":
        if words[1].startswith("vllm."):  # not installed here: what of ours it is given
            module, _, name = words[words.index("--worker-extension-cls") + 1].rpartition(".")
            assert hasattr(importlib.import_module(module), name)
            return
        if words[1] == "slmr.lm_eval":  # takes lm_eval's own arguments
            _lm_eval(words[2:])
            return
        if not words[1].startswith(("studies.", "tests.", "tools.")):
            assert words[1] in ("venv", "pip", "pytest", "build"), words
            return
        words = [words[1].replace(".", "/") + ".py", *words[2:]]
    script = (ROOT / words[0]).read_text(encoding="utf-8")
    for word in words[1:]:
        assert not word.startswith("-") or f'"{word}"' in script, f"{words[0]} has no option {word}"


def _lm_eval(words: list[str]) -> None:
    from lm_eval._cli.harness import HarnessCLI

    parser: argparse.ArgumentParser = HarnessCLI()._parser
    parser.parse_args(["run", *words])


def _sbatch(words: list[str]) -> None:
    script = next(i for i, word in enumerate(words) if word.endswith(".sh"))
    assert (ROOT / words[script]).is_file()
    check_slmr(["bench", *words[script + 1 :]])


def _kubectl(words: list[str]) -> None:
    list(yaml.safe_load_all((ROOT / words[words.index("-f") + 1]).read_text()))


def _taskset(words: list[str]) -> None:
    assert words[0] == "-c"
    check_foreign(words[2:])


def _curl(words: list[str]) -> None:
    from slmr.rewards.service import ROUTES

    (url,) = (word for word in words if word.startswith("http"))
    assert urlsplit(url).path in ROUTES, url
    json.loads(words[words.index("-d") + 1])


def _unknown_here(_: list[str]) -> None:
    """Programs that are not installed with slmr, and of which nothing can be said here."""


_FOREIGN = {
    "pip": _pip,
    "make": _make,
    "python": _python,
    ".venv/bin/python": _python,
    "lm_eval": _lm_eval,
    "sbatch": _sbatch,
    "kubectl": _kubectl,
    "taskset": _taskset,
    "vllm": _unknown_here,
    "pipx": _pip,
    "source": _unknown_here,
    "python3": _python,
    "curl": _curl,
    "cat": _unknown_here,
    "mkdir": _unknown_here,
    "cp": _unknown_here,
}


# --- code and settings -----------------------------------------------------------------------------------


def check_python(block: Block) -> None:
    """Code that cannot run here compiles, and what it imports exists and takes the arguments that it is given."""
    tree = ast.parse(block.text)
    names: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: importlib.import_module(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = importlib.import_module(str(node.module))
            names |= {alias.asname or alias.name: getattr(module, alias.name) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            parameters = inspect.signature(names[node.func.id]).parameters
            if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
                given = {keyword.arg for keyword in node.keywords}
                assert given <= set(parameters), f"line {block.line}: {node.func.id} takes no {given - set(parameters)}"


def expected_lines(text: str) -> Iterator[str]:
    """What the comments behind `print(...)` say is printed."""
    yield from re.findall(r"^print\(.*\)  # (.*)$", text, re.MULTILINE)


def check_settings(block: Block, file: Path | None) -> None:
    """A YAML, TOML or JSON block is what its reader takes; a file of slmr's is read by slmr itself."""
    if block.language == "toml":
        tomllib.loads(block.text)
    elif block.language in ("json", "jsonl"):
        for text in block.text.splitlines() if block.language == "jsonl" else [block.text]:
            json.loads(text)
    else:
        _check_yaml(yaml.load(block.text, _Loader), file)


def _check_yaml(content: dict[str, Any], file: Path | None) -> None:
    """By what the YAML is for; one that is for nothing known is an error."""
    if "custom_reward_function" in content.get("reward", content):  # verl
        place = content.get("reward", content)["custom_reward_function"]
        assert hasattr(importlib.import_module(place["path"].removeprefix("pkg://")), place["name"])
    elif "metric_list" in content:
        _check_task(content, file)
    elif "checks" in content:
        _check_policy(file)
    elif "jobs" in content:
        _check_workflow(content)
    elif file and file.name == "task.yaml":
        raise AssertionError(f"{file}: a task has a metric_list")
    elif set(content) <= set(Recipe.model_fields) and {"kind", "summary"} <= set(content):
        _check_recipe(file)
    elif file and file.name == SUITES_FILE:
        assert listed_suites(file.parent)
    elif file:
        load_profile(str(file))
    else:
        _check_part_of_profile(content)


def _check_task(content: dict[str, Any], file: Path | None) -> None:
    """A whole task, or the part of one that names our scorer."""
    if file:
        from slmr.tasks.registry import load_task

        load_task(file.parent.name, (file.parent.parent,))
        return
    module, _, name = str(content["process_results"]).rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))


def _check_recipe(file: Path | None) -> None:
    from slmr.pipeline.recipe import load_recipe

    assert file, "a recipe needs the name of its file, as a title"
    load_recipe(file.stem, (file.parent,))


def _check_policy(file: Path | None) -> None:
    from slmr.results.analysis.gate import read_policy

    assert file, "a gate's policy needs the name of its file, as a title"
    read_policy(file)


def _check_workflow(content: dict[str, Any]) -> None:
    """A CI workflow: every command in it would be understood."""
    for step in (step for job in content["jobs"].values() for step in job["steps"] if "run" in step):
        for line in step["run"].splitlines():
            words = shlex.split(line, comments=True)
            check_slmr(words[1:]) if words[0] == "slmr" else check_foreign(words)


def _check_part_of_profile(content: dict[str, Any]) -> None:
    """Some of a profile's settings, without the rest."""
    assert set(content) <= set(Profile.model_fields), f"YAML for nothing known: {sorted(content)}"
    whole = {"name": "part", "students": ["s"], "default_student": "s", "tasks": "lab"}
    for name, values in Profile.model_validate(whole | content).stages.items():
        stages()[name].parse(values, name)


def check_output(block: Block) -> None:
    """What is shown as output is no command, which would then be checked by nobody."""
    lines = [line for line in block.text.splitlines() if _COMMAND.match(line)]
    assert not lines, f"line {block.line}: a command in a text block, where nothing checks it: {lines[0]}"


def string_literals() -> set[str]:
    """Every piece of text in slmr's code, an f-string's between its braces."""
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in (ROOT / "slmr").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
