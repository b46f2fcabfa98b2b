"""The options of a question in a file, and which of them is the right one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from slmr.errors import RequestError
from slmr.verify.choice.answer import parse_gold

LETTERS = "ABCDEFGHIJ"
_LISTS = ("options", "choices")
_COLUMN = re.compile(r"(?:(?:option|choice)[ _]?)?([A-J])", re.IGNORECASE)


class Options(NamedTuple):
    """The options of a question.

    Attributes:
        texts: letter → text.
        labels: the file's own name of an option, such as 1 to 4 in ARC → letter.
        is_list: whether they come as a list in one column, and not in columns of their own.
    """

    texts: dict[str, str]
    labels: dict[str, str]
    is_list: bool


def read_options(record: Mapping[str, Any]) -> Options:
    """The options of a record: of a list `choices`, of texts with labels (ARC's `choices`), or of columns A, B, ...

    Raises:
        RequestError: there are more than ten.
    """
    texts, labels = _texts_and_labels(next((record[name] for name in _LISTS if name in record), None))
    if len(texts) > len(LETTERS):
        raise RequestError(f"it has {len(texts)} options: at most {len(LETTERS)} can be asked")
    if texts:
        options = dict(zip(LETTERS, texts, strict=False))
        return Options(options, dict(zip(labels, options, strict=False)), True)
    columns = {m[1].upper(): text for name, text in record.items() if (m := _COLUMN.fullmatch(str(name)))}
    cells = {letter: str(columns[letter]).strip() for letter in sorted(columns) if columns[letter] is not None}
    return Options({letter: text for letter, text in cells.items() if text}, {}, False)


def _texts_and_labels(value: Any) -> tuple[list[str], list[str]]:
    """The texts and labels of a list of options; empty for anything else."""
    texts, labels = value, []
    if isinstance(value, Mapping):
        texts, labels = value.get("text"), value.get("label")
    if not isinstance(texts, list):
        return [], []
    return [str(text).strip() for text in texts], [str(label) for label in labels or ()]


def right_letter(options: Options, answer: str | int | float) -> str | None:
    """The letter of the right option: named by its letter, its label, its text, or as a number by its place from 0 on.

    None where the options are two columns A and B that the answer does not name: they may be numbers of the question.

    Raises:
        RequestError: the answer names no option, or more than one.
    """
    text = str(answer).strip()
    if text in options.labels:
        return options.labels[text]
    letter = text.strip("(). ").upper()
    if len(letter) == 1 and letter in options.texts:
        return letter
    letters = [letter for letter, option in options.texts.items() if option.casefold() == text.casefold()]
    if options.is_list and isinstance(answer, int) and 0 <= answer < len(options.texts):
        letters = list(dict.fromkeys([*letters, LETTERS[answer]]))  # as data sets with classes give it
    if not letters and (letter := parse_gold(text)) in options.texts:
        return letter
    if len(letters) == 1:
        return letters[0]
    if not letters and not options.is_list and len(options.texts) == 2:
        return None
    how_many = f"more than one of them ({' and '.join(letters)})" if letters else "none of them"
    raise RequestError(
        f"it has the options {', '.join(options.texts)}, but its answer {text[:40]!r} is {how_many}: give the letter of"
        " the right one, or its text"
    )
