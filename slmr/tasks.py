"""A task in one object: data, prompt, stop rule and checker, read from `tasks/<name>/task.yaml`.

The YAML is an ordinary lm-eval task, so stock `lm_eval --include_path tasks` runs it. This module
reads the same file without importing lm-eval; the functions at its end are what the YAML names.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal

import jinja2
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from slmr.errors import RequestError, one_line, unknown
from slmr.resources import resource
from slmr.results import Edition
from slmr.verify import Kind, Verdict, checker_version, verify

Split = Literal["test", "validation", "train", "pretrain"]

N_TEST, N_VALIDATION, TEST_SEED = 600, 200, 0

# The same settings as lm-eval's own, so that both render the same prompt.
_JINJA = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)


@dataclass(frozen=True, slots=True)
class Item:
    """One problem of a task. `difficulty` is the lab level (1 to 5), None where it is unknown."""

    id: str
    problem: str
    gold: str
    difficulty: int | None = None


class _Metadata(BaseModel):
    """The part of task.yaml that is slmr's own."""

    model_config = ConfigDict(extra="forbid")

    version: int | str
    kind: Kind
    edition: Edition
    title: str = ""


@dataclass(frozen=True)
class Task:
    """Data, prompt, stop rule and checker of one benchmark."""

    name: str
    folder: Path
    kind: Kind
    edition: Edition
    version: str
    title: str
    template: str
    stop: tuple[str, ...]
    max_tokens: int
    config: Mapping[str, Any]

    def prompt(self, problem: str) -> str:
        """The text that asks for the answer, with the strict form stated."""
        return _JINJA.from_string(self.template).render(problem=problem)

    def verify(self, completion: str, gold: str) -> Verdict:
        return verify(completion, gold, self.kind)

    def items(self, split: Split, n: int | None = None, seed: int = TEST_SEED) -> list[Item]:
        """The first `n` items of a split; all of it if `n` is None (lab streams have no end: give n).

        Raises:
            RequestError: the task has no such split, or its documents lack a column.
        """
        lab_task = self.lab_generator
        if lab_task is not None:
            return _lab_items(lab_task, split, n, seed)
        documents = self._documents(split)
        chosen = documents if n is None else documents[:n]
        return [self._item(i, document) for i, document in enumerate(chosen)]

    @property
    def lab_generator(self) -> str | None:
        """The name of the lab generator behind the task; None for any other source of data."""
        return self._task_given_to("slmr.tasks.lab_dataset")

    @property
    def source(self) -> str | None:
        """The name of the data source behind a task of the paper edition; None for any other."""
        return self._task_given_to("slmr.sources.dataset")

    def _task_given_to(self, function: str) -> str | None:
        """The name that the YAML hands to this data function; None where the data comes from another."""
        if self.config.get("custom_dataset") != function:
            return None
        return str(self.config["dataset_kwargs"]["task"])

    def has_split(self, split: Split) -> bool:
        return self.lab_generator is not None or self._split_name(split) is not None

    @property
    def digest(self) -> str:
        """Hash of everything that can change a score: the YAML, the generator or the data, the checker."""
        from slmr.lab import GENERATORS

        lab = self.lab_generator
        parts = [(self.folder / "task.yaml").read_bytes().decode(), checker_version(self.kind)]
        parts.append(GENERATORS[lab].version if lab else "")
        if self.source:
            from slmr import sources

            parts.append(sources.fingerprint(self.source))
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]

    def _split_name(self, split: Split) -> str | None:
        return self.config.get({"train": "training_split"}.get(split, f"{split}_split"))

    def _documents(self, split: Split) -> list[dict[str, Any]]:
        name = self._split_name(split)
        if name is None:
            raise RequestError(f"task '{self.name}' has no {split} split")
        source = self.config.get("custom_dataset")
        arguments = self.config.get("dataset_kwargs") or {}
        if source is not None:
            return list(_import_function(source, self.folder)(**self.config["metadata"], **arguments)[name])
        import datasets

        loaded = datasets.load_dataset(
            self.config["dataset_path"], self.config.get("dataset_name"), **arguments
        )
        return list(loaded[name])  # type: ignore[arg-type]

    def _item(self, index: int, document: Mapping[str, Any]) -> Item:
        missing = {"problem", "gold"} - set(document)
        if missing:
            raise RequestError(
                f"task '{self.name}': document {index} has no column {', '.join(sorted(missing))}"
                f" (it has: {', '.join(document)})"
            )
        level = document.get("difficulty")
        return Item(str(document.get("id", f"{self.name}/{index}")), str(document["problem"]),
                    str(document["gold"]), None if level is None else int(level))  # fmt: skip


def _lab_items(name: str, split: Split, n: int | None, seed: int) -> list[Item]:
    from slmr import lab

    if n is None:
        if split not in ("test", "validation"):
            raise RequestError(f"the {split} split of {name} has no end: say how many items")
        n = N_TEST if split == "test" else N_VALIDATION
    return [
        Item(i.id, i.problem, i.gold, i.difficulty) for i in lab.take(lab.generator(name), split, n, seed)
    ]


def strict_form(gold: str, kind: Kind) -> str:
    """A perfect answer in the form that the prompts of this kind ask for."""
    return {"numeric": f"#### {gold}", "math": f"\\boxed{{{gold}}}", "choice": f"Answer: {gold}"}[kind]


# --- finding tasks ---------------------------------------------------------------------------


class _Loader(yaml.SafeLoader):
    """Reads `!function x.y` as the text `x.y`: nothing is imported by reading a task."""


_Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))  # type: ignore[arg-type]


def task_folders(extra: Sequence[Path] = ()) -> dict[str, Path]:
    """Every known task's folder: the shipped ones, entry points `slmr.tasks`, and `extra` folders.

    Raises:
        RequestError: two folders define the same task, or an extra folder does not exist.
    """
    roots = [resource("tasks"), *(Path(p.load()) for p in entry_points(group="slmr.tasks")), *extra]
    found: dict[str, Path] = {}
    for root in roots:
        if not root.is_dir():
            raise RequestError(f"tasks folder {root} does not exist")
        for file in sorted(root.glob("*/task.yaml")):
            name = file.parent.name
            if name in found:
                raise RequestError(f"task '{name}' is defined twice: in {found[name]} and in {file.parent}")
            found[name] = file.parent
    return found


def load_task(name: str, extra: Sequence[Path] = ()) -> Task:
    """The task of that name.

    Raises:
        RequestError: no such task, or its YAML is not a task of slmr; the message says why.
    """
    folders = task_folders(extra)
    if name not in folders:
        raise unknown("task", name, folders)
    return _read_task(folders[name])


def select_tasks(names: str, extra: Sequence[Path] = ()) -> list[Task]:
    """The tasks of `lab`, `paper`, `all` or a comma-separated list of names."""
    if names in ("lab", "paper", "all"):
        tasks = [_read_task(folder) for folder in task_folders(extra).values()]
        chosen = [task for task in tasks if names in (task.edition, "all")]
        if not chosen:
            raise RequestError(f"no task of the {names} edition is installed")
        return chosen
    return [load_task(name.strip(), extra) for name in names.split(",") if name.strip()]


@lru_cache(maxsize=64)
def _read_task(folder: Path) -> Task:
    file = folder / "task.yaml"
    try:
        config = yaml.load(file.read_text(encoding="utf-8"), _Loader)
        metadata = _Metadata.model_validate(config["metadata"])
        generation = config["generation_kwargs"]
        task = Task(
            name=config["task"], folder=folder, kind=metadata.kind, edition=metadata.edition,
            version=str(metadata.version), title=metadata.title, template=config["doc_to_text"],
            stop=tuple(generation["until"]), max_tokens=int(generation["max_gen_toks"]), config=config,
        )  # fmt: skip
    except yaml.YAMLError as error:
        raise RequestError(f"{file} is not YAML: {one_line(error)}") from None
    except (KeyError, TypeError) as error:
        raise RequestError(f"{file} lacks what a task needs: {error}") from None
    except ValidationError as error:
        raise RequestError(f"{file}: metadata: {_first_fault(error)}") from None
    _check_task(task, file)
    return task


def _check_task(task: Task, file: Path) -> None:
    scorer = task.config.get("process_results")
    if scorer != f"slmr.tasks.score_{task.kind}":
        raise RequestError(f"{file}: kind is {task.kind} but process_results is {scorer}")
    if task.name != task.folder.name:
        raise RequestError(f"{file}: task is named '{task.name}', its folder '{task.folder.name}'")


def _first_fault(error: ValidationError) -> str:
    fault = error.errors()[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"


def _import_function(reference: str, folder: Path) -> Callable[..., Any]:
    """`module.function`, from a file beside the YAML if there is one, else from an importable module."""
    module_name, _, function = reference.rpartition(".")
    local = folder / f"{module_name}.py"
    if local.is_file():
        spec = importlib.util.spec_from_file_location(f"slmr_task_{folder.name}_{module_name}", local)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(module_name)
    return getattr(module, function)


# --- what task.yaml names: called by lm-eval ----------------------------------------------------


def lab_dataset(task: str, **_: object) -> dict[str, Any]:
    """The test and validation splits of a lab task, as lm-eval wants its data."""
    from datasets import Dataset

    def split(name: Split) -> Dataset:
        rows = _lab_items(task, name, None, TEST_SEED)
        columns = ("id", "problem", "gold", "difficulty")
        return Dataset.from_list([{c: getattr(row, c) for c in columns} for row in rows])

    return {"test": split("test"), "validation": split("validation")}


def score_numeric(doc: Mapping[str, Any], results: Sequence[str | Sequence[str]]) -> dict[str, float]:
    return _score(doc, results, "numeric")


def score_math(doc: Mapping[str, Any], results: Sequence[str | Sequence[str]]) -> dict[str, float]:
    return _score(doc, results, "math")


def score_choice(doc: Mapping[str, Any], results: Sequence[str | Sequence[str]]) -> dict[str, float]:
    return _score(doc, results, "choice")


def _score(doc: Mapping[str, Any], results: Sequence[str | Sequence[str]], kind: Kind) -> dict[str, float]:
    """Metrics of one document: means over its completions (one, or k where lm-eval repeats)."""
    completions: Iterable[str] = [results[0]] if isinstance(results[0], str) else results[0]
    verdicts = [verify(completion, str(doc["gold"]), kind) for completion in completions]
    mean = 1 / len(verdicts)
    return {
        "accuracy": mean * sum(v.strict for v in verdicts),
        "accuracy_lenient": mean * sum(v.lenient for v in verdicts),
        "no_answer": mean * sum(v.status == "no_answer" for v in verdicts),
        "abstained": mean * sum(v.abstained for v in verdicts),
    }
