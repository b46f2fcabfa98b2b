"""Reading a trace as steps, and checking the equations that it states. Exact, and without `eval`."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import takewhile

from slmr.verify.reading.sentences import SENTENCE_END

_CLOSING = re.compile(r"^\s*(####|\\boxed|Answer:)")
_REWRITES = (  # spellings of the same arithmetic
    (re.compile(r"\\[dt]?frac\{(-?\d+)\}\{(-?\d+)\}"), r"(\1/\2)"),
    (re.compile(r"\\[()\[\]]"), " "),
    (re.compile(r"×|\\times\b|\\cdot\b"), "*"),
    (re.compile(r"÷|\\div\b"), "/"),
    (re.compile(r"[−–]"), "-"),
    (re.compile(r"\\?[$€£](?=\s*[.\d])"), ""),
    (re.compile(r"(?<=\d)(?:,|\{,\})(?=\d{3}(?!\d))"), ""),
    (  # `miles/week`, `per hour`: what a unit is counted by
        re.compile(r"(?<=[\dA-Za-z])(?:\s?/\s?|\s+per\s+)(?!(?:sin|cos|tan|log|sqrt|exp)\b)[A-Za-z]{3,}\b(?![({\\])"),
        "",
    ),
    (
        re.compile(r"(?<=\d)(?:\s+[A-Za-z]{2,}){1,2}(?:/[a-z]+)?(?=\s*[-+*/=]|\s+[xX]\s+\$?[\d.(])"),
        "",
    ),  # units
    (re.compile(r"(?<=[\d)])(?:\s+[xX]\s+(?=[\d.(])|[xX](?=\d))"), "*"),
)
_PARTS = "+-*/().0123456789 \t"
# What makes a number before it a part of something else: an index, a factor, a power, a modulus.
_PART_OF_MORE = re.compile(r"[\w^{(%!]|\\[a-z%{]|\s+(?:[b-zB-HJ-Z]\b|mod\b|\\[a-z])")
_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def split_steps(text: str) -> list[str]:
    """The sentences of a trace before its closing answer line."""
    parts = takewhile(lambda part: not _CLOSING.match(part), SENTENCE_END.split(text.strip()))
    return [part.strip() for part in parts if part.strip()]


def beginning(text: str, count: int) -> str:
    """The exact start of a text that covers its first `count` steps, with the blank that follows them."""
    end = 0
    for step in split_steps(text)[:count]:
        end = text.index(step, end) + len(step)
    return text[: len(text) - len(text[end:].lstrip())] if end else ""


def following(start: str, rest: str, separator: str) -> str:
    """The rest as it is appended to a beginning: behind a separator, unless that is empty or ends with white space."""
    return rest if not start or start[-1].isspace() else separator + rest


def equations(step: str) -> Iterator[tuple[str, str]]:
    """Left and right side of every equation of a step; a chain `a = b = c` is read pair by pair.

    Units and currency signs are left out. The left side is empty if it is no operation on numbers (`x`, `2x - 4`,
    `f(3)`, `20 pints`). If the right side is neither that nor a number (`2x`, `3^2`, `50%`), there is no equation.
    """
    sides = _plain(step).split("=")
    for left, right in zip(sides, sides[1:], strict=False):
        value = _start_of(right)
        if value:
            yield _end_of(left), value


def _plain(step: str) -> str:
    for pattern, plain in _REWRITES:
        step = pattern.sub(plain, step)
    return step


def _start_of(side: str) -> str:
    """The arithmetic that a side begins with; empty if that is only a part of something else."""
    rest = side.lstrip(_PARTS)
    start = side[: len(side) - len(rest)]
    body = start.rstrip(" \t")
    has_remark = body.endswith((" (", "\t("))
    body = body[:-1].rstrip() if has_remark else body
    while body.endswith(")") and body.count(")") > body.count("("):
        body = body[:-1]
    is_complete = has_remark or (body.endswith(".") and not rest.startswith("\\"))
    if not is_complete and _PART_OF_MORE.match(start[len(start.rstrip()) :] + rest):
        return ""
    return body.strip().rstrip(".")


def _end_of(side: str) -> str:
    """The operation that a side ends with; empty if that is only a part of something else."""
    head = side.rstrip(_PARTS)
    end = side[len(head) :]
    body = end.strip()
    while body.startswith("(") and body.count("(") > body.count(")"):
        body = body[1:].strip()
    if not re.search(r"[\d)]\s*[-+*/]", body):
        return ""
    if not head:
        return body
    is_separate = end[:1].isspace() or head.endswith(tuple("$[&;,#"))
    follows_word = end[:1].isdigit() and re.search(r"[A-Za-z]{2}$", head)  # without a space
    if not (is_separate or follows_word) or re.search(r"[\^_{}|%!<>\\]$|\\\w+$|\b[xX]$", head):
        return ""
    return body if re.match(r"[\d.(]", body) else ""


def false_equation(step: str) -> tuple[str, Fraction] | None:
    """The first equation of a step that does not hold, as it stands, and its true value.

    What cannot be computed (a variable, words, a division by zero) is no equation and cannot be false.
    A decimal may be rounded, and `3 + 4 = 7 * 2 = 14`, read on from the 7, passes (both ours).
    """
    for left, right in equations(step):
        value, result = evaluate_expression(left), evaluate_expression(right)
        if value is not None and result is not None and not _holds(value, result, right):
            return f"{left} = {right}", value
    return None


def _holds(value: Fraction, result: Fraction, right: str) -> bool:
    """Whether a value is the result that the right side states, exactly or rounded."""
    if value == result:
        return True
    number = re.match(r"-?(?:\d+(?:\.(\d+))?|\.(\d+))", right)
    if number is None:
        return False
    if number.end() < len(right):
        return value == Fraction(number[0])
    places = len(number[1] or number[2] or "")
    return places > 0 and abs(value - result) * 2 * 10**places <= 1


def conclusions(step: str) -> list[Fraction]:
    """The values that a step's equations end in, in order."""
    values = (evaluate_expression(right) for _, right in equations(step))
    return [value for value in values if value is not None]


def departure(steps: Sequence[str], reference: Sequence[str]) -> tuple[int, int]:
    """Where an attempt leaves a known solution, judged by values and not by wording (ours).

    A step is right if its equations hold and it concludes the value of a step of the reference that has not been
    passed yet, so steps may be merged. A step that computes nothing is neither right nor wrong if it repeats a passed
    value, or has no value although the reference consists of equations. If the reference consists of statements, a
    step must be one of them.

    Returns:
        The index of the first wrong step, `len(steps)` if there is none; how many steps of the reference are reached
        before it.
    """
    values = [set(conclusions(step)) for step in reference]
    reached = 0
    for index, step in enumerate(steps):
        if results := conclusions(step):
            fits = [results[-1] in values_of_step for values_of_step in values]
            is_prose = any(fits[:reached]) and not any(left for left, _ in equations(step))
        else:
            fits = [_bare(step) == _bare(statement) for statement in reference]
            is_prose = any(values)
        if not any(fits[reached:]) and is_prose:
            continue
        if not any(fits[reached:]) or false_equation(step) is not None:
            return index, reached
        reached = fits.index(True, reached) + 1
    return len(steps), reached


def until_computed(steps: Sequence[str], reference: Sequence[str]) -> int:
    """How many steps there are up to the last that computes something; all if the reference computes nothing.

    Words alone cannot be checked, so a beginning that ends in them is none to continue from.
    """
    if not any(map(conclusions, reference)):
        return len(steps)
    return max((i + 1 for i, step in enumerate(steps) if conclusions(step)), default=0)


def evaluate_expression(text: str) -> Fraction | None:
    """The exact value of an expression of numbers, + - * / and brackets; None if it is something else."""
    source = text.replace("×", "*").replace("÷", "/").strip()
    if not source or len(source) > 120 or not re.fullmatch(r"[-+*/().\d\s]+", source):
        return None
    try:
        return _value(ast.parse(source, mode="eval").body)
    except (SyntaxError, ZeroDivisionError, ValueError, RecursionError):
        return None


def _value(node: ast.expr) -> Fraction:
    match node:
        case ast.Constant(value=int() | float()):
            return Fraction(str(node.value))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(left), _value(right))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
    raise ValueError("not arithmetic")


def _bare(step: str) -> str:
    return re.sub(r"\s+", "", step).rstrip(".")
