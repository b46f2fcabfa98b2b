"""The choice checker: one letter from A to J."""

from __future__ import annotations

import re

from slmr.verify.extract import boxed, closing, hedged, last_lines, said
from slmr.verify.verdict import Answer

_HEAD = 200
_REQUESTED = re.compile(r"(?:^|(?<=[\s*.]))(?:Answer|ANSWER)[ \t]*:[ \t]*([^\n]*)")
_STRICT = re.compile(r"\(?([A-J])\)?\.?")
_WRAP = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\s*\{([^{}]*)\}")
_LEADS = re.compile(r"[\s(\[*\"'“$]*(?:(?:[Oo]ption|[Cc]hoice)\s*[(*]*)?([A-J])(?![A-Za-z0-9_'])[)\]*\"'”$]*")
_NAMED = re.compile(r"\b(?:[Oo]ption|[Cc]hoice)\s*[(*]*([A-J])\b|\(([A-J])\)")
_LETTER = re.compile(r"(?<![A-Za-z0-9_'])([A-J])(?![A-Za-z0-9_'])")
_SAID_GOLD = re.compile(r"\banswer is:?\s+\(?([A-J])\)?(?:[.:)\s]|$)")
_DENIES = re.compile(r"\b(?:not|neither|isn't|can't|cannot|nor)\b|不是", re.IGNORECASE)


def parse(text: str) -> str | None:
    """The one letter that an answer names; None if it names none or several."""
    plain = _WRAP.sub(r"\1", text.strip()).strip("*_`$ ").rstrip(".。").strip()[:_HEAD]
    leading = _LEADS.match(plain)
    if leading:
        rest = plain[leading.end() :]
        separated = not rest or re.match(r"\s*(?:[.:),;。，-]|不|because\b|since\b|as\b|is\b)", rest)
        others = set(_LETTER.findall(_DENIES.split(rest)[0])) - {leading[1], "A", "I"}
        several = re.match(r"\s*(?:,|;|/|&|or\b|and\b)?\s*(?:\(?[A-J]\)?(?![A-Za-z'])|or\b)", rest) or others
        if separated and not several and not hedged(_DENIES.split(rest)[0]):
            return leading[1]
        if several or (leading[0].strip()[:1] != "(" and leading[1] in "AI"):
            return None
    named = {a or b for a, b in _NAMED.findall(plain)}
    return named.pop() if len(named) == 1 and not hedged(plain) and not _DENIES.search(plain) else None


def parse_gold(text: str) -> str | None:
    """The letter of a gold answer: alone, or in front of the option's text."""
    match = re.match(r"\s*\(?([A-Ja-j])\)?(?:[.:)\s]|$)", text) or _SAID_GOLD.search(text)
    return match[1].upper() if match else None


def extract(text: str) -> Answer | None:
    """The answer: `Answer: B`, else a box, else "the answer is B", else the option that the end names."""
    requested = [(m[1].strip(), m.end()) for m in _REQUESTED.finditer(text)]
    for found, wanted in ((requested, True), (boxed(text), False)):
        if found:
            last = closing(found, text)
            if last is None or not last[0]:
                return None
            strict = wanted and not last[1].strip(" \t\r\n.") and bool(_STRICT.fullmatch(last[0]))
            return Answer(last[0], strict, last[1])
    stated = said(text)
    if stated:
        return stated
    lines = last_lines(text)
    if not lines:
        return None
    if len(lines) == 1 or len(lines[-1]) <= 60 or _NAMED.search(lines[-1]):
        return Answer(lines[-1], False)
    return None


def matches(answer: str, gold: str) -> bool:
    """Whether the answer names the gold letter and no other."""
    return parse(answer) == gold
