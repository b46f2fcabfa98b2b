"""The numeric checker: exact comparison of one number, as a fraction; no tolerance."""

from __future__ import annotations

import re
from fractions import Fraction

from slmr.verify.extract import boxed, closing, hedged, retracted, said, unsure
from slmr.verify.verdict import Answer

MAX_DIGITS, _MAX_EXPONENT, _TAIL = 400, 400, 4_000
_VULGAR = {"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3", "⅛": "1/8"}
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+|,\d{1,2}(?![\d,]))?|\.\d+"
_NUMBER = rf"[-+]?(?:\\?\$\s?)?(?:{_DIGITS})(?:[eE][-+]?\d{{1,4}})?"
_UNITS = r"(?:kg|km|cm|mm|mph|ml|lbs?|hrs?|ft|g|m|h|s)(?:[²³]|\^?[23])?(?![A-Za-z0-9_])"
_TOKEN = re.compile(
    rf"(?<![A-Za-z0-9_.])(?:(?<![\d)])[-+])?(?:\\?\$\s?)?(?:\d*[½¼¾⅓⅔⅛]|(?:{_DIGITS})(?:[eE][-+]?\d{{1,4}})?"
    rf"(?:\s?/\s?\d+)?)(?:(?={_UNITS})|(?![A-Za-z0-9_/]|[.,]\d))",
    re.ASCII,
)
_WHOLE = re.compile(rf"({_NUMBER})(?:\s*/\s*(\d+))?", re.ASCII)
_MIXED = re.compile(r"([-+]?)(\d+)\s+(\d+)/(\d+)", re.ASCII)
_FRAC = re.compile(r"([-+]?\d*)\s*\\[dtc]?frac\s*\{\s*(-?\d+)\s*\}\s*\{\s*(\d+)\s*\}", re.ASCII)
_CURRENCY = re.compile(r"^([-+]?)\s*(?:\\?\$|€|£|¥|USD|US\$|Rs\.?|₹)\s*|\s*(?:\\?\$|€|£|¥|₹)$")
_UNIT = re.compile(
    r"^([-+]?[\d.,/ ]*\d(?:[eE][-+]?\d+)?)(?:\s*\\?%|\s+[A-Za-z°][A-Za-z°\s/²³^.'-]{0,60}|°[CF]?)$"
)
_GLUED = re.compile(rf"(?<=\d)(?={_UNITS})")
_LATEX = re.compile(r"\\(?:text|mathrm|mbox|textbf)\s*\{([^{}]*)\}|\\[,;:! ]|\\left|\\right|\{,\}|[{}]")
_STRICT = re.compile(rf"({_NUMBER})(?:/\d+)?(?:\s?\\?%)?\.?", re.ASCII)
_CHINESE = re.compile(r"[零〇一二两三四五六七八九十百千万]+")
_CHINESE_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_CHINESE_UNITS = {"十": 10, "百": 100, "千": 1_000, "万": 10_000}
_REQUESTED = re.compile(r"####[ \t]*([^\n]*)")


def parse(text: str) -> Fraction | None:
    """The one number that a text is, as an exact fraction; None if it is anything else.

    Thousands separators, a currency sign, a per cent sign and a unit behind the number are dropped.
    """
    if len(text) > 2 * MAX_DIGITS:
        return None
    plain = text.strip().strip("*_`\u201c\u201d\"' ").strip("$").strip()
    for sign, spelling in _VULGAR.items():
        plain = re.sub(rf"(?<=\d){sign}", f" {spelling}", plain).replace(sign, spelling)
    plain = _CURRENCY.sub(r"\1", _CURRENCY.sub(r"\1", plain)).rstrip(".").strip()
    fraction = _FRAC.fullmatch(plain)
    if fraction:
        return _mixed(*fraction.groups())
    plain = _LATEX.sub(lambda m: "," if m[0] == "{,}" else f" {m[1]}" if m[1] else "", plain).strip()
    plain = _GLUED.sub(" ", plain)
    unit = _UNIT.match(plain)
    if unit:
        plain = unit[1].strip()
    mixed = _MIXED.fullmatch(plain)
    if mixed:
        return _mixed(mixed[1] + mixed[2], mixed[3], mixed[4])
    if _CHINESE.fullmatch(plain):
        return Fraction(_chinese(plain))
    whole = _WHOLE.fullmatch(plain)
    return _value(whole[1], whole[2] or "1") if whole else None


def _chinese(text: str) -> int:
    """A whole number in Chinese numerals: 三, 二十一, 三百零五."""
    total = section = digit = 0
    for character in text[:20]:
        unit = _CHINESE_UNITS.get(character)
        if unit is None:
            digit = _CHINESE_DIGITS[character]
        elif unit == 10_000:
            total, section, digit = (total + section + digit) * unit, 0, 0
        else:
            section, digit = section + (digit or 1) * unit, 0
    return total + section + digit


def _mixed(whole: str, top: str, bottom: str) -> Fraction | None:
    """`whole` and `top/bottom`; a bare sign or nothing as whole is a plain fraction."""
    if not int(bottom):
        return None
    sign = -1 if whole.startswith("-") else 1
    digits = whole.lstrip("+-")
    return sign * (int(digits or "0") + Fraction(int(top), int(bottom)))


def _value(number: str, bottom: str) -> Fraction | None:
    # Two digits at most behind a comma: a decimal comma. Three: a thousands separator.
    plain = re.sub(r"[,$\\ ]", "", re.sub(r",(?=\d{1,2}(?!\d))", ".", number))
    mantissa, _, exponent = plain.lower().partition("e")
    if len(mantissa) > MAX_DIGITS or len(bottom) > MAX_DIGITS or not int(bottom):
        return None
    if exponent and abs(int(exponent)) > _MAX_EXPONENT:
        return None
    return Fraction(plain) / int(bottom)


def extract(text: str) -> Answer | None:
    """The answer: `#### n` at the end, else a box, else "the answer is n", else the last number."""
    requested = [(m[1].strip(), m.end()) for m in _REQUESTED.finditer(text)]
    for found, wanted in ((requested, True), (boxed(text), False)):
        if found:
            last = closing(found, text)
            if last is None or not last[0] or hedged(last[0]):
                return None
            strict = wanted and not last[1].strip(" \t\r\n.") and bool(_STRICT.fullmatch(last[0]))
            return Answer(last[0], strict, last[1])
    stated = said(text)
    if stated:
        return _one_number(stated.text)
    return _last_number(text)


def _one_number(text: str) -> Answer | None:
    """The number in a stated answer such as "12 apples in all"; none if it names several or denies."""
    if hedged(text):
        return None
    if parse(text) is not None:
        return Answer(text, False)
    part = text.rsplit("=", 1)[-1]
    tokens = _tokens(part[:_TAIL])
    return Answer(tokens[0][0], False) if len({parse(t) for t, _ in tokens}) == 1 else None


def _last_number(text: str) -> Answer | None:
    tail = text[-_TAIL:]
    if parse(tail) is not None:
        return Answer(tail.strip(), False)
    tokens = _tokens(tail) or [(m[0], m.end()) for m in _CHINESE.finditer(tail)]
    if not tokens or retracted(tail[tokens[-1][1] :]):
        return None
    last, end = tokens[-1]
    sentence = re.split(r"[.!?]\s|\n", tail[: end - len(last)])[-1]
    doubtful = hedged(sentence) or hedged(tail[end : end + 40]) or unsure(tail[-200:])
    return None if doubtful else Answer(last, False)


def _tokens(text: str) -> list[tuple[str, int]]:
    """Every number in a text and where it ends."""
    return [(m[0], m.end()) for m in _TOKEN.finditer(text)]


def matches(answer: str, gold: Fraction) -> bool:
    """Whether the answer is the gold number."""
    return parse(answer) == gold
