"""A tree's normal form: every operation that can be carried out exactly is, the rest becomes an opaque atom."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from slmr.verify.polynomial import (
    Sum,
    add,
    atom,
    canonical,
    monic,
    multiply,
    negate,
    number,
    power,
    rational,
)
from slmr.verify.tree import Node, Unreadable, replaced
from slmr.verify.tree import number as leaf

_MAX_FACTORIAL, _MAX_DIGITS, _MAX_TERMS = 300, 400, 100


def normal_form(tree: Node) -> Sum:
    """The normal form of a tree.

    Raises:
        Unreadable: it divides by zero, or is too large to hold.
    """
    try:
        return _form(tree)
    except (ZeroDivisionError, ValueError, OverflowError) as error:
        raise Unreadable(str(error)) from None


def _form(tree: Node) -> Sum:
    if tree.op == "number":
        return number(tree.value)
    if tree.op == "symbol":
        return atom(tree.name)
    if tree.op in ("sum", "prod"):
        return _terms(tree)
    args = [_form(arg) for arg in tree.args]
    if tree.op == "add":
        total: Sum = {}
        for term in args:
            total = add(total, term)
        return total
    if tree.op == "multiply":
        total = args[0]
        for factor in args[1:]:
            total = multiply(total, factor)
        return total
    known = _KNOWN.get(tree.op)
    return known(*args) if known else _opaque(tree.op, *args)


def _terms(tree: Node) -> Sum:
    """A sum or product, term by term where its bounds are numbers and near to each other.

    Only where each term is a number: with symbols, or one sum inside of another, the work has no small bound.
    """
    indices = _indices(tree)
    if indices is None:
        return _opaque(tree.op, *map(_form, tree.args))
    total = number(0 if tree.op == "sum" else 1)
    for index in indices:
        term = _form(replaced(tree.args[2], tree.name, leaf(index)))
        total = add(total, term) if tree.op == "sum" else multiply(total, term)
    return total


def _indices(tree: Node) -> range | None:
    """What the index of a sum or product runs over; None where it is not taken apart."""
    if not all(_is_numeric(arg, tree.name) for arg in tree.args):
        return None
    low, high = (rational(_form(bound)) for bound in tree.args[:2])
    if low is None or high is None or low.denominator * high.denominator != 1:
        return None
    return range(int(low), int(high) + 1) if 0 <= high - low < _MAX_TERMS else None


def _is_numeric(tree: Node, index: str) -> bool:
    """Whether a tree holds no symbol but the index, and no sum or product of terms."""
    if tree.op == "symbol":
        return tree.name == index
    return tree.op not in ("sum", "prod") and all(_is_numeric(arg, index) for arg in tree.args)


def _opaque(name: str, *args: Sum) -> Sum:
    return atom(f"{name}({';'.join(map(canonical, args))})")


def _root(base: Sum, degree: Sum) -> Sum:
    value, n = rational(base), rational(degree)
    if value is not None and value < 0 and n is not None and n.denominator == 1 and n % 2 == 1:
        return negate(power(number(-value), number(1 / n)))
    return power(base, power(degree, number(-1)))


def _absolute(inside: Sum) -> Sum:
    value = rational(inside)
    if value is not None:
        return number(abs(value))
    unit, leading = monic(inside)
    return multiply(number(abs(leading)), _opaque("abs", unit))


def _factorial(base: Sum) -> Sum:
    value = rational(base)
    if value is None or value > _MAX_FACTORIAL:
        return _opaque("factorial", base)
    if value.denominator != 1 or value < 0:
        raise Unreadable("the factorial of no natural number")
    return number(math.factorial(int(value)))


def _binomial(top: Sum, bottom: Sum) -> Sum:
    n, k = rational(top), rational(bottom)
    if n is None or k is None or n > _MAX_FACTORIAL:
        return _opaque("binomial", top, bottom)
    if n.denominator != 1 or k.denominator != 1 or not 0 <= k <= n:
        raise Unreadable("a binomial of other than natural numbers")
    return number(math.comb(int(n), int(k)))


def _logarithm(argument: Sum, base: Sum) -> Sum:
    """The logarithm where it is a whole number or the inverse of one."""
    x, b = rational(argument), rational(base)
    if x is None or b is None or x <= 0 or b <= 1:
        return _opaque("log", argument, base)
    guess = round(_log(x) / _log(b)) if x != 1 else 0
    if abs(guess) <= _MAX_DIGITS and b**guess == x:
        return number(guess)
    return _opaque("log", argument, base)


def _log(value: Fraction) -> float:
    return math.log(value.numerator) - math.log(value.denominator)


def _whole(name: str, function: Callable[[Fraction], int]) -> Callable[[Sum], Sum]:
    def apply(inside: Sum) -> Sum:
        value = rational(inside)
        return _opaque(name, inside) if value is None else number(function(value))

    return apply


def _of_numbers(name: str, function: Callable[..., Fraction | int], whole: bool) -> Callable[..., Sum]:
    """A function of several numbers, in any order of them; opaque where one is no number."""

    def apply(*args: Sum) -> Sum:
        values = [rational(arg) for arg in args]
        known = [v for v in values if v is not None and (v.denominator == 1 or not whole)]
        if len(known) < len(args):
            return _opaque(name, *sorted(args, key=canonical))
        return number(function(*(map(int, known) if whole else known)))

    return apply


def _modulo(left: Sum, right: Sum) -> Sum:
    a, b = rational(left), rational(right)
    return _opaque("mod", left, right) if a is None or b is None else number(a % b)


_KNOWN: dict[str, Callable[..., Sum]] = {
    "power": power, "root": _root, "abs": _absolute, "factorial": _factorial, "binomial": _binomial,
    "log": _logarithm, "floor": _whole("floor", math.floor), "ceil": _whole("ceil", math.ceil), "mod": _modulo,
    "gcd": _of_numbers("gcd", math.gcd, True), "lcm": _of_numbers("lcm", math.lcm, True),
    "min": _of_numbers("min", lambda *values: min(values), False),
    "max": _of_numbers("max", lambda *values: max(values), False),
}  # fmt: skip
