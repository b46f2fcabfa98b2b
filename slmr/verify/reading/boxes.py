r"""Every `\boxed{...}` of a text, with balanced braces."""

from __future__ import annotations

import re
from typing import NamedTuple

_BOX = re.compile(r"\\(?:boxed|fbox|framebox)\s*")
_BARE = re.compile(r"-?[\d.]*\d")
_BRACE = re.compile(r"\\\\|\\?[{}]")
_CONJUNCTION = re.compile(
    r"(?:\s[a-z]{1,20})?(?:\\[,;:! ()\[\]]|\\quad|\\qquad|[\s$~])*(?:[,;/]|\\?(?:text|mathrm)?\{?\s*(?:and"
    r"|or(?: else| maybe| perhaps| possibly)?|vs\.?|versus)\s*\}?)"
    r"(?:\\[,;:! ()\[\]]|\\quad|\\qquad|[\s$~])*(?:[a-zA-Z](?:_\{?\w{1,3}\}?)?\s*=\s*)?"
)

# What an instruction writes into a box: `\boxed{answer}`, `\boxed{...}`.
_PLACEHOLDER = re.compile(
    r"(?:\\text\w*\s*\{)?[\s<\[]*(?:(?:put |insert |write )?(?:(?:the|your|my) )?"
    r"(?:(?:final|numerical|numeric|correct) )?(?:answer|result|solution|value|number)(?: here)?"
    r"|\.{2,}|…|\\[lc]?dots)[\s>\]]*\}?",
    re.IGNORECASE,
)
# A factor in front of a box within its formula, and what changes the value behind one.
_FACTOR = re.compile(
    r"(?:(?<!\\)\$|\\[(\[])\s*(-?(?:\d+(?:\.\d+)?|\\pi|\\sqrt\s*\{[^{}]*\})(?:\s*(?:\\cdot|\\times|\*)\s*)?)\Z"
    r"|[$=(]\s*(-)\Z"
)
_CHANGES = re.compile(
    r"\s*(?:\\pi(?![a-z])|\\sqrt|\\(?:times|cdot)\s*10\s*\^|[xyzn](?=\s*(?:[-+$^]|\\\)))|\^\s*\{?\s*\d)[^$\n]{0,40}"
    r"|[\s$]*(?:\\(?:text|mathrm)\s*\{)?\s*(?:hundred|thousand|million|billion|trillion|dozen)\b\}?"
)


def value_with_factor(before: str, content: str, after: str) -> str | None:
    r"""The value of a formula that has a box as one factor, `2\boxed{3}` or `\boxed{3}\pi`; None for any other box."""
    front, behind = _FACTOR.search(before[-60:]), _CHANGES.match(after)
    if not front and not behind:
        return None
    factor = (front[1] or front[2]) if front else ""
    rest = behind[0].replace("$", "") if behind else ""
    return f"{factor}({content}){rest}" if factor or not _BARE.fullmatch(content) else content + rest


class Box(NamedTuple):
    """A box in a text: its content, and where it begins and ends."""

    content: str
    start: int
    end: int


def find_boxes(text: str) -> list[Box]:
    r"""Every `\boxed{...}` with balanced braces.

    Boxes joined by a comma, a slash, `and` or `or` are one list; one word, such as a unit, may stand in front of that.
    Of nested boxes the innermost counts. A box with a placeholder counts only where there is no other.
    """
    boxes: list[Box] = []
    position = 0
    while match := _BOX.search(text, position):
        content, end = _group(text, match.end())
        gap = text[boxes[-1].end : match.start()] if boxes else ""
        if content is not None and boxes and len(gap) < 60 and _CONJUNCTION.fullmatch(gap):
            boxes[-1] = Box(f"{boxes[-1].content}, {content}", boxes[-1].start, end)
        elif content is not None:
            boxes.append(Box(content, match.start(), end))
        position = max(end, match.end())
    return [box for box in boxes if not _PLACEHOLDER.fullmatch(box.content)] or boxes


def without_box(text: str) -> str:
    """The content of a box that is all of a text; else the text."""
    for _ in range(5):
        boxes = find_boxes(text) if text.startswith("\\") else []
        if len(boxes) != 1 or boxes[0].start != 0 or boxes[0].end != len(text):
            break
        text = boxes[0].content
    return text


def _group(text: str, start: int) -> tuple[str | None, int]:
    """The group that begins here, and its end; a bare number counts as one."""
    if start >= len(text):
        return None, start
    if text[start] != "{":
        bare = _BARE.match(text, start)
        return (bare[0], bare.end()) if bare else (None, start)
    depth = 0
    for brace in _BRACE.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return text[start + 1 : brace.start()].strip(), brace.end()
    return None, len(text)
