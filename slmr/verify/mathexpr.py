r"""The math checker's exact part: what an answer is made of, and whether two answers are the same.

Answers are read as lists, tuples, intervals, sets, matrices, equations, inequalities, words, or single
expressions, which `expression` brings into a normal form. Every comparison says True, False, or None:
exact means do not tell, and the symbolic worker has to. Bounded before anything is computed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from slmr.verify.expression import read
from slmr.verify.polynomial import (
    Sum,
    Unreadable,
    add,
    canonical,
    decidable,
    monic,
    multiply,
    negate,
    number,
    rational,
)
from slmr.verify.spelling import normalise

MAX_CHARS, MAX_DEPTH, MAX_PARTS = 10_000, 30, 100

_PERCENT = re.compile(r"\s*(?:\\?%|percent(?:age)?|pct)$")
_NAME = (
    r"(?:[a-zA-Z](?:_\{?\w{1,4}\}?|')?(?:\([a-zA-Z](?:,\s?[a-zA-Z])*\))?|\\[a-zA-Z]+|\\angle\s?[A-Z]{1,3}"
    r"|\([a-zA-Z](?:,\s?[a-zA-Z]){1,5}\)|[A-Z](?:_\{?\w{1,8}\}?)?(?::[A-Z](?:_\{?\w{1,8}\}?)?)?)"
)
_IS_NAME = re.compile(rf"\s*{_NAME}\s*")
_MEMBER = re.compile(rf"^\s*{_NAME}\s*(?:\\in)(?![a-z])\s*")
_RELATION = re.compile(r"(<=|>=|!=|<|>)")
_SEPARATOR = re.compile(r"(?:,\s*)?\\?\band\b|(?:,\s*)?\bor\b")
_WORD = re.compile(r"[A-Za-z][A-Za-z \-']*")
_KNOWN_WORDS = {"yes", "no", "odd", "even", "true", "false", "none"}
_LEVEL = {"(": 1, "[": 1, "{": 1, "⟦": 1, ")": -1, "]": -1, "}": -1, "⟧": -1}
_FLIP = {"<": ">", "<=": ">="}
_BASE = re.compile(r"(\d+)_\{?\d{1,2}\}?")


def decide(answer: str, gold: str) -> bool | None:
    """Whether the answer equals gold; None where exact means do not tell."""
    if len(answer) > MAX_CHARS or depth(answer) > MAX_DEPTH:
        return answer == gold
    mine, theirs = normalise(answer), normalise(gold)
    if not mine:
        return False
    if _squeeze(mine) == _squeeze(theirs):
        return True
    words = _same_words(mine, theirs, "\\text" in gold)
    if words is not None:
        return words
    return _same_percent(mine, theirs)


def depth(text: str) -> int:
    """The deepest nesting of brackets."""
    level = deepest = 0
    for character in text:
        level += _LEVEL.get(character, 0)
        deepest = max(deepest, level)
    return deepest


def is_number(text: str) -> bool:
    """Whether a text is one expression without symbols, such as `\\frac{1}{2}`."""
    value = _read(normalise(text))
    return value is not None and rational(value) is not None


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _same_words(mine: str, theirs: str, is_text: bool) -> bool | None:
    """Compares words; None where gold is no word. `ab` is a product unless it is marked as text."""
    plain = theirs.lower().strip()
    if not _WORD.fullmatch(theirs) or len(plain) < 2:
        return None
    if not (is_text or plain in _KNOWN_WORDS or (len(plain) >= 5 and "\\" not in mine)):
        return None
    if "\\" in mine or "(" in mine:
        return None
    return re.sub(r"[^a-z]", "", mine.lower()) == re.sub(r"[^a-z]", "", plain)


def _same_percent(mine: str, theirs: str) -> bool | None:
    """50 %, 50 and 1/2 are one answer where only one side has a per cent sign."""
    bare, gold = _PERCENT.sub("", mine), _PERCENT.sub("", theirs)
    same = _same_lists(bare, gold)
    if same or (bare != mine) == (gold != theirs):
        return same
    left, right = _read(bare), _read(gold)
    if left is None or right is None:
        return same
    hundred = number(100)
    if bare != mine:
        return _same_sums(left, multiply(right, hundred))
    return _same_sums(multiply(left, hundred), right)


def _same_lists(mine: str, theirs: str) -> bool | None:
    left, right = _parts(mine), _parts(theirs)
    if len(left) == 1 and len(right) == 1:
        return _same_item(left[0], right[0])
    if len(left) != len(right):
        return _set_with_list(left, right)
    if any("=" in part for part in right) and all(_is_assignment(part) for part in (*left, *right)):
        names = [sorted(_squeeze(p.split("=")[0]) for p in side) for side in (left, right)]
        if len(set(names[1])) == len(names[1]) and set(names[0]) == set(names[1]):
            order = {_squeeze(p.split("=")[0]): p for p in left}
            return _all(_same_item(order[_squeeze(p.split("=")[0])], p) for p in right)
    return _same_unordered(left, right)


def _set_with_list(left: list[str], right: list[str]) -> bool | None:
    """A list without brackets against a set in brackets: `1, 2` and `\\{1, 2\\}`."""
    inner = [_inside(side[0]) if len(side) == 1 else None for side in (left, right)]
    for brackets, other in ((inner[0], right), (inner[1], left)):
        if brackets and brackets[0] == "\\{\\}":
            return _same_unordered(_expanded(brackets[1]), other)
    if any(brackets and brackets[0] == "()" for brackets in inner):
        return None
    return False


def _is_assignment(part: str) -> bool:
    name, equals, _ = part.partition("=")
    return bool(equals and _IS_NAME.fullmatch(name))


def _all(verdicts: Iterable[bool | None]) -> bool | None:
    found = list(verdicts)
    return False if False in found else None if None in found else True


def _same_unordered(left: list[str], right: list[str]) -> bool | None:
    """The same things in any order, each as often as the other side has it."""
    if len(left) != len(right) or len(left) > MAX_PARTS:
        return False
    rest, unsure = list(left), False
    for part in right:
        verdicts = [_same_item(other, part) for other in rest]
        if True in verdicts:
            rest.pop(verdicts.index(True))
        elif None in verdicts:
            unsure = True
        else:
            return False
    return None if unsure else True


def _parts(text: str) -> list[str]:
    """The things that a list without brackets names; one that is no list is its only part."""
    plain = _SEPARATOR.sub(",", text)
    return _expanded(_split(plain, ",;"))


def _expanded(parts: list[str]) -> list[str]:
    """Writes `a \\pm b` as its two values."""
    found = []
    for part in parts:
        if part.count("\\pm") == 1 and depth(part.split("\\pm")[0]) == 0:
            found += [part.replace("\\pm", "+"), part.replace("\\pm", "-")]
        elif part:
            found.append(part)
    return found or [""]


def _split(text: str, separators: str) -> list[str]:
    parts, level, start = [], 0, 0
    for i, character in enumerate(text):
        level += _LEVEL.get(character, 0)
        if level == 0 and character in separators:
            parts.append(text[start:i].strip())
            start = i + 1
    return [*parts, text[start:].strip()]


def _same_item(mine: str, theirs: str) -> bool | None:
    if _squeeze(mine) == _squeeze(theirs):
        return True
    mine, theirs = _MEMBER.sub("", mine), _MEMBER.sub("", theirs)
    if _RELATION.search(mine) or _RELATION.search(theirs):
        return _same_relation(mine, theirs)
    if "=" in mine or "=" in theirs:
        return _same_equation(mine, theirs)
    if "\\cup" in mine or "\\cup" in theirs:
        return _same_unordered(mine.split("\\cup"), theirs.split("\\cup"))
    if mine.startswith("⟦") and theirs.startswith("⟦"):
        return _same_matrix(mine, theirs)
    left, right = _inside(mine), _inside(theirs)
    if left and right:
        return _same_brackets(left, right)
    if left or right:
        return _lone_in_brackets(left, right, mine, theirs)
    return _same_expression(mine, theirs)


def _same_expression(mine: str, theirs: str) -> bool | None:
    based = [_BASE.fullmatch(side) for side in (mine, theirs)]
    if based[1]:  # the base is part of the notation: 204_5 may be written as 204
        return mine == theirs or (not based[0] and mine == based[1][1])
    left, right = _read(mine), _read(theirs)
    if left is None or right is None:
        return None
    return _same_sums(left, right)


def _lone_in_brackets(
    left: tuple[str, list[str]] | None, right: tuple[str, list[str]] | None, mine: str, theirs: str
) -> bool | None:
    """One side is a tuple, interval or set, the other is not: they differ if the other is a plain value."""
    if left and left[0] == "\\{\\}" and len(left[1]) == 1:
        return _same_item(left[1][0], theirs)
    if right and right[0] == "\\{\\}" and len(right[1]) == 1:
        return _same_item(mine, right[1][0])
    value = _read(theirs if left else mine)
    return False if value is not None else None


def _inside(text: str) -> tuple[str, list[str]] | None:
    """The brackets and parts of a tuple, interval or set; None for anything else."""
    plain = text.strip()
    opening = "\\{" if plain.startswith("\\{") else plain[:1]
    end = "\\}" if plain.endswith("\\}") else plain[-1:]
    if (
        opening not in ("(", "[", "\\{")
        or end not in (")", "]", "\\}")
        or (opening == "\\{") != (end == "\\}")
    ):
        return None
    inner = plain[len(opening) : len(plain) - len(end)]
    level = 0
    for character in inner:
        level += _LEVEL.get(character, 0)
        if level < 0:
            return None
    parts = _split(inner, ",;")
    if level or (len(parts) < 2 and opening != "\\{"):
        return None
    return opening + end, parts


def _same_brackets(left: tuple[str, list[str]], right: tuple[str, list[str]]) -> bool | None:
    if left[0] == right[0] == "\\{\\}":
        sides = [_distinct(_expanded(side[1])) for side in (left, right)]
        return _same_unordered(*sides)
    if left[0] != right[0] or len(left[1]) != len(right[1]):
        return False
    return _all([_same_item(a, b) for a, b in zip(left[1], right[1], strict=True)])


def _distinct(parts: list[str]) -> list[str]:
    """The parts of a set without those that are written twice, in whatever spelling."""
    found: dict[str, str] = {}
    for part in parts:
        value = _read(part)
        found.setdefault(_squeeze(part) if value is None else canonical(value), part)
    return list(found.values())


def _same_matrix(mine: str, theirs: str) -> bool | None:
    rows = [[_split(row, "&") for row in _split(side[1:-1], "¦") if row] for side in (mine, theirs)]
    if [len(r) for r in rows[0]] != [len(r) for r in rows[1]]:
        return False
    pairs = [(a, b) for x, y in zip(*rows, strict=True) for a, b in zip(x, y, strict=True)]
    return _all([_same_item(a, b) for a, b in pairs])


def _same_equation(mine: str, theirs: str) -> bool | None:
    left, right = (_value_of(side) for side in (mine, theirs))
    if "=" not in left and "=" not in right:
        same = _same_item(left, right)
        names = [side.split("=")[0].strip() for side in (mine, theirs) if "=" in side]
        bare = [n for n in names if re.fullmatch(r"[a-z]", n)]
        # `x = 2` is not `y = 2`; f(x) and y are two names for one thing.
        return (
            False
            if same and len(bare) == 2 and bare[0] != bare[1]
            else same or _same_zero(mine, theirs) or same
        )
    if "=" not in mine or "=" not in theirs:
        return False
    return _same_zero(mine, theirs)


def _value_of(equation: str) -> str:
    """The right side of `x = 2`, and the last of a chain that begins with a name or a plain value."""
    parts = [part.strip() for part in equation.split("=")]
    if len(parts) == 1:
        return equation
    first = _read(parts[0])
    if _IS_NAME.fullmatch(parts[0]) or (len(parts) > 1 and first is not None and rational(first) is not None):
        return parts[-1].split("\\approx")[0].strip()
    return equation


def _same_zero(mine: str, theirs: str) -> bool | None:
    """Whether two equations say the same: the same `left - right`, up to a factor."""
    sides = []
    for equation in (mine, theirs):
        left, equals, right = equation.partition("=")
        a, b = _read(left), _read(right)
        if not equals or a is None or b is None:
            return None
        sides.append(add(a, negate(b)))
    if not sides[0] or not sides[1]:
        return bool(sides[0]) == bool(sides[1])
    return _same_sums(monic(sides[0])[0], monic(sides[1])[0])


def _same_relation(mine: str, theirs: str) -> bool | None:
    mine, theirs = (_MEMBER.sub("", side) for side in (mine, theirs))
    left, right = _interval(mine), _interval(theirs)
    if left and right:
        return _same_brackets(left, right)
    first, second = _relation(mine), _relation(theirs)
    if first and second:
        if first[0] != second[0]:
            return False
        return _same_sums(first[1], second[1])
    if _RELATION.search(mine) and _RELATION.search(theirs):
        return None
    other = _read(theirs if _RELATION.search(mine) else mine)
    return False if other is not None else None


def _interval(text: str) -> tuple[str, list[str]] | None:
    """The interval that `a < x <= b`, `x > a` or an interval itself names."""
    parts = _RELATION.split(text)
    if len(parts) == 1:
        return _inside(text)
    if "!=" in parts:
        return None
    if len(parts) == 5 and parts[1][0] == parts[3][0] and re.fullmatch(_NAME, parts[2].strip()):
        low, high = ((0, 1), (4, 3)) if parts[1][0] == "<" else ((4, 3), (0, 1))
    elif len(parts) == 3 and re.fullmatch(r"\s*[a-zA-Z]\s*", parts[0]):
        low, high = (None, (2, 1)) if parts[1][0] == "<" else ((2, 1), None)
    elif len(parts) == 3 and re.fullmatch(r"\s*[a-zA-Z]\s*", parts[2]):
        low, high = ((0, 1), None) if parts[1][0] == "<" else (None, (0, 1))
    else:
        return None
    opening = "[" if low and parts[low[1]].endswith("=") else "("
    end = "]" if high and parts[high[1]].endswith("=") else ")"
    bounds = [parts[low[0]].strip() if low else "-\\infty", parts[high[0]].strip() if high else "\\infty"]
    return opening + end, bounds


def _relation(text: str) -> tuple[str, Sum] | None:
    """A single inequality as a sign and a sum that it compares with zero, up to a positive factor."""
    parts = _RELATION.split(text)
    if len(parts) != 3:
        return None
    left, right = _read(parts[0]), _read(parts[2])
    if left is None or right is None:
        return None
    difference = add(left, negate(right))
    if not difference:
        return parts[1], difference
    sign = parts[1]
    if sign in _FLIP:
        sign, difference = _FLIP[sign], negate(difference)
    unit, leading = monic(difference)
    return sign, unit if leading > 0 or sign == "!=" else negate(unit)


@lru_cache(maxsize=4096)
def _read(text: str) -> Sum | None:
    try:
        return read(text)
    except Unreadable:
        return None


def _same_sums(left: Sum, right: Sum) -> bool | None:
    if canonical(left) == canonical(right):
        return True
    return False if decidable(left) and decidable(right) else None
