"""Where the documents of the paper edition come from: files under `SLMR_DATA`, else the hub.

The layout of the folder is `<source>/<file>` as in `SOURCES`. Every document becomes `id`, `problem`, `gold`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmr.errors import RequestError, one_line, unknown

if TYPE_CHECKING:
    from datasets import Dataset

_HELP = "set SLMR_DATA to a folder with the data files, or let the hub be reached (HF_HUB_OFFLINE is not 1)"

Record = Mapping[str, Any]
Read = Callable[[Record], tuple[str, str]]  # (problem, gold) of a record


@dataclass(frozen=True)
class Source:
    """One task's data. Both maps go from a split to where it is: file below the folder; hub id, config, splits."""

    files: Mapping[str, str]
    hub: Mapping[str, tuple[str, str | None, str]]
    read: Read
    revision: str | None = None


def dataset(task: str, **_: object) -> dict[str, Dataset]:
    """Every split of a paper task, as lm-eval wants its data.

    Raises:
        RequestError: there is no data, or a record lacks a field; the message says where and what to do.
    """
    from datasets import Dataset

    source = _source(task)
    found = {}
    for split in source.files:
        rows = []
        for i, (place, record) in enumerate(_records(task, split)):
            try:
                problem, gold = source.read(record)
            except (KeyError, ValueError, TypeError, IndexError, ArithmeticError) as error:
                raise RequestError(f"{place}: no record of {task}: {type(error).__name__} {error}") from None
            rows.append({"id": f"{task}/{split}/{i}", "problem": problem, "gold": gold})
        if not rows:
            raise RequestError(f"task '{task}': its {split} split is empty")
        found[split] = Dataset.from_list(rows)
    return found


def fingerprint(task: str) -> str:
    """What tells one state of a task's data from another: the files' hash, or the hub's ids."""
    source, folder = _source(task), data_folder()
    if folder is None:
        return f"hub {sorted(source.hub.items())} {source.revision}"
    digests = [
        hashlib.sha256(_file(folder, name, task).read_bytes()).hexdigest() for name in source.files.values()
    ]
    return " ".join(digests)


def _source(task: str) -> Source:
    if task not in SOURCES:
        raise unknown("data source", task, SOURCES)
    return SOURCES[task]


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


def _file(folder: Path, name: str, task: str) -> Path:
    if not (folder / name).is_file():
        raise RequestError(f"task '{task}': {folder} holds no {name}; {_HELP}")
    return folder / name


def _records(task: str, split: str) -> Iterator[tuple[str, Record]]:
    """Each record and where it stands."""
    source, folder = _source(task), data_folder()
    if folder is None:
        for i, record in enumerate(_from_hub(task, source, split)):
            yield f"{source.hub[split][0]}, record {i}", record
        return
    file = _file(folder, source.files[split], task)
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RequestError(f"{file}: not UTF-8 at byte {error.start}") from None
    if file.suffix == ".txt":
        yield from _samples_of_eight_lines(file, text)
    elif file.suffix == ".json":
        yield from ((f"{file}, record {i}", record) for i, record in enumerate(_parsed(text, str(file))))
    else:
        for i, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield f"{file}:{i}", _parsed(line, f"{file}:{i}")


def _parsed(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise RequestError(f"{place}: not JSON: {error}") from None


def _samples_of_eight_lines(file: Path, text: str) -> Iterator[tuple[str, Record]]:
    """LogiQA's own format: a blank line, the right letter, context, question, four options."""
    lines = text.splitlines()
    for start in range(0, len(lines) - 1, 8):
        part = lines[start : start + 8]
        if len(part) < 8 or part[0].strip():
            raise RequestError(f"{file}:{start + 1}: a sample has eight lines, the first of them blank")
        yield f"{file}:{start + 1}", {
            "label": part[1], "context": part[2], "question": part[3],
            "options": [option.partition(".")[2] for option in part[4:]],
        }  # fmt: skip


def _from_hub(task: str, source: Source, split: str) -> Any:
    import datasets

    path, config, splits = source.hub[split]
    try:
        return datasets.load_dataset(path, config, split=splits, revision=source.revision)
    except (OSError, ValueError) as error:
        raise RequestError(f"cannot load '{task}' from the hub ({one_line(error)[:200]}); {_HELP}") from None


def _plain(value: object) -> str:
    """A number without exponent and needless zeros: `43.0` is `43`."""
    text = format(Decimal(str(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _gsm8k(record: Record) -> tuple[str, str]:
    return record["question"].strip(), record["answer"].rsplit("####", 1)[1].strip().replace(",", "")


def _svamp(record: Record) -> tuple[str, str]:
    body = record["Body"].strip()
    return f"{body}{'' if body[-1] in '.,;:?!' else '.'} {record['Question'].strip()}", _plain(
        record["Answer"]
    )


def _mawps(record: Record) -> tuple[str, str]:
    if "input" in record:
        return record["input"].strip(), _plain(record["target"])
    return record["question"].strip(), _plain(record["result"].replace(",", "").replace("_", ""))


def _math500(record: Record) -> tuple[str, str]:
    return record["problem"].strip(), record["answer"].strip()


def _logiqa(record: Record) -> tuple[str, str]:
    letters = "ABCD"
    options = [f"{letter}. {text.strip()}" for letter, text in zip(letters, record["options"], strict=True)]
    gold = record["label"].strip().upper()
    if gold not in list(letters):
        raise ValueError(f"the label {gold!r} is none of {letters}")
    return "\n".join([record["context"].strip(), record["question"].strip(), *options]), gold


_LOGIQA_HUB = "EleutherAI/logiqa"
SOURCES: dict[str, Source] = {
    "gsm8k_platinum": Source(
        {"test": "gsm8k/test.jsonl", "train": "gsm8k/train.jsonl"},
        {"test": ("madrylab/gsm8k-platinum", "main", "test"), "train": ("openai/gsm8k", "main", "train")},
        _gsm8k,
    ),
    "svamp": Source(
        {"test": "svamp/SVAMP.json"}, {"test": ("ChilleD/SVAMP", None, "train+test")}, _svamp
    ),
    "mawps": Source({"test": "mawps/test.jsonl"}, {"test": ("MU-NLPC/Calc-mawps", None, "test")}, _mawps),
    "math500": Source(
        {"test": "math500/test.jsonl"}, {"test": ("HuggingFaceH4/MATH-500", None, "test")}, _math500
    ),
    "logiqa": Source(
        {"test": "logiqa/Test.txt", "validation": "logiqa/Eval.txt"},
        {"test": (_LOGIQA_HUB, None, "test"), "validation": (_LOGIQA_HUB, None, "validation")},
        _logiqa,
        # The dataset is a script, which is never run; this is the hub's own conversion to Parquet.
        revision="refs/convert/parquet",
    ),
}  # fmt: skip
