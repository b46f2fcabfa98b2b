r"""Brackets in an answer: how deep they nest, where a list is split, what a tuple, interval or set holds."""

from __future__ import annotations

import re
from itertools import accumulate

_LEVEL = {"(": 1, "[": 1, "{": 1, "⟦": 1, ")": -1, "]": -1, "}": -1, "⟧": -1}

_BRACKET = re.compile(r"[(\[{⟦)\]}⟧]")


def depth(text: str) -> int:
    """The deepest nesting of brackets."""
    return max(_levels(text))


def _levels(text: str) -> list[int]:
    """How many brackets are open: at the start, and behind each bracket."""
    return list(accumulate((_LEVEL[bracket] for bracket in _BRACKET.findall(text)), initial=0))


def squeeze(text: str) -> str:
    """The text without white space, but for one blank between two digits: `4 2` is not 42."""
    return re.sub(r"(?<!\d)\s+|\s+(?!\d)", "", text)


def split(text: str, separators: str) -> list[str]:
    parts, level, start = [], 0, 0
    for i, character in enumerate(text):
        level += _LEVEL.get(character, 0)
        if level == 0 and character in separators:
            parts.append(text[start:i].strip())
            start = i + 1
    return [*parts, text[start:].strip()]


def parse_brackets(text: str) -> tuple[str, list[str]] | None:
    """The brackets and parts of a tuple, interval or set; None for anything else."""
    plain = text.strip()
    opening = "\\{" if plain.startswith("\\{") else plain[:1]
    end = "\\}" if plain.endswith("\\}") else plain[-1:]
    if (
        opening not in ("(", "[", "\\{", "{")
        or end not in (")", "]", "\\}", "}")
        or (opening == "\\{") != (end == "\\}")
        or (opening == "{") != (end == "}")
    ):
        return None
    inner = plain[len(opening) : len(plain) - len(end)]
    levels, parts = _levels(inner), split(inner, ",;")
    if min(levels) < 0 or levels[-1] or (len(parts) < 2 and opening != "\\{"):
        return None
    return opening + end, parts
