"""A task in one object: data, prompt, stop rule and checker, read from `tasks/<name>/task.yaml`.

The YAML is an ordinary lm-eval task, so stock `lm_eval --include_path tasks` runs it; `slmr.tasks.registry` reads
the same file without importing lm-eval. The functions that the YAML names are in `slmr.tasks.lm_eval`.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Self

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, BeforeValidator, Field, WrapValidator, model_validator

from slmr import lab
from slmr.config import Edition
from slmr.errors import RequestError, one_line
from slmr.io import sha256_of
from slmr.lab import GENERATORS, N_TEST, TEST_SEED, Split, split_items
from slmr.lab.items import sound
from slmr.parsing import StrictModel
from slmr.tasks import datasets
from slmr.tasks.hub import load_from_hub
from slmr.verify import CHECKER_VERSIONS, Kind, Verdict, checker_version, verify

# lm-eval's own settings, so that both render the same prompt, but in a sandbox: a template may not run code.
_JINJA = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
_template = lru_cache(maxsize=64)(_JINJA.from_string)

_ADD_FEWSHOT = (
    "add `fewshot_split: train` (or another of its splits, not the test split) and"
    " `fewshot_config: {sampler: first_n, doc_to_target: '{{worked}}'}`, where `worked` is the column of solutions"
)


class FunctionName(str):
    """The `x.y` of a `!function x.y`."""


# pydantic would make a plain text of a function's name.
Template = Annotated[str, WrapValidator(lambda text, valid: text if isinstance(text, FunctionName) else valid(text))]


class Metadata(StrictModel):
    """The part of task.yaml that is slmr's own."""

    version: int | str
    kind: Kind
    edition: Edition = "own"
    title: str = ""
    redistribute: bool = True
    licence: str = ""
    suite: str = ""


class GenerationSettings(BaseModel):
    """The generation settings that are read here; lm-eval reads others."""

    until: Annotated[tuple[str, ...], BeforeValidator(lambda until: [until] if isinstance(until, str) else until)]
    max_gen_toks: int = Field(gt=0)


class TaskFile(BaseModel):
    """The keys of task.yaml that are read here; the rest is lm-eval's."""

    task: str
    doc_to_text: Template
    doc_to_target: Template
    process_results: str
    generation_kwargs: GenerationSettings
    metadata: Metadata
    custom_dataset: str | None = None
    dataset_path: str | None = None
    dataset_name: str | None = None
    dataset_kwargs: dict[str, Any] | None = None
    test_split: str | None = None
    validation_split: str | None = None
    training_split: str | None = None
    fewshot_split: str | None = None
    fewshot_config: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _has_data(self) -> Self:
        if not (self.custom_dataset or self.dataset_path):
            raise ValueError("neither custom_dataset nor dataset_path says where its items come from")
        return self


@dataclass(frozen=True, slots=True)
class Item:
    """One problem of a task.

    `difficulty` is the lab level (1 to 5), `exposure` how far it is from what the lab students have seen; these and
    `solution` are None if the data does not have them.
    """

    id: str
    problem: str
    gold: str
    difficulty: int | None = None
    solution: str | None = None
    exposure: str | None = None


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
    settings: TaskFile
    redistributable: bool = True
    licence: str = ""
    suite: str = ""

    def prompt(self, problem: str) -> str:
        """The prompt of a problem, which states the strict form."""
        return self._fill(self.template, {"problem": problem})

    def verify(self, completion: str, gold: str) -> Verdict:
        """The verdict of the task's checker on a completion."""
        return verify(completion, gold, self.kind)

    def sound(self, item_id: str, prompt: str, completion: str, right: bool) -> bool | None:
        """Whether a completion is right for the right reason; None if there is no solver to compare with.

        This is so outside the lab, and for items of another version of the lab, whose prompts differ.
        """
        if self.lab_generator is None:
            return None
        item = lab.item(item_id)
        if item is None or self.prompt(item.problem) != prompt:
            return None
        return sound(item, completion, right)

    def items(self, split: Split, n: int | None = None, seed: int = TEST_SEED) -> list[Item]:
        """The first `n` items of a split; all if `n` is None, which an endless lab split does not allow.

        Other splits are not read.

        Raises:
            RequestError: there is no such split or no data for it, or its documents lack a column.
        """
        if n is not None and n < 1:
            raise RequestError(f"the number of items must be at least 1, not {n}")
        if name := self.lab_generator:
            lab_items = split_items(name, split, n, seed)
            return [Item(i.id, i.problem, i.gold, i.difficulty, exposure=i.exposure) for i in lab_items]
        documents = self._documents(split)
        items = [self._item(i, document) for i, document in enumerate(documents if n is None else documents[:n])]
        if not items:
            raise RequestError(f"task '{self.name}': its {split} split is empty")
        if duplicate := next((item_id for item_id, n in Counter(i.id for i in items).items() if n > 1), None):
            raise RequestError(
                f"task '{self.name}': two documents of its {split} split have the id {duplicate}: leave ids out, or"
                " make them unique"
            )
        return items

    def test_items(self, limit: int | None = None) -> list[Item]:
        """The test set, or its first `limit` items; of a lab task no others are drawn.

        Raises:
            RequestError: as for `items`.
        """
        if limit is None or self.lab_generator is None:
            return self.items("test")[:limit]
        return self.items("test", min(limit, N_TEST))

    def fewshot(self, n: int) -> list[tuple[str, str]]:
        """The first `n` worked examples, as lm-eval renders them: the question as prompted, and its answer.

        Raises:
            RequestError: the task has too few examples, or none; the message says what to add.
        """
        documents = self._fewshot_documents() if n else []
        if not 0 <= n <= len(documents):
            raise RequestError(f"task '{self.name}' has {len(documents)} few-shot examples, not {n}")
        fewshot = self.settings.fewshot_config or {}
        question = fewshot.get("doc_to_text") or self.settings.doc_to_text
        answer = fewshot.get("doc_to_target") or self.settings.doc_to_target
        return [(self._fill(question, d), self._fill(answer, d)) for d in documents[:n]]

    @property
    def data_note(self) -> str:
        """The source of the items, in one line; reads no data."""
        if name := self.lab_generator:
            return f"generated: {name} version {GENERATORS[name].version}, seed {TEST_SEED}"
        if self.source:
            return datasets.data_note(self.source)
        return self.settings.dataset_path or f"{self.settings.custom_dataset} of the task's folder"

    @property
    def lab_generator(self) -> str | None:
        """The name of the task's lab generator; None for any other source of data."""
        return self._argument_of("slmr.tasks.lab_dataset")

    @property
    def source(self) -> str | None:
        """The name of the data source of a task of the paper edition; None for other tasks."""
        return self._argument_of("slmr.sources.dataset")

    def _argument_of(self, function: str) -> str | None:
        """The task name that the YAML passes to this data function; None if it names another function."""
        if self.settings.custom_dataset != function:
            return None
        arguments = self.settings.dataset_kwargs or {}
        if not isinstance(arguments.get("task"), str):
            raise RequestError(f"{self.folder / 'task.yaml'}: {function} needs dataset_kwargs: {{task: NAME}}")
        return arguments["task"]

    def has_split(self, split: Split) -> bool:
        """Whether the task has this split."""
        return self.lab_generator is not None or self._split_name(split) is not None

    def has_data(self, split: Split) -> bool:
        """Whether the task has this split and, for a paper task with a data folder, the split's file exists."""
        return self.has_split(split) and (self.source is None or datasets.has_data(self.source, split))

    @property
    def has_only_test(self) -> bool:
        """Whether the task names no other split and no few-shot examples."""
        of = self.settings
        return not (of.training_split or of.validation_split or of.fewshot_split or of.fewshot_config)

    @property
    def digest(self) -> str:
        """Hash of everything that can change a score: the task's files, the generator or the data, the checker."""
        return self.digest_under(checker_version(self.kind))

    def is_same_but_for_checker(self, task_version: str) -> bool:
        """Whether a row's `task_version` is of these files and data, under today's checker or an earlier one."""
        checkers = (f"{self.kind}-{n}" for n in range(1, int(CHECKER_VERSIONS[self.kind]) + 1))
        return any(task_version == f"{self.version}-{self.digest_under(checker)}" for checker in checkers)

    def digest_under(self, checker: str) -> str:
        """The digest that the task has, or had, with a version of its checker, such as `numeric-6`."""
        generator = self.lab_generator
        parts = [checker, GENERATORS[generator].version if generator else ""]
        for file in sorted(self.folder.rglob("*")):
            if file.is_file() and file.name != "card.md" and "__pycache__" not in file.parts:
                name = file.relative_to(self.folder).as_posix()
                parts += [name, sha256_of(file)]
        if self.source:
            parts.append(datasets.fingerprint(self.source))
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]

    def _split_name(self, split: Split) -> str | None:
        names = {
            "test": self.settings.test_split,
            "validation": self.settings.validation_split,
            "train": self.settings.training_split,
        }
        return names.get(split)

    def _documents(self, split: Split) -> Sequence[Mapping[str, Any]]:
        name = self._split_name(split)
        if name is None:
            raise RequestError(f"task '{self.name}' has no {split} split")
        if self.source:
            return datasets.documents(self.source, name)
        documents = self._load(name)
        if not hasattr(documents, "column_names"):
            raise RequestError(
                f"task '{self.name}': its data's split {name} is a {type(documents).__name__}, where lm-eval needs"
                f" a datasets.Dataset: return {{'{name}': datasets.Dataset.from_list([...])}}"
            )
        return list(documents)

    def _load(self, split: str) -> Sequence[Mapping[str, Any]]:
        """Loads a split as lm-eval would."""
        custom, path = self.settings.custom_dataset, self.settings.dataset_path
        arguments = self.settings.dataset_kwargs or {}
        if custom is not None:
            function = _import_function(custom, self.folder)
            where = f"task '{self.name}': !function {custom}"
            splits = _call(function, where, **self.settings.metadata.model_dump(exclude_unset=True), **arguments)
        else:
            try:
                splits = load_from_hub(str(path), self.settings.dataset_name, **arguments)
            except Exception as error:  # the errors of the hub's client have no common base class
                reason = one_line(error)[:200]
                raise RequestError(f"task '{self.name}': cannot load {path}: {reason}") from None
        if not isinstance(splits, Mapping):
            raise RequestError(f"task '{self.name}': its data is a {type(splits).__name__}, not {{split: Dataset}}")
        if split not in splits:
            raise RequestError(f"task '{self.name}': its data has no split {split}, only {', '.join(splits)}")
        return splits[split]

    def _fewshot_documents(self) -> Sequence[Mapping[str, Any]]:
        fewshot = self.settings.fewshot_config or {}
        split = fewshot.get("split") or self.settings.fewshot_split
        samples = fewshot.get("samples")
        file = self.folder / "task.yaml"
        if split is None and samples is None:
            raise RequestError(f"task '{self.name}' has no few-shot examples: {file}: {_ADD_FEWSHOT}")
        if fewshot.get("sampler") != "first_n":
            raise RequestError(f"{file}: fewshot_config needs `sampler: first_n`: examples are not drawn at random")
        if split is None:
            if isinstance(samples, list):
                return samples
            return list(_call(_import_function(str(samples), self.folder), f"{file}: !function {samples}"))
        if split == self._split_name("test"):
            raise RequestError(f"{file}: few-shot examples come from the test split: {_ADD_FEWSHOT}")
        return list(self._load(split))

    def _fill(self, template: str, document: Mapping[str, Any]) -> str:
        """Renders a template of the YAML, or calls the function that it names, with a document's columns."""
        if isinstance(template, FunctionName):
            function = _import_function(template, self.folder)
            return str(_call(function, f"task '{self.name}': !function {template}", document))
        if template in ("problem", "gold"):  # as in lm-eval, a column's name stands for the column
            return str(document[template])
        try:
            return _template(template).render(**document)
        except Exception as error:  # a template may raise anything
            raise RequestError(
                f"task '{self.name}': cannot render {template!r}: {one_line(error)} (columns: {', '.join(document)})"
            ) from None

    def _item(self, index: int, document: Mapping[str, Any]) -> Item:
        missing = {"problem", "gold"} - set(document)
        if missing:
            raise RequestError(
                f"task '{self.name}': document {index} has no column {', '.join(sorted(missing))}"
                f" (it has: {', '.join(document)})"
            )
        level = document.get("difficulty")
        if not (level is None or isinstance(level, int) or str(level).isdecimal()):
            raise RequestError(
                f"task '{self.name}': document {index}: difficulty = {level!r:.40}: it should be a whole number"
            )
        return Item(
            str(document.get("id", f"{self.name}/{index}")),
            str(document["problem"]),
            str(document["gold"]),
            None if level is None else int(level),
            document.get("solution"),
        )


def strict_form(gold: str, kind: Kind) -> str:
    """The gold answer in the form that the prompts of this kind request."""
    return {"numeric": f"#### {gold}", "math": f"\\boxed{{{gold}}}", "choice": f"Answer: {gold}"}[kind]


# --- functions that a YAML names ---------------------------------------------------------------------


def _import_function(reference: str, folder: Path) -> Callable[..., Any]:
    """`module.function`, from a file beside the YAML if there is one, else from an importable module."""
    module_name, _, function = reference.rpartition(".")
    local = folder / f"{module_name}.py"
    try:
        if local.is_file():
            spec = importlib.util.spec_from_file_location(f"slmr_task_{folder.name}_{module_name}", local)
            assert spec and spec.loader
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(module_name)
        return getattr(module, function)
    except Exception as error:  # a user's module may raise anything
        raise RequestError(
            f"{folder / 'task.yaml'}: !function {reference} cannot be loaded"
            f" ({type(error).__name__}: {one_line(error)}): looked in {local} and among the installed modules"
        ) from None


def _call(function: Callable[..., Any], where: str, *values: Any, **named: Any) -> Any:
    """Calls a user's function.

    Raises:
        RequestError: it fails; the message gives its location and error.
    """
    try:
        return function(*values, **named)
    except RequestError:
        raise
    except Exception as error:
        raise RequestError(f"{where} fails: {type(error).__name__}: {one_line(error)[:300]}") from error
