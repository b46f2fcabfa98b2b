"""Equations and inequalities as text: their sides, the interval that they name, their normal form."""

from __future__ import annotations

import re

from slmr.verify.algebra.polynomial import Sum, add, monic, multiply, negate
from slmr.verify.algebra.values import all_true, normal, number_of, same_sums
from slmr.verify.math.brackets import parse_brackets, split

NAME = (
    r"(?:[a-zA-Z](?:_\{?\w{1,4}\}?|')?(?:\([a-zA-Z](?:,\s?[a-zA-Z])*\))?|\\[a-zA-Z]+|\\angle\s?[A-Z]{1,3}"
    r"|\([a-zA-Z](?:,\s?[a-zA-Z]){1,5}\)|[A-Z](?:_\{?\w{1,8}\}?)?(?::[A-Z](?:_\{?\w{1,8}\}?)?)?)"
)
_FUNCTION_VALUE = re.compile(r"\s*[a-zA-Z]'*(?:\^\{-1\})?\([^()=]*\)\s*")
IS_NAME = re.compile(rf"\s*{NAME}\s*")
MEMBER = re.compile(rf"^\s*{NAME}\s*(?:\\in(?![a-z])|=(?=\s*\\\{{))\s*")
RELATION = re.compile(r"(<=|>=|≠|<|>)")


def is_relation(text: str) -> bool:
    """Whether a text compares two sides outside of all brackets; `P(X>2) = 1/7` does not."""
    return bool(RELATION.search(text)) and (len(split(text, "<>≠")) > 1 or len(split(text, "=")) == 1)


_COMMAND = re.compile(r"\\text\w*\s*\{[^{}]*\}|\\[a-zA-Z]+")
_SIDE = r"\s*[a-zA-Z](?:\([a-z]\))?\s*"
_FLIP = {"<": ">", "<=": ">="}


def value_of(equation: str, is_gold: bool = False) -> str | None:
    """The value that an equation gives: the last side, the first of `2 = x`; None where two sides are other numbers.

    Of gold only where the first side is a name or a plain value: a curve's equation is its own value.
    """
    sides = [side for side in split(equation, "=") if side]
    if len(sides) < 2:
        return sides[0] if sides else ""
    numbers = [value for side in sides if (value := number_of(side)) is not None]
    if not is_gold and any(value != numbers[0] for value in numbers):
        return None
    first, last = (number_of(side) for side in (sides[0], sides[-1]))
    if first is None and last is None and numbers and IS_NAME.fullmatch(sides[-1]):
        return next(side for side in sides if number_of(side) is not None)  # a = 17 = b
    if is_gold and first is None and not (IS_NAME.fullmatch(sides[0]) or _FUNCTION_VALUE.fullmatch(sides[0])):
        return equation
    is_reversed = bool(IS_NAME.fullmatch(sides[-1]) and not IS_NAME.fullmatch(sides[0])) or (
        bool(first and last is None and normal(sides[-1]))
    )
    return sides[0 if is_reversed else -1].split("\\approx")[0].strip()


def is_about_more(equation: str, name: str) -> bool:
    """Whether a side of `2x = 5` holds the name that gold gives a value to, and is more than that name."""
    sides = [_COMMAND.sub("", side) for side in split(equation, "=")]
    return (
        bool(IS_NAME.fullmatch(name))
        and len(sides) == 2
        and any(name in side and not IS_NAME.fullmatch(side) for side in sides)
    )


def same_zero(mine: str, theirs: str) -> bool | None:
    """Whether two equations say the same: the same `left - right`, up to a factor."""
    sides = []
    for equation in (mine, theirs):
        parts = split(equation, "=")
        a, b = normal(parts[0]), normal(parts[-1])
        if len(parts) != 2 or a is None or b is None:
            return None
        sides.append(add(a, negate(b)))
    if not sides[0] or not sides[1]:
        return bool(sides[0]) == bool(sides[1])
    return same_sums(monic(sides[0])[0], monic(sides[1])[0])


_WITHOUT = re.compile(
    rf"(?:{NAME}\s*\\in\s*)?(?:\\mathbb\{{R\}}|\(-\\infty,\s?\\infty\))\s*(?:\\setminus|\\backslash"
    rf"|\\smallsetminus|-|\\)"
    r"\s*\\\{([^{}]+)\\\}"
)
_NOT_EQUAL = re.compile(r"\s*[a-z]\s*≠\s*([^≠<>=]+)")


def excluded_points(text: str) -> list[str] | None:
    r"""The points that `\mathbb{R}\setminus\{a\}`, `x ≠ a` or a union of open intervals leaves out; None for others."""
    without = _WITHOUT.fullmatch(text.strip())
    if without:
        return split(without[1], ",;")
    if "≠" in text:
        points = [_NOT_EQUAL.fullmatch(part) for part in split(text, ",;")]
        return [point[1].strip() for point in points if point] if all(points) else None
    pieces = [parse_brackets(piece) for piece in text.split("\\cup")]
    if len(pieces) < 2 or not all(piece and piece[0] == "()" and len(piece[1]) == 2 for piece in pieces):
        return None
    bounds = [bound for piece in pieces if piece for bound in piece[1]]
    if bounds[0] != "-\\infty" or bounds[-1].lstrip("+") != "\\infty" or bounds[1:-1:2] != bounds[2:-1:2]:
        return None
    return bounds[1:-1:2]


_NAMED_RATIO = re.compile(rf"^{NAME}(?::{NAME})+=")


def ratio(text: str) -> list[Sum] | None:
    """The terms of `a:b:c`, whatever they are called; None where it is no ratio or a term cannot be read."""
    parts = split(_NAMED_RATIO.sub("", text.replace(" ", "")), ":")
    terms = [normal(part) for part in parts] if len(parts) > 1 else []
    return [term for term in terms if term] if terms and all(terms) else None


def same_ratio(left: list[Sum], right: list[Sum]) -> bool | None:
    """Whether two ratios are proportional."""
    if len(left) != len(right):
        return False
    pairs = zip(left, right, strict=True)
    return all_true(same_sums(multiply(a, right[0]), multiply(b, left[0])) for a, b in pairs)


def interval(text: str) -> tuple[str, list[str]] | None:
    """The interval that `a < x <= b`, `x > a` or an interval itself names."""
    parts = RELATION.split(text)
    if len(parts) == 1:
        return parse_brackets(text)
    if "≠" in parts:
        return None
    if len(parts) == 5 and parts[1][0] == parts[3][0] and re.fullmatch(NAME, parts[2].strip()):
        low, high = ((0, 1), (4, 3)) if parts[1][0] == "<" else ((4, 3), (0, 1))
    elif len(parts) == 3 and re.fullmatch(_SIDE, parts[0]):
        low, high = (None, (2, 1)) if parts[1][0] == "<" else ((2, 1), None)
    elif len(parts) == 3 and re.fullmatch(_SIDE, parts[2]):
        low, high = ((0, 1), None) if parts[1][0] == "<" else (None, (0, 1))
    else:
        return None
    opening = "[" if low and parts[low[1]].endswith("=") else "("
    end = "]" if high and parts[high[1]].endswith("=") else ")"
    bounds = [parts[low[0]].strip() if low else "-\\infty", parts[high[0]].strip() if high else "\\infty"]
    return opening + end, bounds


def conjunction(text: str) -> tuple[str, list[str]] | None:
    """The interval that `x >= 1 and x <= 2` or `x > 1, x < 2` names; None for anything else."""
    sides = [interval(part) for part in re.split(r",? and |,", text)]
    names = set(re.findall(r"(?<![\\a-zA-Z])[a-zA-Z](?![a-zA-Z])", text))
    if len(sides) != 2 or len(names) != 1 or not RELATION.search(text) or None in sides:
        return None
    low = [side for side in sides if side and side[1][0] != "-\\infty"]
    high = [side for side in sides if side and side[1][1] != "\\infty"]
    if len(low) != 1 or len(high) != 1 or low == high:
        return None
    return low[0][0][0] + high[0][0][1], [low[0][1][0], high[0][1][1]]


def relation(text: str) -> tuple[str, Sum] | None:
    """A single inequality as a sign and a sum that it compares with zero, up to a positive factor."""
    parts = RELATION.split(text)
    if len(parts) != 3:
        return None
    left, right = normal(parts[0]), normal(parts[2])
    if left is None or right is None:
        return None
    difference = add(left, negate(right))
    if not difference:
        return parts[1], difference
    sign = parts[1]
    if sign in _FLIP:
        sign, difference = _FLIP[sign], negate(difference)
    unit, leading = monic(difference)
    return sign, unit if leading > 0 or sign == "≠" else negate(unit)


_FREE_INDEX = re.compile(
    r"\s*(?:,|;|\(|\bwhere\b|\bfor\b(?: (?:all|any|some|every))?"
    r"|\bwith\b)\s*(?:integer )?([a-z])\s*\\in\s*\\mathbb\{([ZN])\}\s*\)?$"
)


def normalise_index(text: str) -> str:
    r"""`k\pi, k \in \mathbb{Z}` with the index called n: what a free index is called does not matter."""
    match = _FREE_INDEX.search(text)
    if not match or (match[1] != "n" and re.search(r"(?<![a-zA-Z\\])n(?![a-zA-Z])", text)):
        return text
    plain = f"{text[: match.start()].rstrip()}, {match[1]}\\in\\mathbb{{{match[2]}}}"
    return re.sub(rf"(?<![a-zA-Z\\]){match[1]}(?![a-zA-Z])", "n", plain)
