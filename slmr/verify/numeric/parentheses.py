"""Parentheses behind a number: the same measure in another unit, `90 minutes (1.5 hours)`, or an explanation."""

from __future__ import annotations

import re
from fractions import Fraction

from slmr.verify.reading.quantity import Quantity
from slmr.verify.reading.sentences import any_of, pattern

# Unit → how many of the smallest of its kind it is; what is measured in two kinds is never the same measure.
_TIME = {"s|sec|second": 1, "min|minute": 60, "h|hr|hour": 3600, "day": 86_400, "week": 604_800}
_LENGTH = {
    "mm|millimet(?:er|re)": 1,
    "cm|centimet(?:er|re)": 10,
    "m|met(?:er|re)": 1000,
    "km|kilomet(?:er|re)": 10**6,
}
_FEET = {"in|inche?": 1, "ft|foot|feet": 12, "yd|yard": 36, "mi|mile": 63_360}
_MASS = {"mg|milligram": 1, "g|gram": 1000, "kg|kilogram": 10**6, "t|tonne": 10**9}
_POUNDS = {"oz|ounce": 1, "lb|pound": 16}
_VOLUME = {"ml|millilit(?:er|re)": 1, "l|lit(?:er|re)": 1000}
_CUPS = {"cup": 1, "pint": 2, "quart": 4, "gallon": 16}
_KINDS = (_TIME, _LENGTH, _FEET, _MASS, _POUNDS, _VOLUME, _CUPS)
_NUMBER = r"(?<![\d.,])(\d[\d,]*(?:\.\d+)?|\d+/[1-9]\d*)"
_MEASURE = pattern(rf"{_NUMBER}\s?({'|'.join(unit for kind in _KINDS for unit in kind)})s?\b\.?")
_CONJUNCTION = pattern(r"\s*(?:,|and|,\s*and)?\s*")
_PARENTHESIS = re.compile(r"(?<=[\w%°$.])[ *]{0,3}\(([^()\n]{1,80})\)")
# A number with its unit, right in front of a bracket.
_NUMBER_WITH_UNIT = re.compile(r"(?<![\d.,/])\d[\d,./]*(?:\s?%)?(?:[ *-]{1,3}[A-Za-z%°/]+\.?){0,5}[ *]*$")
_MEASURES_AT_END = pattern(rf"{_MEASURE.pattern}(?:{_CONJUNCTION.pattern}{_MEASURE.pattern})*[ *]*$")
_EXPLANATION = re.compile(r"[A-Za-z×*+/=÷]")
_EXCLUSION = pattern(r"(?:and )?(?:not|rather than|instead of)\b(?! sure)")
_WINDOW = 60  # characters in front of a bracket that are looked at
# What makes a bracket more than an explanation: another value, or doubt.
_TURN = pattern(
    r"\b"
    + any_of(
        "or",
        "not",
        "no",
        "actually",
        "correct(?:ed|ion)?",
        "should",
        "answer",
        "instead",
        "rather",
        "wrong",
        "if",
        "maybe",
        "perhaps",
        "possibly",
        "about",
        "approx",
        "approximately",
        "between",
        "wait",
        "sorry",
        "kidding",
        "it(?: i|')s",
        "either",
    )
    + r"\b"
)


def blank_parentheses(text: str) -> str:
    """The text with blanks instead of the parentheses that restate or explain the number in front of them."""

    def blank(match: re.Match[str]) -> str:
        before = text[max(0, match.start() - _WINDOW) : match.start()]
        explains = _EXPLANATION.search(match[1]) and re.search(r"\d", match[1]) and not _TURN.search(match[1])
        is_redundant = _NUMBER_WITH_UNIT.search(before) and (explains or _EXCLUSION.match(match[1]))
        return " " * len(match[0]) if is_redundant else match[0]

    return _PARENTHESIS.sub(blank, text) if "(" in text else text


def extend_to_parenthesis(text: str, number: Quantity) -> Quantity:
    """The measure that a number belongs to, with the parenthesis behind it that restates it; else the number."""
    match = _PARENTHESIS.search(text, number.end, number.end + 120)
    front = _measures_in_front(text, match) if match else None
    if match and front and front.start() <= number.start and equivalent_numbers(text[front.start() : match.end()]):
        return number._replace(start=front.start(), end=match.end())
    return number


def equivalent_numbers(text: str) -> set[Fraction]:
    """The numbers of a measure that a text gives in two units, `2 hours (120 minutes)`; empty if the two differ."""
    match = _PARENTHESIS.search(text) if "(" in text else None
    front = _measures_in_front(text, match) if match else None
    if not match or not front:
        return set()
    sides = [_measures(front[0]), _measures(match[1])]
    if any(not side for side in sides) or len({_sum(side) for side in sides}) != 1:
        return set()
    return {side[0][0] for side in sides if len(side) == 1}


def _measures_in_front(text: str, parenthesis: re.Match[str]) -> re.Match[str] | None:
    return _MEASURES_AT_END.search(text, max(0, parenthesis.start() - _WINDOW), parenthesis.start())


_Measures = list[tuple[Fraction, int, int]]  # number, kind, factor


def _measures(text: str) -> _Measures:
    """The measures that a text consists of, all of one kind; empty if it is anything else."""
    between = _MEASURE.sub("\n", text).strip(" *=~≈").split("\n")
    if any(not _CONJUNCTION.fullmatch(rest) for rest in between):
        return []
    measures = [(Fraction(m[1].replace(",", "")), *_unit(m[2])) for m in _MEASURE.finditer(text)]
    return measures if len({kind for _, kind, _ in measures}) == 1 else []


def _sum(measures: _Measures) -> tuple[int, Fraction]:
    return measures[0][1], sum((number * factor for number, _, factor in measures), Fraction(0))


def _unit(name: str) -> tuple[int, int]:
    """A unit's kind and factor."""
    return next(
        (place, factor)
        for place, kind in enumerate(_KINDS)
        for unit, factor in kind.items()
        if re.fullmatch(unit, name, re.IGNORECASE)
    )
