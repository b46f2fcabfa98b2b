"""Reads records from a file, with their locations, and their fields; every error says where and what in one line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from slmr.errors import RequestError
from slmr.io import Placed, json_lines, json_list, read_text

Record = Mapping[str, Any]


def eight_line_samples(file: Path) -> Placed:
    """LogiQA's own format: a blank line, the right letter, context, question, four options.

    Raises:
        RequestError: as for `json_lines`, or the lines do not have this structure.
    """
    lines = read_text(file).rstrip().split("\n")
    for start in range(0, len(lines) if lines != [""] else 0, 8):
        part = lines[start : start + 8]
        if len(part) < 8 or part[0].strip():
            raise RequestError(f"{file}:{start + 1}: a sample has eight lines, the first of them blank")
        yield (
            f"{file}:{start + 1}",
            {
                "label": _letter_by_position(part[1].strip(), part[4:]),
                "context": part[2],
                "question": part[3],
                "options": [_strip_letter(c, option) for c, option in zip("ABCD", part[4:], strict=True)],
            },
        )


def _strip_letter(letter: str, option: str) -> str:
    """An option without its letter: `B.text`, `B text` or `.text`; the article A is not a letter."""
    mark = re.match(r"[A-D](?=[.?\s])[.?\s]*|\.", option)
    lettered = mark and (option[0] in (letter, ".") or option[1:2] in ".?")
    return option[mark.end() :] if mark and lettered else option


def _letter_by_position(letter: str, options: list[str]) -> str:
    """The letter for the position of the option that is marked with `letter`.

    19 samples of LogiQA's test set list the options as A, C, B, D, and their label is the option's own mark.
    """
    letters = [option[:1] for option in options if not option[1:2].isalnum()]
    known = letter and len(letters) == 4 and letter.upper() in letters
    return "ABCD"[letters.index(letter.upper())] if known else letter


READERS: dict[str, Callable[[Path], Placed]] = {
    ".jsonl": json_lines,
    ".json": json_list,
    ".txt": eight_line_samples,
}


def text_field(record: Record, name: str) -> str:
    """The field's text, without surrounding whitespace.

    Raises:
        ValueError: it is missing, empty or no text; the message names the field.
    """
    value = _value(record, name)
    if not isinstance(value, str):
        raise ValueError(f"field '{name}' is {type(value).__name__}, not text")
    if not value.strip():
        raise ValueError(f"field '{name}' is empty")
    return value.strip()


def number_field(record: Record, name: str) -> str:
    """A number without exponent and trailing zeros (`43.0` becomes `43`); a fraction such as `7/4` is kept.

    Raises:
        ValueError: it is no finite number; the message names the field.
    """
    text = str(_value(record, name)).strip()
    if not text:
        raise ValueError(f"field '{name}' is empty")
    plain = text.replace(",", "").replace("_", "")
    if re.fullmatch(r"-?\d+/0*[1-9]\d*", plain):
        return plain
    try:
        number = Decimal(plain)
    except InvalidOperation:
        raise ValueError(f"field '{name}' is {text[:40]!r}, not a number") from None
    if not number.is_finite() or abs(number.adjusted()) > 60:
        raise ValueError(f"field '{name}' is {text[:40]}, which is no answer to a problem")
    digits = format(number, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _value(record: Record, name: str) -> Any:
    if name not in record:
        raise ValueError(f"no field '{name}' (it has: {', '.join(map(str, record)) or 'none'})")
    return record[name]
