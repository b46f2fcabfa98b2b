"""Records from a file, each with its place, and their fields; every fault is one line that says where and what."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from slmr.errors import RequestError, one_line

Record = Mapping[str, Any]
Placed = Iterator[tuple[str, Any]]  # (where it stands, what stands there)


def json_lines(file: Path) -> Placed:
    """What every line of JSON says; blank lines are skipped.

    Raises:
        RequestError: the file cannot be read, is not UTF-8, or a line is not JSON.
    """
    # Not splitlines: it would also cut at U+2028 and the like, which may stand inside of a JSON string.
    for i, line in enumerate(_text(file).split("\n"), 1):
        if line.strip():
            yield f"{file}:{i}", _parsed(line, f"{file}:{i}")


def json_list(file: Path) -> Placed:
    """The members of the one list that the file holds.

    Raises:
        RequestError: as for `json_lines`, or it holds no list.
    """
    records = _parsed(_text(file), str(file))
    if not isinstance(records, list):
        raise RequestError(f"{file}: it must hold a list of records, not {type(records).__name__}")
    for i, record in enumerate(records):
        yield f"{file}, record {i}", record


def eight_line_samples(file: Path) -> Placed:
    """LogiQA's own format: a blank line, the right letter, context, question, four options.

    Raises:
        RequestError: as for `json_lines`, or the lines are not grouped so.
    """
    lines = _text(file).rstrip().split("\n")
    for start in range(0, len(lines) if lines != [""] else 0, 8):
        part = lines[start : start + 8]
        if len(part) < 8 or part[0].strip():
            raise RequestError(f"{file}:{start + 1}: a sample has eight lines, the first of them blank")
        yield f"{file}:{start + 1}", {
            "label": _place_of(part[1].strip(), part[4:]), "context": part[2], "question": part[3],
            "options": [_unlettered(c, option) for c, option in zip("ABCD", part[4:], strict=True)],
        }  # fmt: skip


def _unlettered(letter: str, option: str) -> str:
    """An option without the letter before it: `B.text`, `B text` or `.text`; an article A is no letter."""
    mark = re.match(r"[A-D](?=[.?\s])[.?\s]*|\.", option)
    lettered = mark and (option[0] in (letter, ".") or option[1:2] in ".?")
    return option[mark.end() :] if mark and lettered else option


def _place_of(letter: str, options: list[str]) -> str:
    """The letter of the place where the option with this letter stands.

    19 samples of LogiQA's test set list A, C, B, D, and their right letter is the option's own.
    """
    own = [option[:1] for option in options if not option[1:2].isalnum()]
    return "ABCD"[own.index(letter.upper())] if letter and letter.upper() in own and len(own) == 4 else letter


READERS: dict[str, Callable[[Path], Placed]] = {
    ".jsonl": json_lines, ".json": json_list, ".txt": eight_line_samples,
}  # fmt: skip


def _text(file: Path) -> str:
    try:
        return file.read_bytes().removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except OSError as error:
        raise RequestError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        byte = f"0x{error.object[error.start]:02x}"
        raise RequestError(
            f"{file}:{line}: not UTF-8: byte {byte} at position {column} of the line"
        ) from None


def _parsed(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of too many digits
        raise RequestError(f"{place}: not JSON: {one_line(error)}") from None


def text_field(record: Record, name: str) -> str:
    """A text that is there and not empty, without space around it.

    Raises:
        ValueError: it is not; the message names the field.
    """
    value = _value(record, name)
    if not isinstance(value, str):
        raise ValueError(f"field '{name}' is {type(value).__name__}, not text")
    if not value.strip():
        raise ValueError(f"field '{name}' is empty")
    return value.strip()


def number_field(record: Record, name: str) -> str:
    """A number without exponent and needless zeros (`43.0` is `43`); a fraction such as `7/4` as it is.

    Raises:
        ValueError: it is no finite number; the message names the field.
    """
    said = str(_value(record, name)).strip()
    if not said:
        raise ValueError(f"field '{name}' is empty")
    plain = said.replace(",", "").replace("_", "")
    if re.fullmatch(r"-?\d+/0*[1-9]\d*", plain):
        return plain
    try:
        number = Decimal(plain)
    except InvalidOperation:
        raise ValueError(f"field '{name}' is {said[:40]!r}, not a number") from None
    if not number.is_finite() or abs(number.adjusted()) > 60:
        raise ValueError(f"field '{name}' is {said[:40]}, which is no answer to a problem")
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _value(record: Record, name: str) -> Any:
    if name not in record:
        raise ValueError(f"no field '{name}' (it has: {', '.join(map(str, record)) or 'none'})")
    return record[name]
