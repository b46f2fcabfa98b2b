"""Finds and loads tasks: the shipped ones, those of entry points, and those of additional folders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import yaml

from slmr.config import SUITES, suite_of
from slmr.errors import RequestError, check_known, unknown
from slmr.io import SettingsLoader, plugins, read_settings, resource
from slmr.parsing import parse
from slmr.tasks.task import FunctionName, Task, TaskFile

LISTER = "slmr tasks list"  # the command that prints every task


class TaskLoader(SettingsLoader):
    """Reads `!function x.y` as text, so that reading a task imports nothing."""


def _function_name(loader: SettingsLoader, node: yaml.ScalarNode) -> FunctionName:
    reference = str(loader.construct_scalar(node))
    if len(reference) > 200 or not re.fullmatch(r"\w+(\.\w+)+", reference):
        raise yaml.constructor.ConstructorError(
            None, None, f"!function takes MODULE.FUNCTION, not {reference[:40]!r}", node.start_mark
        )
    return FunctionName(reference)


TaskLoader.add_constructor("!function", _function_name)


@lru_cache(maxsize=1)
def installed_tasks() -> tuple[Path, ...]:
    """The folders of the entry points `slmr.tasks`; cached, because the search is slow."""
    return tuple(Path(folder) for folder in plugins("slmr.tasks"))


def task_folders(extra: Sequence[Path] = ()) -> dict[str, Path]:
    """Every known task's folder: the shipped ones, entry points `slmr.tasks`, and `extra` folders.

    Raises:
        RequestError: two folders define the same task, or an extra folder does not exist.
    """
    roots = [resource("tasks"), *installed_tasks(), *extra]
    return by_name("task", roots, lambda root: [file.parent for file in root.glob("*/task.yaml")])


def by_name(what: str, roots: Iterable[Path], paths_in: Callable[[Path], Iterable[Path]]) -> dict[str, Path]:
    """Name → path of the files or folders that `paths_in` finds in the roots.

    Raises:
        RequestError: two have the same name, or a root does not exist.
    """
    paths: dict[str, Path] = {}
    for root in roots:
        if not root.is_dir():
            raise RequestError(f"{what}s folder {root} does not exist")
        for path in sorted(paths_in(root)):
            name = path.stem if path.is_file() else path.name
            if name in paths:
                raise RequestError(f"{what} '{name}' is defined twice: in {paths[name]} and in {path}: rename one")
            paths[name] = path
    return paths


def load_task(name: str, extra: Sequence[Path] = ()) -> Task:
    """The task of that name.

    Raises:
        RequestError: no such task, or its YAML is not a task of slmr; the message says why.
    """
    folders = task_folders(extra)
    check_known("task", name, folders, LISTER)
    return _read_task(folders[name])


def select_tasks(names: str, extra: Sequence[Path] = ()) -> list[Task]:
    """The tasks of a comma-separated list of names, each of a task or a suite, such as `lab`; `all` is every task.

    Raises:
        RequestError: as for `load_task`, or the list is empty.
    """
    folders, selection = task_folders(extra), dict[str, Task]()
    for name in filter(None, map(str.strip, names.split(","))):
        if name in folders:
            tasks = [_read_task(folders[name])]
        else:
            known = [_read_task(folder) for folder in folders.values()]
            tasks = [task for task in known if name in (task.suite, "all")]
            if not tasks:
                raise unknown("task", name, [*folders, *SUITES], LISTER)
        selection |= {task.name: task for task in tasks}
    if not selection:
        raise RequestError(f"tasks '{names}' names no task: name some, or `lab` or `paper`")
    return list(selection.values())


@lru_cache(maxsize=64)
def _read_task(folder: Path) -> Task:
    file = folder / "task.yaml"
    settings = parse(TaskFile, read_settings(file, "a task", TaskLoader), file)
    task = Task(
        name=settings.task,
        folder=folder,
        kind=settings.metadata.kind,
        edition=settings.metadata.edition,
        version=str(settings.metadata.version),
        title=settings.metadata.title,
        template=settings.doc_to_text,
        stop=settings.generation_kwargs.until,
        max_tokens=settings.generation_kwargs.max_gen_toks,
        settings=settings,
        redistributable=settings.metadata.redistribute,
        licence=settings.metadata.licence,
        suite=suite_of(settings.task, settings.metadata.suite),
    )
    _check_task(task, file)
    return task


def _check_task(task: Task, file: Path) -> None:
    scorer = task.settings.process_results
    if scorer != f"slmr.tasks.score_{task.kind}":
        raise RequestError(f"{file}: kind is {task.kind} but process_results is {scorer}")
    if task.name != task.folder.name:
        raise RequestError(f"{file}: task is named '{task.name}', its folder '{task.folder.name}'")
    if task.suite in SUITES and task.name not in SUITES[task.suite]:
        raise RequestError(
            f"{file}: the suite {task.suite} is shipped, and no task can be added to it: name another suite"
        )
