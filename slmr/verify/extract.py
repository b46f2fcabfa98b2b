"""Finding the answer in a completion: think blocks, boxes, statements, hedges, retractions.

All patterns are linear in the text, which is cut to a bounded length before any of them runs.
"""

from __future__ import annotations

import re
import unicodedata

from slmr.verify.verdict import Answer

MAX_LENGTH = 100_000  # characters of a completion that are looked at, from its end
MAX_ANSWER = 10_000  # characters of one answer

_THINK_OPEN, _THINK_CLOSE = "<think>", "</think>"
_SPECIAL = re.compile(r"(?:(?:<\|[a-z_]{1,30}\|>|</s>|<eos>)\s{0,2}(?:user|assistant)?\s{0,2}){1,8}$")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_SIGNS = {ord("\u2212"): "-", ord("\uff0d"): "-", ord("\u00a0"): " ", ord("\u2009"): " ", ord("\u202f"): " "}
_SAID = re.compile(
    r"(?:\b(?:final\s+answer|answer|result|solution|value)\s*(?:is|are|=|:)|(?:^|(?<=\n))(?-i:A):|答案(?:是|为|：|:)?)\s*:?\s*"
    r"(?:(?:therefore|thus|simply|exactly)\s+)?",
    re.IGNORECASE,
)
_RETRACTS = re.compile(
    r"\b(?:no,? wait|wait\b|actually|scratch that|i was wrong|that(?:'s| is| was) (?:wrong|incorrect|not right)"
    r"|let me (?:re|try|correct)|on second thou?ght|correction|(?:made a|my) mistake|mistaken|not sure"
    r"|i(?:'m| am) unsure|oops|sorry|i (?:meant|forgot)|i (?:don't|do not) know|or (?:maybe|perhaps|possibly))\b"
    r"|\b(?:it|this|that|answer) should (?:instead |actually |rather )?(?:have been|be) "
    r"[$\\(*]*(?:-|\d|(?-i:[A-J]\b))"
    r"|\bhmm,? no\b|(?:^|(?<=[.!?]\s)|(?<=\n))no[,:;!]\s",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(?:or|either|maybe|perhaps|possibly|and/or|not sure|unsure|could be|might be|not)\b", re.IGNORECASE
)
_UNSURE = re.compile(
    r"\b(?:not (?:sure|certain)|unsure|no idea|i(?:'m| am)? guess(?:ing)?|(?:don't|do not) know)\b",
    re.IGNORECASE,
)
_FINAL = re.compile(r"\banswer(?:\s+is|\s*:)[ \t]*([^\n]{1,80})", re.IGNORECASE)
_BOX = re.compile(r"\\(?:boxed|fbox)\s*")
_JOIN = re.compile(
    r"(?:\s[a-z]{1,20})?(?:\\[,;:! ()\[\]]|\\quad|\\qquad|[\s$~])*(?:,|\\?(?:text|mathrm)?\{?\s*(?:and|or)\s*\}?)"
    r"(?:\\[,;:! ()\[\]]|\\quad|\\qquad|[\s$~])*(?:[a-zA-Z](?:_\{?\w{1,3}\}?)?\s*=\s*)?"
)


def visible(completion: str) -> str | None:
    """What is said after the closed think block; None where a thought was never closed."""
    said_after = completion.rsplit(_THINK_CLOSE, 1)[-1]
    return None if _THINK_OPEN in said_after else _without_special(said_after[-MAX_LENGTH:])


def _without_special(text: str) -> str:
    """The text without the special tokens of a chat format at its end."""
    text = text.rstrip()
    match = _SPECIAL.search(text, max(0, len(text) - 200))
    return text[: match.start()].rstrip() if match else text


def fold(text: str) -> str:
    """One spelling of characters: full-width digits, the minus sign, odd and invisible blanks."""
    if text.isascii():
        return text
    plain = text.translate(_INVISIBLE).translate(_SIGNS)
    return "".join(
        str(unicodedata.decimal(c))
        if c.isdecimal()
        else unicodedata.normalize("NFKC", c)
        if "！" <= c <= "～"
        else c
        for c in plain
    )


def boxed(text: str) -> list[tuple[str, int]]:
    r"""The contents of every `\boxed{...}` with balanced braces, and where each ends.

    Boxes joined by a comma, `and` or `or` are one list, one word such as a unit may stand before that. A box
    around boxes is what stands innermost.
    """
    found: list[tuple[str, int]] = []
    position = 0
    while match := _BOX.search(text, position):
        content, end = _group(text, match.end())
        gap = text[found[-1][1] : match.start()] if found else ""
        if content is not None and found and len(gap) < 60 and _JOIN.fullmatch(gap):
            found[-1] = (f"{found[-1][0]}, {content}", end)
        elif content is not None:
            found.append((content, end))
        position = max(end, match.end())
    return found


def _group(text: str, start: int) -> tuple[str | None, int]:
    if start >= len(text):
        return None, start
    if text[start] != "{":
        bare = re.compile(r"-?[\d.]*\d").match(text, start)
        return (bare[0], bare.end()) if bare else (None, start)
    depth = 0
    for end in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0:
            return text[start + 1 : end].strip(), end + 1
    return None, len(text)


def closing(found: list[tuple[str, int]], text: str) -> tuple[str, str] | None:
    """The last of several finds and what follows it; None if what follows takes it back."""
    if not found:
        return None
    answer, end = found[-1]
    tail = text[end:]
    return None if retracted(tail) else (answer, tail)


def said(text: str) -> Answer | None:
    """What follows the last "the answer is", up to the end of its sentence or line."""
    matches = list(_SAID.finditer(text))
    if not matches:
        return None
    rest = text[matches[-1].end() :]
    line = re.split(r"\n|(?<=\S)[.;!?。](?:\s|$)|。", rest.lstrip(), maxsplit=1)[0][:2_000]
    if retracted(rest) or not line.strip():
        return None
    return Answer(line.strip().rstrip(".").strip("*_ "), False)


def retracted(tail: str) -> bool:
    """Whether what follows an answer takes it back."""
    return bool(_RETRACTS.search(tail))


def restated(after: str) -> list[str]:
    """What a text says that "the answer is", each up to the end of its sentence."""
    ends = (re.split(r"[.;!?](?:\s|$)", match[1], maxsplit=1)[0] for match in _FINAL.finditer(after))
    return [end.strip().strip("*_ ") for end in ends][-5:]


def unsure(text: str) -> bool:
    """Whether a text says that its writer does not know."""
    return bool(_UNSURE.search(text))


def hedged(answer: str) -> bool:
    """Whether an answer names alternatives, or denies, instead of naming one."""
    return bool(_HEDGE.search(answer))


def last_lines(text: str) -> list[str]:
    """The lines that are not blank."""
    return [line.strip() for line in text.splitlines() if line.strip()]
