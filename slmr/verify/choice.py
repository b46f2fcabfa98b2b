"""The choice checker: one letter from A to J."""

from __future__ import annotations

import re

from slmr.verify.extract import boxed, closing, hedged, said
from slmr.verify.verdict import Answer

_REQUESTED = re.compile(r"(?:^|(?<=[\s*.]))Answer:[ \t]*\(?([A-J])\)?(?![\w'])")
_ALONE = re.compile(r"^\W*(?:option|choice)?\s*[\(\[]?\s*([A-Ja-j])\s*[\)\]]?(?:[.:),\s].*)?$", re.DOTALL)
_NAMED = re.compile(r"(?:\b(?:option|choice)\s*\(?|\()([A-J])\)?(?![\w'])|\\text\{\(?([A-J])\)?\}")
_LETTER = re.compile(r"(?<![\w'])([A-J])(?![\w'])")


def parse(text: str) -> str | None:
    """The one letter that a text names; None if it names none or several."""
    plain = text.strip().strip("*_`$").strip()
    plain = re.sub(r"\\(?:text|mathrm|textbf)\s*\{([^{}]*)\}", r"\1", plain)
    letters = set(_LETTER.findall(plain[:200]))
    if hedged(plain[:200]) and len(letters) != 1 or len(letters) > 1:
        return None
    alone = _ALONE.match(plain[:200])
    if alone and (len(plain) <= 3 or not alone[1].islower()):
        return alone[1].upper()
    named = {a or b for a, b in _NAMED.findall(plain[:200])}
    return named.pop() if len(named) == 1 else letters.pop() if len(letters) == 1 else None


def extract(text: str) -> Answer | None:
    """The answer: `Answer: B`, else a box, else "the answer is B", else the one option named last."""
    requested = [(m[1], m.end()) for m in _REQUESTED.finditer(text)]
    if requested:
        answer = closing(requested, text)
        if answer is None or hedged(text[requested[-1][1] : requested[-1][1] + 40].split("\n")[0]):
            return None
        return answer
    in_box = boxed(text)
    if in_box:
        answer = closing(in_box, text)
        return answer and Answer(answer.text, False)
    stated = said(text)
    if stated:
        return Answer(stated.text, False)
    lines = [line for line in text.strip().splitlines() if line.strip()]
    if not lines:
        return None
    named = _NAMED.findall(lines[-1])
    if named or len(lines[-1]) <= 60:
        return Answer(lines[-1], False)
    return None


def matches(answer: str, gold: str) -> bool:
    """Whether the answer names the gold letter and no other."""
    return parse(answer) == gold
