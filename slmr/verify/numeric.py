"""The numeric checker: exact comparison of one number, as a fraction; no tolerance."""

from __future__ import annotations

import re
from fractions import Fraction

from slmr.verify.extract import boxed, closing, hedged, marked, retracted, said
from slmr.verify.verdict import Answer

_MAX_DIGITS = 400
_SPACES = "\u00a0\u2009\u202f"
_NUMBER = r"[-+\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|[-+\u2212]?\.\d+"
_TOKEN = re.compile(rf"(?<![\w.])(?:{_NUMBER})(?:\s*/\s*\d+)?(?![\d/])", re.ASCII)
_WHOLE = re.compile(rf"({_NUMBER})(?:\s*/\s*(\d+))?", re.ASCII)
_FRAC = re.compile(r"(-?)\s*\\[dt]?frac\s*\{\s*(-?\d+)\s*\}\s*\{\s*(\d+)\s*\}", re.ASCII)
_CURRENCY = re.compile(r"^(?:\\?\$|€|£|¥|USD|US\$|Rs\.?)\s*|\s*(?:\\?\$|€|£|¥)$")
_UNIT = re.compile(r"^([-+\u2212]?[\d.,/ ]*\d)\s*(?:%|\\%|[A-Za-z°][A-Za-z°\s/²³^.-]{0,60})$")
_LATEX = re.compile(r"\\(?:text|mathrm|mbox|textbf)\s*\{([^{}]*)\}|\\[,;:! ]|\\left|\\right|[{}]")


def parse(text: str) -> Fraction | None:
    """The one number that a text is, as an exact fraction; None if it is anything else.

    Thousands separators, a currency sign, a per cent sign and a unit behind the number are dropped.
    """
    if len(text) > 2 * _MAX_DIGITS:
        return None
    plain = text.strip().strip("*_`\u201c\u201d\"'").strip("$").strip()
    for space in _SPACES:
        plain = plain.replace(space, "")
    plain = _CURRENCY.sub("", plain).rstrip(".").strip()
    fraction = _FRAC.fullmatch(plain)
    if fraction:
        bottom = int(fraction[3])
        return Fraction(int(fraction[1] + fraction[2]) if fraction[2][0] != "-" else int(fraction[2]), bottom) if bottom else None
    plain = _LATEX.sub(lambda m: f" {m[1]}" if m[1] else "", plain).strip()
    unit = _UNIT.match(plain)
    if unit:
        plain = unit[1].strip()
    whole = _WHOLE.fullmatch(plain)
    if not whole or len(plain) > _MAX_DIGITS:
        return None
    top = Fraction(whole[1].replace(",", "").replace("\u2212", "-"))
    bottom = int(whole[2]) if whole[2] else 1
    return top / bottom if bottom else None


def extract(text: str) -> Answer | None:
    """The answer: `#### n` at the end, else a box, else "the answer is n", else the last number."""
    requested = marked(text, "####")
    if requested:
        answer = closing(requested, text)
        return answer and Answer(answer.text, answer.strict and parse(answer.text) is not None)
    in_box = closing(boxed(text), text)
    if in_box or boxed(text):
        return in_box and Answer(in_box.text, False)
    stated = said(text)
    if stated:
        return Answer(_only_number(stated.text) or stated.text, False)
    return _last_number(text)


def _only_number(text: str) -> str | None:
    """The number in a stated answer such as "12 apples in all", if there is exactly one value in it."""
    if hedged(text):
        return None
    numbers = {m[0] for m in _TOKEN.finditer(text[:400])}
    values = {parse(n) for n in numbers}
    return numbers.pop() if len(values) == 1 and numbers else None


def _last_number(text: str) -> Answer | None:
    tail = text[-4000:]
    matches = list(_TOKEN.finditer(tail))
    if not matches or retracted(tail[matches[-1].end() :]):
        return None
    last = matches[-1]
    sentence = re.split(r"[.!?]\s|\n", tail[: last.start()])[-1] + tail[last.start() : last.end()]
    return None if hedged(sentence) else Answer(last[0], False)


def matches(answer: str, gold: Fraction) -> bool:
    """Whether the answer is the gold number."""
    return parse(answer) == gold
