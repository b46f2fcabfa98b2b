r"""Roots of `a + b sqrt(d)` that are sums of simpler roots: `\sqrt{3 + 2\sqrt2}` is `1 + \sqrt2`."""

from __future__ import annotations

import math
from fractions import Fraction

from slmr.verify.algebra.polynomial import Sum, add, multiply, number, power

_HALF = Fraction(1, 2)
_MAX = 10**12


def surd(total: Sum) -> tuple[Fraction, Fraction, int] | None:
    """`a`, `b` and the whole number `d` of `a + b sqrt(d)`, with `b` other than 0; None for any other sum."""
    if len(total) > 2 or not total:
        return None
    a, b, d = total.get((), Fraction(0)), Fraction(0), 1
    for monomial, factor in total.items():
        if monomial:
            if any(not name.startswith("#") or exponent != _HALF for name, exponent in monomial):
                return None
            b, d = factor, math.prod(int(name[1:]) for name, _ in monomial)
    sizes = (a.numerator, a.denominator, b.numerator, b.denominator, d)
    return (a, b, d) if b and max(map(abs, sizes)) < _MAX else None


def square_root(total: Sum) -> Sum | None:
    """The square root of a positive `a + b sqrt(d)` as a sum of two roots; None where it is no such sum."""
    parts = surd(total)
    if parts is None or _value(parts) <= 0:
        return None
    a, b, d = parts
    norm = _rational_root(a * a - b * b * d, 2)
    if norm is None or a + norm < 0 or a - norm < 0:
        return None
    larger, smaller = (power(number((a + sign * norm) / 2), number(_HALF)) for sign in (1, -1))
    return add(larger, multiply(number(1 if b > 0 else -1), smaller))


def cube_root(total: Sum) -> Sum | None:
    """The real cube root of `a + b sqrt(d)` as `p + q sqrt(d)`; None where it is no such sum."""
    parts = surd(total)
    if parts is None:
        return None
    a, b, d = parts
    norm = a * a - b * b * d
    c = _rational_root(abs(norm), 3)
    if c is None:
        return None
    # p + q sqrt(d) has the trace 2p: the sum of the real cube roots of the number and its conjugate.
    trace = math.cbrt(_value(parts)) + math.cbrt(_value((a, -b, d)))
    for denominator in (1, 2, 3, 6):
        p = Fraction(round(trace / 2 * denominator), denominator)
        square = (p * p - (c if norm >= 0 else -c)) / d
        q = _rational_root(square, 2)
        for signed in () if q is None else (q, -q):
            if p**3 + 3 * p * signed**2 * d == a and 3 * p**2 * signed + signed**3 * d == b:
                return add(number(p), multiply(number(signed), power(number(d), number(_HALF))))
    return None


def _value(parts: tuple[Fraction, Fraction, int]) -> float:
    a, b, d = parts
    return float(a) + float(b) * math.sqrt(d)


def _rational_root(value: Fraction, degree: int) -> Fraction | None:
    """The exact square or cube root of a rational number; None where it is negative, or the root not rational."""
    if value < 0:
        return None
    parts = (value.numerator, value.denominator)
    root = Fraction(*(math.isqrt(n) if degree == 2 else round(n ** (1 / 3)) for n in parts))
    return root if root**degree == value else None
