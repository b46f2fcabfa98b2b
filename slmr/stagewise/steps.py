"""Reading a trace as steps, and checking the equations that it states. Exact, and without `eval`."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

_STEP_END = re.compile(r"(?<=[.!?])\s+|\n+")
_CLOSING = re.compile(r"^\s*(####|\\boxed|Answer:)")
_FRAC = re.compile(r"\\d?frac\{(-?\d+)\}\{(-?\d+)\}")
_EQUATION = re.compile(r"([-+*/×÷().\d\s]{1,120}?)=\s*(\(-?\d+/\d+\)|-?[\d/.]*\d)(?![\d(])")
_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def split_steps(text: str) -> list[str]:
    """The sentences of a trace before its closing answer line."""
    steps = []
    for part in _STEP_END.split(text.strip()):
        if _CLOSING.match(part):
            break
        if part.strip():
            steps.append(part.strip())
    return steps


def beginning(text: str, count: int) -> str:
    """The exact start of a text that covers its first `count` steps, with the blank that follows them."""
    end = 0
    for step in split_steps(text)[:count]:
        end = text.index(step, end) + len(step)
    return text[:end] + (text[end:])[: len(text[end:]) - len(text[end:].lstrip())] if end else ""


def equations(step: str) -> Iterator[tuple[str, str]]:
    """Left and right side of every equation of a step; a chain `a = b = c` is read pair by pair."""
    plain = _FRAC.sub(r"(\1/\2)", step)
    position = 0
    while match := _EQUATION.search(plain, position):
        yield match[1].strip(), match[2].strip()
        position = match.start(2)


def false_equation(step: str) -> tuple[str, Fraction] | None:
    """The first equation of a step that does not hold, as it stands, and its true value.

    What cannot be computed (a variable, words, a division by zero) is no equation and cannot be false.
    """
    for left, right in equations(step):
        value, stated = evaluate_expression(left), evaluate_expression(right)
        if value is not None and stated is not None and value != stated:
            return f"{left} = {right}", value
    return None


def conclusions(step: str) -> list[Fraction]:
    """The values that a step's equations end in, in order."""
    values = (evaluate_expression(right) for _, right in equations(step))
    return [value for value in values if value is not None]


def departure(steps: Sequence[str], reference: Sequence[str]) -> tuple[int, int]:
    """Where an attempt leaves a known solution, judged by values and not by wording (ours).

    A step is right if its equations hold and it concludes the value of a step of the reference that is
    not yet passed, so steps may be merged. Without an equation it must be a statement of the reference, or
    the reference must be one of equations: then it is prose and neither right nor wrong.

    Returns:
        The index of the first wrong step, `len(steps)` if there is none; how many steps of the reference
        are reached before it.
    """
    values = [set(conclusions(step)) for step in reference]
    reached = 0
    for index, step in enumerate(steps):
        concluded = conclusions(step)
        if concluded:
            places = (j for j in range(reached, len(reference)) if concluded[-1] in values[j])
        elif any(values):
            continue
        else:
            places = (j for j in range(reached, len(reference)) if _bare(step) == _bare(reference[j]))
        place = next(places, None)
        if place is None or false_equation(step) is not None:
            return index, reached
        reached = place + 1
    return len(steps), reached


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


def common_prefix(steps: Sequence[str], reference: Sequence[str]) -> int:
    """How many first steps are the same, blanks and the full stop aside."""
    same = 0
    for mine, theirs in zip(steps, reference, strict=False):
        if _bare(mine) != _bare(theirs):
            break
        same += 1
    return same


def _bare(step: str) -> str:
    return re.sub(r"\s+", "", step).rstrip(".")
