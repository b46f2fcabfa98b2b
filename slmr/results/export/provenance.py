"""Copies the user's profiles, recipes and tasks that a published run's commands name beside the results."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slmr import curriculum
from slmr.config import SUITES, load_profile
from slmr.errors import RequestError
from slmr.io import SettingsLoader, read_settings, resource
from slmr.lab import MODELS
from slmr.results.runs.schema import SummaryRow
from slmr.tasks.from_file import ENDINGS, default_name
from slmr.tasks.registry import TaskLoader

FOLDER = "made-with"
_YAML = (".yaml", ".yml")
_OPEN = (*_YAML, ".py", ".md")  # what of a task is published whatever the licence of its data


@dataclass(frozen=True, slots=True)
class _Need:
    """A file or a task's folder that a command names, and what it is."""

    path: Path
    what: str
    has_data: bool = True  # of a task or a file of questions: whether its data may be published

    @property
    def target(self) -> Path:
        """Where the copy goes: the same relative path, so that the command runs unchanged, or the file's name."""
        outside = self.path.is_absolute() or ".." in self.path.parts
        return Path(FOLDER, self.path.name if outside else self.path)


def copy_inputs(rows: Sequence[SummaryRow], target: Path) -> list[str]:
    """Copies the files that the rows' commands name into a folder; returns a line for each that is missing or partial.

    A copy that was published before stays where its source is gone. Models are never copied.
    """
    needs = dict.fromkeys(need for row in rows for need in _needs(row))
    lines = [line for need in needs if (line := _copied(need, target))]
    return list(dict.fromkeys([*lines, *(line for row in rows if (line := _model(row)))]))


def _copied(need: _Need, target: Path) -> str:
    """Copies one need; returns what a reader has to know about the copy, or an empty text."""
    copy, called = target / need.target, f"{need.what} `{need.path}`"
    if not need.path.exists():
        return "" if copy.exists() else f"{called} is not here: it was gone when this was published"
    if need.path.is_file() and not need.has_data:
        return f"{called} is not here: slmr publishes no questions without a licence that allows it"
    if need.path.is_file():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(need.path, copy)
        return "" if need.target == Path(FOLDER, need.path) else f"{called} is `{need.target}`"
    files = [f for f in sorted(need.path.rglob("*")) if f.is_file() and "__pycache__" not in f.parts]
    included = [f for f in files if need.has_data or f.suffix in _OPEN]
    for file in included:
        (copy / file.relative_to(need.path)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy / file.relative_to(need.path))
    left_out = ", ".join(str(f.relative_to(need.path)) for f in files if f not in included)
    return f"{called} is here without its data ({left_out}): it does not say `redistribute: true`" if left_out else ""


def _needs(row: SummaryRow) -> Iterator[_Need]:
    """The user's own files that the row's command names. The command of another person's run may name any path.

    So what is there counts only where it is what it is named as, and is not taken from slmr itself.
    """
    options = _options(row)
    for value in options.get("--profile", ()):
        if value.endswith(_YAML) and (not Path(value).exists() or _is_profile(value)):
            yield from (_Need(file, "profile") for file in _profile_files(Path(value)))
    for folder in map(Path, options.get("--methods-path", ())):
        for name in _recipe_names(row.method, folder):
            if not folder.is_dir() or _settings(folder / f"{name}.yaml").get("name") == name:
                yield _Need(folder / f"{name}.yaml", "recipe")
    for folder in map(Path, options.get("--tasks-path", ())):
        is_users = not any(row.task in tasks for tasks in SUITES.values())
        settings = _settings(folder / row.task / "task.yaml", TaskLoader)
        if is_users and (not folder.is_dir() or settings.get("task") == row.task):
            yield _Need(folder / row.task, "task", has_data=bool(row.redistribute))
    for file in (Path(name.strip()) for names in options.get("--tasks", ()) for name in names.split(",")):
        if file.suffix.lower() in ENDINGS and default_name(file) == row.task:
            yield _Need(file, "file of questions", has_data=False)


def _options(row: SummaryRow) -> dict[str, list[str]]:
    """Option → its values; empty if the command cannot be split."""
    try:
        words = shlex.split(row.command)
    except ValueError:
        return {}
    options: dict[str, list[str]] = {}
    for option, value in zip(words, words[1:], strict=False):
        if option.startswith("--"):
            options.setdefault(option, []).append(value)
    return options | ({"MODEL": [words[2]]} if words[1:2] == ["eval"] and len(words) > 2 else {})


def _profile_files(file: Path) -> list[Path]:
    """A profile's file, and the files that it extends."""
    files = [file]
    while (parent := _settings(files[-1]).get("extends")) and str(parent).endswith(_YAML):
        if (above := files[-1].parent / str(parent)) in files:
            break
        files.append(above)
    return files


def _is_profile(path: str) -> bool:
    try:
        load_profile(path)
    except RequestError:
        return False
    return True


def _recipe_names(method: str, folder: Path) -> list[str]:
    """A method and those of the same folder that it extends, without shipped ones."""
    names: list[str] = []
    name: object = method
    while isinstance(name, str) and name not in names and not _is_shipped(name):
        names.append(name)
        name = _settings(folder / f"{name}.yaml").get("extends")
    return names


def _is_shipped(method: str) -> bool:
    file = f"{method}.yaml"
    return (resource("baselines") / file).is_file() or any(Path(curriculum.__file__).parent.rglob(file))


def _settings(file: Path, loader: type[SettingsLoader] = SettingsLoader) -> dict[str, Any]:
    try:
        return read_settings(file, "settings", loader)
    except (RequestError, OSError):
        return {}


def _model(row: SummaryRow) -> str:
    """A line that a local model is not included; empty if others can get the model by its name."""
    for name in (name for option in ("--student", "MODEL") for name in _options(row).get(option, ())):
        if name not in MODELS and Path(name).exists():
            return f"model `{name}` is not here: no weights are published"
    return ""
