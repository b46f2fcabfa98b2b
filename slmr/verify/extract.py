"""Finding the answer in a completion: think blocks, requested forms, boxes, hedges, retractions.

All patterns are linear in the text, which is bounded before any of them runs.
"""

from __future__ import annotations

import re

from slmr.verify.verdict import Answer

MAX_LENGTH = 100_000  # characters of a completion that are looked at, from its end
MAX_ANSWER = 2_000  # characters of one answer

_THINK_OPEN, _THINK_CLOSE = "<think>", "</think>"
_SAID = re.compile(
    r"(?:final\s+answer|answer|result|solution)\s*(?:is|are|=|:)\s*:?\s*", re.IGNORECASE
)
_RETRACTS = re.compile(
    r"\b(?:no,? wait|wait,|actually|scratch that|i was wrong|that(?:'s| is) (?:wrong|incorrect|not right)"
    r"|let me (?:re|try|check|correct)|on second thought|correction|not correct|mistake)",
    re.IGNORECASE,
)
_HEDGE = re.compile(r"\b(?:or|either|maybe|perhaps|possibly|and/or|not sure|could be|might be)\b", re.IGNORECASE)


def visible(completion: str) -> str | None:
    """What is said after the closed think block; None where a thought was never closed."""
    text = completion[-MAX_LENGTH:]
    if _THINK_CLOSE in text:
        text = text.rsplit(_THINK_CLOSE, 1)[1]
    elif _THINK_OPEN in completion:
        return None
    return None if _THINK_OPEN in text else text


def boxed(text: str) -> list[tuple[str, int]]:
    r"""The contents of every `\boxed{...}` with balanced braces, and where each ends."""
    found = []
    position = 0
    while (start := text.find("\\boxed", position)) >= 0:
        brace = start + len("\\boxed")
        while brace < len(text) and text[brace] == " ":
            brace += 1
        position = brace
        if brace >= len(text) or text[brace] != "{":
            continue
        depth = 0
        for end in range(brace, min(len(text), brace + MAX_ANSWER)):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            if depth == 0:
                found.append((text[brace + 1 : end].strip(), end + 1))
                position = end + 1
                break
    return found


def marked(text: str, mark: str) -> list[tuple[str, int]]:
    """What stands behind each mark (`####`, `Answer:`) up to the end of its line, and where it ends."""
    pattern = re.compile(re.escape(mark) + r"[ \t]*([^\n]*)")
    return [(m[1].strip(), m.end()) for m in pattern.finditer(text)]


def closing(found: list[tuple[str, int]], text: str, strict_tail: bool = True) -> Answer | None:
    """The last of several finds as an answer; None if what follows takes it back.

    It is strict if nothing but blanks and closing punctuation follows.
    """
    if not found:
        return None
    answer, end = found[-1]
    tail = text[end:]
    if retracted(tail):
        return None
    bare_tail = not tail.strip(" \t\n.$*)}]\\,;!")
    return Answer(answer[:MAX_ANSWER], strict_tail and bare_tail)


def said(text: str) -> Answer | None:
    """What follows the last "the answer is", up to the end of its sentence or line."""
    matches = list(_SAID.finditer(text))
    if not matches:
        return None
    rest = text[matches[-1].end() :]
    line = re.split(r"\n|(?<=[^\d\s])[.;](?:\s|$)|\.(?:\s|$)", rest, maxsplit=1)[0]
    if retracted(rest[len(line) :]):
        return None
    return Answer(line.strip()[:MAX_ANSWER], False) if line.strip() else None


def retracted(tail: str) -> bool:
    """Whether what follows an answer takes it back."""
    return bool(_RETRACTS.search(tail))


def hedged(answer: str) -> bool:
    """Whether an answer names alternatives instead of one."""
    return bool(_HEDGE.search(answer))
