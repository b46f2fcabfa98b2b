"""A tree's normal form: every operation that can be carried out exactly is, the rest becomes an opaque atom."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import reduce

from slmr.verify.algebra import nested_roots
from slmr.verify.algebra.polynomial import (
    Sum,
    add,
    atom,
    canonical,
    complex_parts,
    decidable,
    factors,
    monic,
    multiply,
    negate,
    number,
    power,
    rational,
)
from slmr.verify.algebra.tree import DivisionByZero, Node, Unreadable, fold, nodes, replace_symbol, symbol
from slmr.verify.algebra.tree import number as leaf

_LN = re.compile(r"ln\(\d+\)")
_E = symbol("e")
_MAX_FACTORIAL, _MAX_FALLING, _MAX_DIGITS, _MAX_TERMS = 300, 6, 400, 100


def normal_form(tree: Node) -> Sum:
    """The normal form of a tree.

    Raises:
        Unreadable: it divides by zero, or is too large to hold.
    """
    try:
        return _form(tree)
    except ZeroDivisionError as error:
        raise DivisionByZero(str(error)) from None
    except (ValueError, OverflowError) as error:
        raise Unreadable(str(error)) from None


def _form(tree: Node) -> Sum:
    return fold(fold(tree, _undo_logarithm), _combine, _expand_terms)


def _undo_logarithm(node: Node, args: list[Node]) -> Node:
    """A node without a power that undoes a logarithm: `e^{ln x}` and `b^{log_b x}` are x."""
    if node.op == "power":
        base, exponent = args
        is_log = exponent.op == "log" and not base.args and exponent.args[1] == base
        if is_log or (exponent.op == "ln" and base == _E):
            return exponent.args[0]
    return Node(node.op, tuple(args), node.value, node.name) if args else node


def _combine(node: Node, args: list[Sum]) -> Sum:
    if node.op == "number":
        return number(node.value)
    if node.op == "symbol":
        return atom(node.name)
    known = _KNOWN.get(node.op)
    return known(*args) if known else _opaque(node.op, *args)


def _expand_terms(tree: Node) -> Sum | None:
    """A sum or product of numbers, term by term where its bounds are near to each other; None for anything else.

    Only where each term is a number: with symbols, or one sum inside of another, the work has no small bound.
    """
    indices = _indices(tree) if tree.op in ("sum", "prod") else None
    if indices is None:
        return None
    terms = (_form(replace_symbol(tree.args[2], tree.name, leaf(index))) for index in indices)
    return _sum_of(terms) if tree.op == "sum" else reduce(multiply, terms, number(1))


def _indices(tree: Node) -> range | None:
    """What the index of a sum or product runs over; None where it is not taken apart."""
    if not all(_is_numeric(node, tree.name) for arg in tree.args for node in nodes(arg)):
        return None
    low, high = (rational(_form(bound)) for bound in tree.args[:2])
    if low is None or high is None or low.denominator * high.denominator != 1:
        return None
    return range(int(low), int(high) + 1) if 0 <= high - low < _MAX_TERMS else None


def _is_numeric(node: Node, index: str) -> bool:
    """Whether a node is no symbol but the index, and no sum or product of terms."""
    return node.name == index if node.op == "symbol" else node.op not in ("sum", "prod")


def _sum_of(terms: Iterable[Sum]) -> Sum:
    return reduce(add, terms, number(0))


def _opaque(name: str, *args: Sum) -> Sum:
    return atom(f"{name}({';'.join(map(canonical, args))})")


def _power(base: Sum, exponent: Sum) -> Sum:
    """A power; `e` to an imaginary angle by its sine and cosine, to a logarithm by what that is of."""
    if (
        base == atom("e")
        and exponent
        and all(len(m) == 1 and _LN.fullmatch(m[0][0]) and m[0][1] == 1 for m in exponent)
    ):
        powers = (power(number(int(m[0][0][3:-1])), number(factor)) for m, factor in exponent.items())
        return reduce(multiply, powers, number(1))
    if base == atom("e") and len(exponent) == 1 and ("i", Fraction(1)) in next(iter(exponent)):
        turns = _turns({tuple(f for f in m if f[0] != "i"): factor for m, factor in exponent.items()})
        if turns is not None:
            sine, cosine = _SINES.get(turns % 2), _SINES.get((turns + Fraction(1, 2)) % 2)
            if sine is not None and cosine is not None:
                return add(cosine, multiply(sine, atom("i")))
    return power(base, exponent)


def _turns(angle: Sum) -> Fraction | None:
    """How many times pi an angle is; None where it is no rational multiple."""
    if not angle:
        return Fraction(0)
    if len(angle) == 1 and (("\\pi", Fraction(1)),) in angle:
        return next(iter(angle.values()))
    return None


def _half(terms: Mapping[int, Fraction | int]) -> Sum:
    """A sum of square roots of whole numbers, each with its factor."""
    half = number(Fraction(1, 2))
    return _sum_of(multiply(number(factor), power(number(n), half)) for n, factor in terms.items())


def _sines() -> dict[Fraction, Sum]:
    """The sine of the multiples of pi/12 within a turn, by how many times pi they are."""
    quarter = Fraction(1, 4)
    first = [
        {},
        {6: quarter, 2: -quarter},
        {1: 2 * quarter},
        {2: 2 * quarter},
        {3: 2 * quarter},
        {6: quarter, 2: quarter},
        {1: 1},
    ]
    up = [_half(terms) for terms in first]
    arch = [*up, *up[-2::-1]]
    sines = {Fraction(k, 12): arch[k] if k <= 12 else negate(arch[k - 12]) for k in range(24)}
    for tenth, terms in ((1, {5: quarter, 1: -quarter}), (3, {5: quarter, 1: quarter})):
        for k in (tenth, 10 - tenth):
            sines |= {Fraction(k, 10): _half(terms), Fraction(k + 10, 10): negate(_half(terms))}
    return sines


_SINES = _sines()
_TANGENTS = {
    Fraction(k, 12): _half(terms)
    for k, terms in {
        0: {},
        1: {1: 2, 3: -1},
        2: {3: Fraction(1, 3)},
        3: {1: 1},
        4: {3: 1},
        5: {1: 2, 3: 1},
        7: {1: -2, 3: -1},
        8: {3: -1},
        9: {1: -1},
        10: {3: Fraction(-1, 3)},
        11: {1: -2, 3: 1},
    }.items()
}


def _of_angle(
    name: str, values: Mapping[Fraction, Sum], period: int, ahead: Fraction = Fraction(0)
) -> Callable[[Sum], Sum]:
    """A function of an angle by its values, which may be those of another one that is ahead by so many times pi."""

    def apply(angle: Sum) -> Sum:
        turns = _turns(angle)
        known = None if turns is None else values.get((turns + ahead) % period)
        return _opaque(name, angle) if known is None else known

    return apply


_sine = _of_angle("sin", _SINES, 2)
_cosine = _of_angle("cos", _SINES, 2, ahead=Fraction(1, 2))
_ANGLES = {
    canonical(_SINES[turns % 2]): turns
    for turns in (sign * k for k in _SINES if k <= Fraction(1, 2) for sign in (1, -1))
}
_SLOPES = {canonical(slope): turns if turns < Fraction(1, 2) else turns - 1 for turns, slope in _TANGENTS.items()}


def _angle_of(name: str, angles: Mapping[str, Fraction]) -> Callable[[Sum], Sum]:
    """The inverse of such a function: a multiple of pi where it is known."""

    def apply(value: Sum) -> Sum:
        turns = angles.get(canonical(value))
        return _opaque(name, value) if turns is None else multiply(number(turns), atom("\\pi"))

    return apply


def _cotangent(angle: Sum) -> Sum:
    sine, cosine = _sine(angle), _cosine(angle)
    known = decidable(sine) and decidable(cosine)
    return multiply(cosine, power(sine, number(-1))) if known else power(_opaque("tan", angle), number(-1))


def _inverse_of(function: Callable[[Sum], Sum]) -> Callable[[Sum], Sum]:
    return lambda angle: power(function(angle), number(-1))


def _root(base: Sum, degree: Sum) -> Sum:
    value, n = rational(base), rational(degree)
    if value is not None and value < 0 and n is not None and n.denominator == 1 and n % 2 == 1:
        return negate(power(number(-value), number(1 / n)))
    if n in (2, 3):
        simpler = nested_roots.square_root(base) if n == 2 else nested_roots.cube_root(base)
        if simpler is not None:
            return simpler
    return power(base, power(degree, number(-1)))


def _absolute(inside: Sum) -> Sum:
    value = rational(inside)
    if value is not None:
        return number(abs(value))
    parts = complex_parts(inside)
    if parts is not None:
        return power(number(parts[0] ** 2 + parts[1] ** 2), number(Fraction(1, 2)))
    unit, leading = monic(inside)
    return multiply(number(abs(leading)), _opaque("abs", unit))


def _factorial(base: Sum) -> Sum:
    value = rational(base)
    if value is None or value > _MAX_FACTORIAL:
        return _opaque("factorial", base)
    if value.denominator != 1 or value < 0:
        raise Unreadable("the factorial of no natural number")
    return number(math.factorial(int(value)))


def _double_factorial(base: Sum) -> Sum:
    value = rational(base)
    if value is None or value.denominator != 1 or not 0 <= value <= _MAX_FACTORIAL:
        return _opaque("double_factorial", base)
    return number(math.prod(range(int(value), 0, -2)))


def _binomial(top: Sum, bottom: Sum) -> Sum:
    n, k = rational(top), rational(bottom)
    if n is None and k is not None and k.denominator == 1 and 0 <= k <= _MAX_FALLING:
        falling = (add(top, number(-i)) for i in range(int(k)))
        return reduce(multiply, falling, number(Fraction(1, math.factorial(int(k)))))
    if n is None or k is None or n > _MAX_FACTORIAL:
        return _opaque("binomial", top, bottom)
    if n.denominator != 1 or k.denominator != 1 or not 0 <= k <= n:
        raise Unreadable("a binomial of other than natural numbers")
    return number(math.comb(int(n), int(k)))


def _logarithm(argument: Sum, base: Sum) -> Sum:
    """A logarithm: a whole number where it is one, else the quotient of two natural ones."""
    x, b = rational(argument), rational(base)
    if b is not None and 0 < b < 1:
        return multiply(number(-1), _logarithm(argument, number(1 / b)))
    if x is None or b is None or x <= 0 or b <= 1:
        return _opaque("log", argument, base)
    guess = round(_log(x) / _log(b)) if x != 1 else 0
    if abs(guess) <= _MAX_DIGITS and b**guess == x:
        return number(guess)
    known = factors(b) if b.denominator == 1 else []
    if len(known) < 2:
        return multiply(_natural(argument), power(_natural(base), number(-1)))
    return _in_base(x, int(b), known)


def _in_base(x: Fraction, base: int, known: list[tuple[int, int]]) -> Sum:
    """A logarithm by those of the primes, of which the base's own add up to 1."""
    (first, power_of_first), *others = known

    def log(prime: int) -> Sum:
        return _opaque("log", number(prime), number(base))

    rest = reduce(add, (multiply(number(-count), log(prime)) for prime, count in others), number(1))
    first_log = multiply(number(Fraction(1, power_of_first)), rest)
    return _sum_of(multiply(number(count), first_log if prime == first else log(prime)) for prime, count in factors(x))


def _natural(argument: Sum) -> Sum:
    """The natural logarithm of a rational number by those of its primes; of `e` to a power, that power."""
    x = rational(argument)
    if x is not None and x > 0:
        return _sum_of(multiply(number(n), _opaque("ln", number(prime))) for prime, n in factors(x))
    if len(argument) == 1:
        ((monomial, factor),) = argument.items()
        if factor == 1 and len(monomial) == 1 and monomial[0][0] == "e":
            return number(monomial[0][1])
    return _opaque("ln", argument)


def _log(value: Fraction) -> float:
    return math.log(value.numerator) - math.log(value.denominator)


def _of_numbers(name: str, function: Callable[..., Fraction | int], whole: bool) -> Callable[..., Sum]:
    """A function of one number, or of several in any order; opaque where one is no number."""

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
    "add": lambda *terms: _sum_of(terms),
    "multiply": lambda *factors: reduce(multiply, factors),
    "power": _power,
    "root": _root,
    "abs": _absolute,
    "mod": _modulo,
    "factorial": _factorial,
    "double_factorial": _double_factorial,
    "binomial": _binomial,
    "sin": _sine,
    "cos": _cosine,
    "tan": _of_angle("tan", _TANGENTS, 1),
    "cot": _cotangent,
    "sec": _inverse_of(_cosine),
    "csc": _inverse_of(_sine),
    "asin": _angle_of("asin", _ANGLES),
    "atan": _angle_of("atan", _SLOPES),
    "acos": _angle_of("acos", {sine: Fraction(1, 2) - turns for sine, turns in _ANGLES.items()}),
    "ln": _natural,
    "log": _logarithm,
    "floor": _of_numbers("floor", math.floor, False),
    "ceil": _of_numbers("ceil", math.ceil, False),
    "gcd": _of_numbers("gcd", math.gcd, True),
    "lcm": _of_numbers("lcm", math.lcm, True),
    "min": _of_numbers("min", lambda *values: min(values), False),
    "max": _of_numbers("max", lambda *values: max(values), False),
}
