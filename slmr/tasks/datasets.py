"""Loads the documents of the paper edition from a data folder, or else from the hub.

`SLMR_DATA` names the folder, whose layout is `<source>/<file>` as in `SOURCES`. Every document has `id`, `problem` and
`gold`; those of the split `fewshot` also have `worked`, a solution in the strict form.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from slmr.errors import RequestError, check_known, one_line
from slmr.io import json_lines, resource, sha256_of
from slmr.tasks.hub import load_from_hub
from slmr.tasks.readers import READERS, Record, number_field, text_field

FEWSHOT = "fewshot"
FEWSHOT_POOL = 32  # more examples than fit into a small model's context

Document = dict[str, str]
Read = Callable[[Record], tuple[str, str]]  # returns (problem, gold); raises ValueError for an invalid record


@dataclass(frozen=True)
class Source:
    """One task's data.

    Attributes:
        files: split → files below the data folder, the preferred one first.
        hub: split → (id, config, splits) on the hub.
        read: extracts problem and gold answer from a record.
        id_field: the field with the data's own ids, which must be unique.
        revision: the hub's revision.
        remark: what readers of results should know about a file.
        solution: the field of a training record with a worked solution, which a teacher may use.
    """

    files: Mapping[str, tuple[str, ...]]
    hub: Mapping[str, tuple[str, str | None, str]]
    read: Read
    id_field: str | None = None
    revision: str | None = None
    remark: Callable[[Path], str] = lambda file: ""
    solution: str | None = None


class ReadOnDemand(Mapping[str, Any]):
    """A mapping whose values are read when they are first used."""

    def __init__(self, names: Iterable[str], read: Callable[[str], Any]) -> None:
        self._names, self._read = tuple(names), cache(read)

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return self._read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Splits(ReadOnDemand):
    """The splits of a task; a split can be used even if the others are missing."""


# --- functions for tasks -------------------------------------------------------------------------


def dataset(task: str, **_: object) -> Splits:
    """The splits of a paper task, in lm-eval's format; reading one raises as `documents` does."""

    def read(split: str) -> Any:
        if split == FEWSHOT:
            return examples(task)
        from datasets import Dataset

        return Dataset.from_list(documents(task, split))

    return Splits((*_source(task).files, FEWSHOT), read)


def documents(task: str, split: str) -> list[Document]:
    """All documents of one split; other splits are not read.

    Raises:
        RequestError: the data is missing or invalid; the message says where and what to do.
    """
    split_documents = [document for _, document in _read(task, split)]
    if not split_documents:
        raise RequestError(f"task '{task}': its {split} split is empty ({_whereabouts(task, split)})")
    return split_documents


def examples(task: str) -> Sequence[Mapping[str, str]]:
    """The documents for few-shot prompts, in order. Data is only read when a document's fields are used.

    lm-eval lists all of them whenever it opens a task, even if no example is needed; so a task can be opened
    without its training data.
    """
    if task == "math500":
        return list(_math500_examples(resource("tasks") / "math500" / "fewshot.jsonl"))
    origin, split, worked = _EXAMPLES[task]

    @cache
    def pool() -> list[Document]:
        pairs = islice(_read(origin, split), FEWSHOT_POOL)
        return [{**document, "worked": worked(record)} for record, document in pairs]

    def example(i: int) -> Document:
        if i >= len(pool()):
            raise RequestError(
                f"task '{task}' has only {len(pool())} few-shot examples ({_whereabouts(origin, split)})"
            )
        return pool()[i]

    columns = ("id", "problem", "gold", "worked")
    return [ReadOnDemand(columns, lambda name, i=i: example(i)[name]) for i in range(FEWSHOT_POOL)]


def data_note(task: str) -> str:
    """The source of the test items, in one line; reads at most the first line of a file."""
    folder = data_folder()
    if folder is None:
        return f"hub {_source(task).hub['test'][0]}"
    file = _find(folder, task, "test")
    if file is None:
        return f"none: the data folder holds no {_names(task, 'test')}"
    return f"file {file.relative_to(folder).as_posix()}{_source(task).remark(file)}"


def has_data(task: str, split: str) -> bool:
    """Whether the data folder contains the split; True without a folder, because the hub has every split."""
    folder = data_folder()
    return folder is None or _find(folder, task, split) is not None


def fingerprint(task: str) -> str:
    """Identifies the state of a task's data: the files' hashes, or the hub's ids.

    Raises:
        RequestError: the data folder has no test split. Other splits may be missing.
    """
    source, folder = _source(task), data_folder()
    if folder is None:
        return f"hub {sorted(source.hub.items())} {source.revision}"
    files = [_file(folder, task, "test")]
    splits = [(task, split) for split in source.files if split != "test"]
    if task in _EXAMPLES:
        splits.append(_EXAMPLES[task][:2])
    files += [file for name, split in splits if (file := _find(folder, name, split))]
    return " ".join(map(sha256_of, dict.fromkeys(files)))


def use_data_folder(folder: Path | str) -> None:
    """Makes this process, and those that it starts, take the paper tasks' data from the folder.

    Raises:
        RequestError: there is no such folder.
    """
    if not Path(folder).is_dir():
        raise RequestError(f"--data-dir names {folder}, which is no folder")
    os.environ["SLMR_DATA"] = str(Path(folder).resolve())


def data_folder() -> Path | None:
    """The folder named by `SLMR_DATA`; None if it is not set.

    Raises:
        RequestError: there is no such folder.
    """
    named = os.environ.get("SLMR_DATA")
    if not named:
        return None
    if not Path(named).is_dir():
        raise RequestError(f"SLMR_DATA names {named}, which is no folder")
    return Path(named)


# --- records, from files or the hub ------------------------------------------------------------------


def _source(task: str) -> Source:
    check_known("data source", task, SOURCES)
    return SOURCES[task]


def _names(task: str, split: str) -> str:
    return " or ".join(_source(task).files[split])


def _find(folder: Path, task: str, split: str) -> Path | None:
    return next((folder / n for n in _source(task).files[split] if (folder / n).is_file()), None)


def _file(folder: Path, task: str, split: str) -> Path:
    file = _find(folder, task, split)
    if file is None:
        raise RequestError(
            f"task '{task}' has no data for its {split} split: {folder} holds no {_names(task, split)}; put the"
            f" file there, or leave out --data-dir and SLMR_DATA to load {_source(task).hub[split][0]} from the hub"
        )
    return file


def _whereabouts(task: str, split: str) -> str:
    folder = data_folder()
    return f"hub {_source(task).hub[split][0]}" if folder is None else str(_file(folder, task, split))


def _read(task: str, split: str) -> Iterator[tuple[Record, Document]]:
    """Each record of a split, with the document made from it."""
    source = _source(task)
    places: dict[str, str] = {}
    for i, (place, record) in enumerate(_records(task, split)):
        if not isinstance(record, Mapping):
            raise RequestError(f"{place}: a record of {task} is an object, not {type(record).__name__}")
        try:
            problem, gold = source.read(record)
        except ValueError as error:
            raise RequestError(f"{place}: no record of {task}: {error}") from None
        record_id = record.get(source.id_field) if source.id_field else None
        if record_id is not None and places.setdefault(str(record_id), place) != place:
            raise RequestError(
                f"{place}: the {source.id_field} {record_id!r} of {task} is also at {places[str(record_id)]}"
            )
        document = {"id": f"{task}/{split}/{i}", "problem": problem, "gold": gold}
        if source.solution and split == "train":
            document["solution"] = text_field(record, source.solution)
        yield record, document


def _records(task: str, split: str) -> Iterator[tuple[str, Any]]:
    """Each record, with its location."""
    folder = data_folder()
    if folder is None:
        name = _source(task).hub[split][0]
        yield from ((f"{name}, record {i}", r) for i, r in enumerate(_from_hub(task, split)))
        return
    file = _file(folder, task, split)
    yield from READERS[file.suffix](file)


def _from_hub(task: str, split: str) -> Any:
    path, config, splits = _source(task).hub[split]
    try:
        return load_from_hub(path, config, split=splits, revision=_source(task).revision)
    except Exception as error:  # the errors of the hub's client have no common base class
        raise RequestError(
            f"task '{task}' has no data for its {split} split: cannot load {path} from the hub"
            f" ({one_line(error)[:200]}); connect to the hub (HF_HUB_OFFLINE must not be 1), or name a folder"
            f" that holds {_names(task, split)} with --data-dir or SLMR_DATA"
        ) from None


# --- problem and gold answer of a record -------------------------------------------------------------


def _gsm8k(record: Record) -> tuple[str, str]:
    _, mark, gold = text_field(record, "answer").rpartition("####")
    if not mark or not gold.strip():
        raise ValueError("field 'answer' does not end in #### and the gold answer")
    return text_field(record, "question"), gold.strip().replace(",", "")


def _svamp(record: Record) -> tuple[str, str]:
    body = text_field(record, "Body")
    sentence = body if body[-1] in ".,;:?!" else f"{body}."
    return f"{sentence} {text_field(record, 'Question')}", number_field(record, "Answer")


def _mawps(record: Record) -> tuple[str, str]:
    """The fields are `input` and `target` in the file, `question` and `result` on the hub."""
    if "question" in record and "input" not in record:
        return text_field(record, "question"), number_field(record, "result")
    return text_field(record, "input"), number_field(record, "target")


def _math500(record: Record) -> tuple[str, str]:
    return text_field(record, "problem"), text_field(record, "answer")


def _logiqa(record: Record) -> tuple[str, str]:
    gold, options = text_field(record, "label").upper(), record.get("options")
    if gold not in ("A", "B", "C", "D"):
        raise ValueError(f"the label {gold!r} is none of ABCD")
    if not isinstance(options, list) or [type(option) for option in options] != [str] * 4:
        raise ValueError("field 'options' does not hold four texts")
    lettered = [f"{letter}. {text.strip()}" for letter, text in zip("ABCD", options, strict=True)]
    return "\n".join([text_field(record, "context"), text_field(record, "question"), *lettered]), gold


# --- few-shot examples -------------------------------------------------------------------------------


def _without_marks(record: Record) -> str:
    """GSM8K's own solution, which ends in `#### N`, without its calculator marks."""
    return re.sub(r"<<[^>]*>>", "", record["answer"]).strip()


def _letter(record: Record) -> str:
    """Only the answer in the strict form, because LogiQA has no solutions."""
    return f"Answer: {record['label'].strip().upper()}"


def _math500_examples(file: Path) -> Iterator[Document]:
    for i, (_, record) in enumerate(json_lines(file)):
        yield {"id": f"math500/{FEWSHOT}/{i}"} | {c: record[c] for c in ("problem", "gold", "worked")}


# Task → (source, split, function that makes the worked solution) of its examples. SVAMP and MAWPS have no training
# data of their own; MATH-500 has only a test set, so its examples are ours.
_EXAMPLES: dict[str, tuple[str, str, Callable[[Record], str]]] = {
    "gsm8k_platinum": ("gsm8k_platinum", "train", _without_marks),
    "svamp": ("gsm8k_platinum", "train", _without_marks),
    "mawps": ("gsm8k_platinum", "train", _without_marks),
    "logiqa": ("logiqa", "validation", _letter),
}


# --- the sources -------------------------------------------------------------------------------------


def _platinum_or_not(file: Path) -> str:
    """Only GSM8K-Platinum's records have a `cleaning_status`."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        platinum = '"cleaning_status"' in lines.readline()
    expected = file.parent.name == "gsm8k_platinum"
    if platinum:
        return "" if expected else " (GSM8K-Platinum)"
    if expected:
        return ", whose records lack cleaning_status: not known to be GSM8K-Platinum"
    return ", standing in for GSM8K-Platinum: original GSM8K test split, label faults included"


_LOGIQA_HUB = "EleutherAI/logiqa"
SOURCES: dict[str, Source] = {
    "gsm8k_platinum": Source(
        {"test": ("gsm8k_platinum/test.jsonl", "gsm8k/test.jsonl"), "train": ("gsm8k/train.jsonl",)},
        {"test": ("madrylab/gsm8k-platinum", "main", "test"), "train": ("openai/gsm8k", "main", "train")},
        _gsm8k,
        remark=_platinum_or_not,
        solution="answer",
    ),
    "svamp": Source(
        {"test": ("svamp/SVAMP.json",)},
        {"test": ("ChilleD/SVAMP", None, "train+test")},
        _svamp,
        id_field="ID",
    ),
    "mawps": Source(
        {"test": ("mawps/test.jsonl",)}, {"test": ("MU-NLPC/Calc-mawps", None, "test")}, _mawps, id_field="id"
    ),
    "math500": Source(
        {"test": ("math500/test.jsonl",)},
        {"test": ("HuggingFaceH4/MATH-500", None, "test")},
        _math500,
        id_field="unique_id",
    ),
    "logiqa": Source(
        {"test": ("logiqa/Test.txt",), "validation": ("logiqa/Eval.txt",)},
        {"test": (_LOGIQA_HUB, None, "test"), "validation": (_LOGIQA_HUB, None, "validation")},
        _logiqa,
        # The dataset is a script, which is never run; this revision is the hub's conversion to Parquet.
        revision="refs/convert/parquet",
    ),
}
