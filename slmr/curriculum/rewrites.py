"""Rewrites of a trace that need nothing but the trace."""

from __future__ import annotations

import ast
import re
from fractions import Fraction

from slmr.verify.trace_steps import evaluate_expression

_PART = r"(?:[-+*/×÷()\d ]|\.(?=\d))"  # a full stop belongs to a number only before a digit
_SIDE = re.compile(rf"(?P<left>{_PART}*[-+*/×÷]{_PART}*?) *= *(?P<right>-?\d+(?:\.\d+)?)(?![\d(/]|\.\d)")
_SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


def smaller_steps(text: str) -> str:
    """Splits every equation with several operations into equations with one operation, in order of evaluation.

    `(12 + 5) * 3 = 51.` becomes `12 + 5 = 17. 17 * 3 = 51.` Equations that cannot be parsed, are false or would
    need a value that is not a plain decimal are left unchanged.
    """
    return _SIDE.sub(_chain, text)


def _chain(match: re.Match[str]) -> str:
    left, right = match["left"], match["right"]
    lead = left[: len(left) - len(left.lstrip())]
    value = evaluate_expression(left)
    incomplete = re.match(r"\s*[-+*/×÷]\s", left)  # `x - 3 * 4`: the left operand is no number
    if incomplete or value is None or value != evaluate_expression(right):
        return match[0]
    equations: list[str] = []
    try:
        _reduce(ast.parse(left.replace("×", "*").replace("÷", "/").strip(), mode="eval").body, equations)
    except (SyntaxError, ValueError):
        return match[0]
    return lead + ". ".join(equations) if len(equations) > 1 else match[0]


def _reduce(node: ast.expr, equations: list[str]) -> Fraction:
    """The value of an expression; appends an equation for every operation in it."""
    match node:
        case ast.Constant(value=int() | float()):
            return Fraction(str(node.value))
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -Fraction(str(number))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _SIGNS:
            a, b = _reduce(left, equations), _reduce(right, equations)
            plain = f"{_written(a)} {_SIGNS[type(op)]} {_written(b)}"
            value = evaluate_expression(plain)
            if value is None:
                raise ValueError(f"{plain} has no value")
            equations.append(f"{plain} = {_written(value)}")
            return value
    raise ValueError("not arithmetic")


def _written(value: Fraction) -> str:
    """A number as a plain decimal. Raises ValueError if it has no short one."""
    text = f"{float(value):.6f}".rstrip("0").rstrip(".")
    if Fraction(text) != value:
        raise ValueError(f"{value} is no short decimal")
    return text
