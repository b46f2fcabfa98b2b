"""The one number that a text is, in any spelling, as an exact fraction."""

from __future__ import annotations

import re
from fractions import Fraction

from slmr.verify.numeric.arithmetic import evaluate_arithmetic, without_derivation
from slmr.verify.reading.boxes import without_box
from slmr.verify.reading.completion import fold_characters
from slmr.verify.reading.quantity import (
    MAX_DIGITS,
    NAMED_UNIT,
    TIMES,
    parse_digits,
    parse_words_or_chinese,
    quantity_at,
)

_IN_DOLLARS = re.compile(r"^\$+([^$]*)\$+$|\$+$")
_FORMULA = re.compile(r"\$([^$\n]*\\[^$\n]*)\$")  # within a sentence: "$\\frac{3}{4}$ of a cup"
_FRAC = re.compile(r"\\[dtc]?frac\s*(?:\{\s*(-?)(\d+)\s*\}|(\d))\s*(?:\{\s*(\d+)\s*\}|(\d))", re.ASCII)
_FRAC_ALONE = re.compile(rf"(?<![/×÷*^])(?<![/×÷*^] ){_FRAC.pattern}", re.ASCII)  # and no factor
_LATEX = [
    (re.compile(r"\{,\}|\\,(?=\d{3}(?!\d))|,\\!"), ","),
    (re.compile(r"\\(?:text|mathrm|mbox|textbf|mathbf|boldsymbol|textit)\s*\{([^{}]*)\}"), r" \1 "),
    (re.compile(r"\\times|\\cdot"), "×"),
    (re.compile(r"\^\s*\{?\\circ\}?|\\degree"), "°"),
    (re.compile(r"\\[,;:! ]|~|\\q?quad"), " "),
    (re.compile(r"\\left|\\right|\\displaystyle|\\[()\[\]]"), ""),
    (re.compile(r"\\([$%#])"), r"\1"),
    (re.compile(r"\*\*|__|`"), ""),
]
_EDGES = " \t\n*_`\"'“”"
_ADJACENT_LETTER, _KNOWN_UNIT = re.compile(r"[A-Za-z]"), re.compile(NAMED_UNIT)
_CHANGES = re.compile(
    rf"\b(?:or|not|minus|plus|{TIMES}|squared|cubed|factorial|half|maybe|perhaps|possibly|base|mod|over|divided"
    r"|percent of|to|than|between|square root|oder|ou|hundred|thousand|million|below"
    r"|is|was|isn't|if|but|except|pi|wrong|incorrect|false|at most|at least)\b|或|不|[π√]",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"[\s*$:]*[±≤≥]"
    r"|[\s*$({]*[a-z]\w{0,2}\s*(?:[<>≤≥≠]|!=|\\(?:[gl]eq?|[gl]t|neq?)(?![a-z]))"
    r"|[\s*$:]*\\(?:pm|geq?|leq?|gt|lt)\b|[\s*$:]*[<>]=?\s*\\?\$?\d|[\s*$:]*(?:at (?:least|most)"
    r"|no (?:more|less|fewer) than|under|over|up to)\b",
    re.IGNORECASE,
)
_NOT_PARENTHESIS = re.compile(r"\s*\((?:not|and not|rather than|instead of)\b[^()]*\)$", re.IGNORECASE)
_BEHIND = re.compile(
    r"\s*(?:%|percent\b|°[CF]?)?\s*(?:/\s?(?=[A-Za-z]))?(?:[^\W\d_][^\d=+*<>|\\]{0,80}"
    r"|[€$£¥₹¢°]\s?[CF]?)?\s*(?:\([^()\d=]{0,60}\))?[\s.,;:?…*_)\]]*"
)


def parse(text: str) -> Fraction | None:
    """The one number that a text is, as an exact fraction; None if it is anything else.

    Thousands separators, a currency sign, a per cent sign and a unit behind the number are dropped. Words of scale
    count (`5 million`), words that change the value (`5 or 6`, `5 squared`) make it no number.
    """
    value = parse_digits(text)
    if value is not None or len(text) > 2 * MAX_DIGITS:
        return value
    plain = _clean(text)
    if is_bound(plain):
        return None
    if "=" in plain:
        return _value_of_equation(plain)
    number = quantity_at(plain)
    if number is None:
        return parse_words_or_chinese(plain)
    rest = _NOT_PARENTHESIS.sub("", plain[number.end :])
    rest = without_derivation(rest, number.value)
    if _ADJACENT_LETTER.match(rest) and not _KNOWN_UNIT.match(rest):
        return None
    return number.value if _BEHIND.fullmatch(rest) and not _CHANGES.search(rest) else None


def is_bound(text: str) -> bool:
    """Whether a text gives a bound, `at most 5`, `x < 5`, and no number."""
    return bool(_BOUND.match(text))


def _value_of_equation(plain: str) -> Fraction | None:
    """The last side of `36 + 36 = 72`, if no other side is another number."""
    start = quantity_at(plain)
    if start and not without_derivation(plain[start.end :], start.value).strip():
        return start.value  # "1450 (= 2000 - 550)"
    if contradicts_itself(plain):
        return None
    first, last = plain.split("=", 1)[0].strip(), plain.rsplit("=", 1)[-1].strip()
    value = parse(last)
    return parse(first) if value is None and evaluate_arithmetic(last) is not None else value


def contradicts_itself(text: str) -> bool:
    """Whether two sides of an equation are different numbers: `41 = 42`."""
    sides = [side.strip() for side in text.split("=")]
    values = [parse(side) if parse(side) is not None else evaluate_arithmetic(side) for side in sides if side]
    return len({value for value in values if value is not None}) > 1


def with_plain_fractions(text: str) -> str:
    """The text with `3/4` for `\\frac{3}{4}`, where that is no factor."""
    return _FRAC_ALONE.sub(_fraction, text)


def _fraction(match: re.Match[str]) -> str:
    return f" {match[1] or ''}{match[2] or match[3]}/{match[4] or match[5]}"


def _clean(text: str) -> str:
    """A statement without markup, LaTeX wrappers and brackets around all of it."""
    plain = without_box(_IN_DOLLARS.sub(r"\1", fold_characters(text).strip().strip(_EDGES)).strip())
    plain = _FORMULA.sub(r"\1", plain)
    plain = _FRAC.sub(lambda match: f"{_fraction(match)} ", plain)
    for pattern, spelling in _LATEX:
        plain = pattern.sub(spelling, plain)
    plain = re.sub(r"-\s+(?=\d+/\d+\s*$)", "-", plain).strip(_EDGES).rstrip(".,;:…").strip()
    if len(plain) > 1 and (plain[0] + plain[-1]) in ("[]", "{}", "()"):
        plain = plain[1:-1]
    plain = re.sub(r"(?<![\d}])[{}]|(?<=\d)\}(?!\d)(?![^{]*\{)$", "", plain)
    return plain.lstrip("=≈: ").strip(_EDGES).strip()
