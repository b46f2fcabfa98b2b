r"""The math checker's exact part: decides what is plain arithmetic, lists of it, or the same text.

What it cannot decide, roots and symbols in different spellings, goes to the symbolic worker. Bounded:
length, nesting, exponents and digits are checked before anything is computed.
"""

from __future__ import annotations

import re
from fractions import Fraction

from slmr.verify.extract import boxed, closing, hedged, retracted, said
from slmr.verify.verdict import Answer

MAX_CHARS, MAX_DEPTH, _MAX_EXPONENT, _MAX_DIGITS = 500, 25, 64, 120

_TOKEN = re.compile(r"\d+(?:\.\d+)?|\.\d+|\\frac|\*\*|[-+*/^(){}]")
_DROP = re.compile(r"\\[,;:! ]|\\left(?![a-z])|\\right(?![a-z])|\\displaystyle|\\limits|~|\$")
_WRAP = re.compile(r"\\(?:text|mathrm|mathbf|textbf|mbox|operatorname)\s*\{([^{}]*)\}")
_UNIT = re.compile(
    r"(?<=[\d}\s)])\s*(?:\\%|%|\^\\circ|\^\{\\circ\}|\\circ|°|degrees?|dollars?|cents?|square units?|units?|"
    r"inch(?:es)?|feet|foot|ft|cm|mm|km|m|meters?|miles?|hours?|minutes?|seconds?|days?|years?|ways?)"
    r"(?:\^\{?[23]\}?)?\.?$",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(r"(?<!\d)\d{1,3}(?:(?:,|\{,\}|\\,)\d{3})+(?!\d)")
_ASSIGNED = re.compile(r"^[a-zA-Z](?:_\{?\w\}?)?\s*(?:=|\\in)\s*")
_BRACKETS = {"(": ")", "[": "]", "\\{": "\\}"}


def normalise(text: str) -> str:
    """One spelling for what means the same on the page: spaces, wrappers, units, `\\dfrac`, a final stop."""
    plain = _WRAP.sub(r"\1", text.strip()).strip("$").strip()
    plain = _THOUSANDS.sub(lambda m: re.sub(r"\D", "", m[0]), plain)
    plain = _DROP.sub("", plain).replace("\u2212", "-").replace("\\cdot", "*").replace("\\times", "*")
    plain = plain.replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac").replace("\\div", "/").replace("\u03c0", "\\pi")
    plain = re.sub(r"\\frac\s*(\d)\s*(\d)", r"\\frac{\1}{\2}", plain)
    plain = re.sub(r"\\sqrt\s*(\d)", r"\\sqrt{\1}", plain).rstrip(".").strip()
    plain = _UNIT.sub("", plain).strip()
    return re.sub(r"\s+", " ", plain)


def decide(answer: str, gold: str) -> bool | None:
    """Whether the answer equals gold; None where exact means do not tell."""
    mine, theirs = normalise(answer), normalise(gold)
    if len(mine) > MAX_CHARS or depth(mine) > MAX_DEPTH:
        return False
    if _squeeze(mine) == _squeeze(theirs):
        return True
    mine, theirs = _ASSIGNED.sub("", mine), _ASSIGNED.sub("", theirs)
    if _squeeze(mine) == _squeeze(theirs):
        return True
    left, right = rational(mine), rational(theirs)
    if left is not None and right is not None:
        return left == right
    return _decide_parts(mine, theirs)


def _decide_parts(mine: str, theirs: str) -> bool | None:
    """Tuples, intervals, sets: bracket by bracket and part by part."""
    left, right = split_list(mine), split_list(theirs)
    if left is None or right is None:
        if left is None and right is None and re.fullmatch(r"[A-Za-z ]+", theirs):
            return _squeeze(mine).lower() == _squeeze(theirs).lower()
        return None
    if left[0] != right[0] or len(left[1]) != len(right[1]):
        return False
    if left[0] in ("\\{\\}", ""):
        return _same_set(left[1], right[1])
    verdicts = [decide(a, b) for a, b in zip(left[1], right[1], strict=True)]
    return False if False in verdicts else None if None in verdicts else True


def _same_set(left: list[str], right: list[str]) -> bool | None:
    values = [sorted(str(rational(normalise(part)) or _squeeze(part)) for part in side) for side in (left, right)]
    if values[0] == values[1]:
        return True
    decided = all(rational(normalise(part)) is not None for part in (*left, *right))
    return False if decided else None


def split_list(text: str) -> tuple[str, list[str]] | None:
    """The brackets and the comma-separated parts of a list; None if the text is no list."""
    plain, brackets = text.strip(), ""
    for opening in _BRACKETS:
        if plain.startswith(opening):
            for end in (")", "]", "\\}"):
                if plain.endswith(end) and len(plain) > len(opening) + len(end):
                    brackets, plain = opening + end, plain[len(opening) : -len(end)]
                    break
            break
    parts = _top_level_parts(plain)
    if len(parts) < 2 and brackets not in ("\\{\\}",):
        return None
    return brackets, parts


def _top_level_parts(text: str) -> list[str]:
    parts, level, start = [], 0, 0
    for i, character in enumerate(text):
        level += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(character, 0)
        if character == "," and level == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    return [*parts, text[start:].strip()]


def depth(text: str) -> int:
    """The deepest nesting of brackets."""
    level = deepest = 0
    for character in text:
        level += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(character, 0)
        deepest = max(deepest, level)
    return deepest


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)


def rational(text: str) -> Fraction | None:
    """The exact value of arithmetic in numbers, + - * / ^, brackets and `\\frac`; None for all else."""
    plain = text.strip()
    mixed = re.fullmatch(r"(-?)(\d+)\s*\\frac\{(\d+)\}\{(\d+)\}", plain)
    if mixed and int(mixed[4]) and max(map(len, mixed.groups())) <= _MAX_DIGITS:
        value = int(mixed[2]) + Fraction(int(mixed[3]), int(mixed[4]))
        return -value if mixed[1] else value
    tokens = _TOKEN.findall(plain)
    if "".join(tokens) != _squeeze(plain) or not tokens or re.search(r"[\d.]\s+[\d.]", plain):
        return None
    try:
        reader = _Reader(tokens)
        value = reader.sum()
        return value if reader.done else None
    except (_NotArithmetic, ZeroDivisionError):
        return None


class _NotArithmetic(Exception):
    """The text is not arithmetic, or too large to compute."""


class _Reader:
    """Recursive descent over the tokens; depth and size are bounded, so every call ends soon."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens, self._at, self._depth = tokens, 0, 0

    @property
    def done(self) -> bool:
        return self._at == len(self._tokens)

    def _peek(self) -> str:
        return self._tokens[self._at] if not self.done else ""

    def _next(self) -> str:
        if self.done:
            raise _NotArithmetic
        self._at += 1
        return self._tokens[self._at - 1]

    def sum(self) -> Fraction:
        value = self._product()
        while self._peek() in ("+", "-"):
            value = value + self._product() if self._next() == "+" else value - self._product()
        return _bounded(value)

    def _product(self) -> Fraction:
        value = self._signed()
        while self._peek() in ("*", "/"):
            value = value * self._signed() if self._next() == "*" else value / self._signed()
        return _bounded(value)

    def _signed(self) -> Fraction:
        if self._peek() in ("-", "+"):
            return -self._signed() if self._next() == "-" else self._signed()
        return self._power()

    def _power(self) -> Fraction:
        base = self._atom()
        if self._peek() not in ("^", "**"):
            return base
        self._next()
        exponent = self._signed()
        if exponent.denominator != 1 or abs(exponent) > _MAX_EXPONENT:
            raise _NotArithmetic
        return _bounded(base ** int(exponent))

    def _atom(self) -> Fraction:
        token = self._next()
        if token == "\\frac":
            return self._group("{", "}") / self._group("{", "}")
        if token in ("(", "{"):
            self._at -= 1
            return self._group(token, {"(": ")", "{": "}"}[token])
        if not (token[0].isdigit() or token[0] == ".") or len(token) > _MAX_DIGITS:
            raise _NotArithmetic
        return Fraction(token)

    def _group(self, opening: str, end: str) -> Fraction:
        self._depth += 1
        if self._depth > MAX_DEPTH or self._next() != opening:
            raise _NotArithmetic
        value = self.sum()
        if self._next() != end:
            raise _NotArithmetic
        self._depth -= 1
        return value


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > 4 * _MAX_DIGITS:
        raise _NotArithmetic
    return value


def extract(text: str) -> Answer | None:
    r"""The answer: the last `\boxed{}`, else what "the answer is" says, else a text that is only an answer."""
    in_box = boxed(text)
    if in_box:
        return closing(in_box, text)
    stated = said(text)
    if stated:
        return None if hedged(stated.text) else stated
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if not lines or retracted(lines[-1]) or hedged(lines[-1]):
        return None
    last = lines[-1]
    dollars = re.findall(r"\$([^$]+)\$", last)
    if dollars:
        return Answer(dollars[-1].rsplit("=", 1)[-1].strip(), False)
    if len(lines) == 1 and len(last) <= 200:
        return Answer(last, False)
    equation = re.search(r"=\s*([^=\s][^=]{0,80})$", last)
    return Answer(equation[1].strip(), False) if equation else None
