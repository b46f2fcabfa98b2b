"""Reading a trace as steps, and checking the equations that it states. Exact, and without `eval`."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Sequence
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


def false_equation(step: str) -> tuple[str, Fraction] | None:
    """The first equation of a step that does not hold, as it stands, and its true value.

    A chain `a = b = c` is read pair by pair. What cannot be computed (a variable, words, a division
    by zero) is no equation and cannot be false.
    """
    plain = _FRAC.sub(r"(\1/\2)", step)
    position = 0
    while match := _EQUATION.search(plain, position):
        left, right = match[1].strip(), match[2].strip()
        value, stated = evaluate_expression(left), evaluate_expression(right)
        if value is not None and stated is not None and value != stated:
            return f"{left} = {right}", value
        position = match.start(2)
    return None


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
