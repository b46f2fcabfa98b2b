"""Where the documents of the paper edition come from: files of a data folder, else the hub.

The folder is the one that `SLMR_DATA` names, its layout `<source>/<file>` as in `SOURCES`. Every document
becomes `id`, `problem`, `gold`; one of the split `fewshot` also has `worked`, a solution in the strict form.
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

from slmr.errors import RequestError, one_line, unknown
from slmr.io import json_lines, resource, sha256_of
from slmr.tasks.hub import load_from_hub
from slmr.tasks.readers import READERS, Record, number_field, text_field

FEWSHOT = "fewshot"
FEWSHOT_POOL = 32  # more examples than a small model's context holds

Document = dict[str, str]
Read = Callable[[Record], tuple[str, str]]  # (problem, gold) of a record; ValueError says what is wrong


@dataclass(frozen=True)
class Source:
    """One task's data. Both maps go from a split to where it is.

    `files`: below the data folder, the preferred one first. `hub`: id, config, splits.
    `id_field`: the field that holds the data's own ids, which must differ.
    `remark`: what a reader of results must know of a file.
    `solution`: the field of a training record that holds a worked solution, which a teacher may use.
    """

    files: Mapping[str, tuple[str, ...]]
    hub: Mapping[str, tuple[str, str | None, str]]
    read: Read
    id_field: str | None = None
    revision: str | None = None
    remark: Callable[[Path], str] = lambda file: ""
    solution: str | None = None


class ReadOnDemand(Mapping[str, Any]):
    """Values by their names, each read when it is first asked for."""

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
    """The splits of a task: whoever has only one can use that."""


# --- what tasks use ------------------------------------------------------------------------------


def dataset(task: str, **_: object) -> Splits:
    """The splits of a paper task, as lm-eval wants its data; asking for one raises what `documents` does."""

    def read(split: str) -> Any:
        if split == FEWSHOT:
            return examples(task)
        from datasets import Dataset

        return Dataset.from_list(documents(task, split))

    return Splits((*_source(task).files, FEWSHOT), read)


def documents(task: str, split: str) -> list[Document]:
    """All documents of one split; no other split's data is touched.

    Raises:
        RequestError: the data is not there or faulty; the message says where and what to do.
    """
    split_documents = [document for _, document in _read(task, split)]
    if not split_documents:
        raise RequestError(f"task '{task}': its {split} split is empty ({_whereabouts(task, split)})")
    return split_documents


def examples(task: str) -> Sequence[Mapping[str, str]]:
    """The documents for few-shot prompts, in order. Nothing is read before a document is looked into.

    lm-eval lists all of them whenever it opens a task, also where no example is wanted: a task without
    its training data must still open.
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
    """Where the test items come from, in one line; reads at most the first line of a file."""
    folder = data_folder()
    if folder is None:
        return f"hub {_source(task).hub['test'][0]}"
    file = _find(folder, task, "test")
    if file is None:
        return f"none: the data folder holds no {_names(task, 'test')}"
    return f"file {file.relative_to(folder).as_posix()}{_source(task).remark(file)}"


def has_data(task: str, split: str) -> bool:
    """Whether the data folder holds the split; True without a folder, since the hub has every split."""
    folder = data_folder()
    return folder is None or _find(folder, task, split) is not None


def fingerprint(task: str) -> str:
    """What tells one state of a task's data from another: the files' hashes, or the hub's ids.

    Raises:
        RequestError: there is a data folder, without the test split. The other splits may be absent.
    """
    source, folder = _source(task), data_folder()
    if folder is None:
        return f"hub {sorted(source.hub.items())} {source.revision}"
    files = [_file(folder, task, "test")]
    used = [(task, split) for split in source.files if split != "test"]
    if task in _EXAMPLES:
        used.append(_EXAMPLES[task][:2])
    files += [file for name, split in used if (file := _find(folder, name, split))]
    return " ".join(map(sha256_of, dict.fromkeys(files)))


def use_data_folder(folder: Path | str) -> None:
    """From here on this process and those it starts take the paper tasks' data from there.

    Raises:
        RequestError: it is no folder.
    """
    if not Path(folder).is_dir():
        raise RequestError(f"--data-dir names {folder}, which is no folder")
    os.environ["SLMR_DATA"] = str(Path(folder).resolve())


def data_folder() -> Path | None:
    """The folder that `SLMR_DATA` names; None where it is not set.

    Raises:
        RequestError: it names no folder.
    """
    named = os.environ.get("SLMR_DATA")
    if not named:
        return None
    if not Path(named).is_dir():
        raise RequestError(f"SLMR_DATA names {named}, which is no folder")
    return Path(named)


# --- records, from files or the hub ------------------------------------------------------------------


def _source(task: str) -> Source:
    if task not in SOURCES:
        raise unknown("data source", task, SOURCES)
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
    """Each record of a split and the document that it becomes."""
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
    """Each record and where it stands."""
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
    except Exception as error:  # the hub's client has no common base for what its layers raise
        raise RequestError(
            f"task '{task}' has no data for its {split} split: cannot load {path} from the hub"
            f" ({one_line(error)[:200]}); let the hub be reached (HF_HUB_OFFLINE is not 1), or name a folder"
            f" that holds {_names(task, split)} with --data-dir or SLMR_DATA"
        ) from None


# --- problem and gold of a record --------------------------------------------------------------------


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
    """`input` and `target` in the file, `question` and `result` on the hub."""
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
    """GSM8K's own solution, which ends in `#### N`, without the marks for its calculator."""
    return re.sub(r"<<[^>]*>>", "", record["answer"]).strip()


def _letter(record: Record) -> str:
    """LogiQA has no solutions: the answer in the strict form is all."""
    return f"Answer: {record['label'].strip().upper()}"


def _math500_examples(file: Path) -> Iterator[Document]:
    for i, (_, record) in enumerate(json_lines(file)):
        yield {"id": f"math500/{FEWSHOT}/{i}"} | {c: record[c] for c in ("problem", "gold", "worked")}


# Which task's split, and what the answer is made of. SVAMP and MAWPS have no training data of their own;
# MATH-500's examples are ours, since what it has is its test set.
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
        _gsm8k, remark=_platinum_or_not, solution="answer",
    ),
    "svamp": Source(
        {"test": ("svamp/SVAMP.json",)}, {"test": ("ChilleD/SVAMP", None, "train+test")}, _svamp, id_field="ID"
    ),
    "mawps": Source(
        {"test": ("mawps/test.jsonl",)}, {"test": ("MU-NLPC/Calc-mawps", None, "test")}, _mawps, id_field="id"
    ),
    "math500": Source(
        {"test": ("math500/test.jsonl",)}, {"test": ("HuggingFaceH4/MATH-500", None, "test")}, _math500,
        id_field="unique_id",
    ),
    "logiqa": Source(
        {"test": ("logiqa/Test.txt",), "validation": ("logiqa/Eval.txt",)},
        {"test": (_LOGIQA_HUB, None, "test"), "validation": (_LOGIQA_HUB, None, "validation")},
        _logiqa,
        # The dataset is a script, which is never run; this is the hub's own conversion to Parquet.
        revision="refs/convert/parquet",
    ),
}  # fmt: skip
