r"""Exact algebra in a normal form: a sum of monomials with rational coefficients.

A monomial is a product of atoms with rational exponents. An atom is a symbol (`x`, `\pi`), a prime under
a root (`#2`), or something opaque (`sin(...)`) named by the normal form of what it holds. Equal normal
forms mean equal values. Different ones mean different values wherever `decidable` holds: powers of
independent symbols, and roots of primes (A. S. Besicovitch, On the linear independence of fractional
powers of integers, J. London Math. Soc. 1940), are linearly independent over the rationals.

Every operation is bounded in terms, digits and exponents, and raises `Unreadable` beyond.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import reduce
from typing import TypeVar

from slmr.verify.algebra.tree import DivisionByZero, Unreadable

K = TypeVar("K")
Monomial = tuple[tuple[str, Fraction], ...]
Sum = dict[Monomial, Fraction]

# 14,000 bits are 4,214 digits: Python turns no number of more than 4,300 into text.
MAX_TERMS, MAX_BITS, _MAX_DEGREE, _MAX_EXPONENT = 300, 14_000, 200, 1_000_000
_MAX_TRIAL = 1_000  # primes up to here are pulled out of a root
_MAX_EXPANSION = 20  # power of a sum that is multiplied out
_MAX_NAME = 4_000
_POSITIVE = {"\\pi", "e"}
_ONE: Monomial = ()
_I: Monomial = (("i", Fraction(1)),)


def number(value: Fraction | int) -> Sum:
    """A rational number as a sum."""
    value = Fraction(value)
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise Unreadable("too many digits")
    return {_ONE: value} if value else {}


def atom(name: str) -> Sum:
    """One symbol, or one opaque thing, as a sum."""
    return _atom_power(name, Fraction(1))


def rational(total: Sum) -> Fraction | None:
    """The value of a sum without atoms; None for any other."""
    if not total:
        return Fraction(0)
    return total[_ONE] if set(total) == {_ONE} else None


def complex_parts(total: Sum) -> tuple[Fraction, Fraction] | None:
    """The real and imaginary part of `a + bi`; None where one is no rational number."""
    if not set(total) <= {_ONE, _I}:
        return None
    return total.get(_ONE, Fraction(0)), total.get(_I, Fraction(0))


def add(left: Sum, right: Sum) -> Sum:
    return _check_bounds(_collect((*left.items(), *right.items())))


def negate(total: Sum) -> Sum:
    return {monomial: -coefficient for monomial, coefficient in total.items()}


def multiply(left: Sum, right: Sum) -> Sum:
    if len(left) * len(right) > 4 * MAX_TERMS:
        raise Unreadable("too many terms")
    terms = (_term(_collect(a + b), x * y) for a, x in left.items() for b, y in right.items())
    return _check_bounds(_collect(part for term in terms for part in term.items()))


def power(base: Sum, exponent: Sum) -> Sum:
    """A power; opaque where it is too large, the exponent is no number, or a root cannot be taken exactly."""
    q = rational(exponent)
    if q is None or abs(q) > _MAX_EXPONENT or q.denominator > _MAX_DEGREE:
        return atom(f"({canonical(base)})^({canonical(exponent)})")
    if not base:
        if q <= 0:
            raise DivisionByZero("a power of zero") if q else Unreadable("zero to the power of zero")
        return {}
    if len(base) == 1:
        return _power_of_term(*next(iter(base.items())), q)
    if q.denominator == 1 and 0 < q <= _MAX_EXPANSION:
        return _multiply_repeatedly(base, int(q))
    parts = complex_parts(base)
    if parts is not None and q.denominator == 1 and -_MAX_EXPANSION <= q < 0:
        norm = parts[0] ** 2 + parts[1] ** 2
        return _multiply_repeatedly({_ONE: parts[0] / norm, _I: -parts[1] / norm}, int(-q))
    unit, leading = monic(base)
    if q.denominator == 1 or leading > 0:
        return multiply(_root(leading, q), _atom_power(f"({canonical(unit)})", q))
    return _atom_power(f"({canonical(base)})", q)


def monic(total: Sum) -> tuple[Sum, Fraction]:
    """The sum divided by the coefficient of its first monomial, and that coefficient."""
    leading = total[min(total)]
    return {monomial: coefficient / leading for monomial, coefficient in total.items()}, leading


def canonical(total: Sum) -> str:
    """The normal form as text: equal texts mean equal values."""
    return "+".join(
        f"{coefficient}" + "".join(f"*{name}^{exponent}" for name, exponent in monomial)
        for monomial, coefficient in sorted(total.items())
    )


def decidable(total: Sum) -> bool:
    """Whether a different normal form would mean a different value."""
    return all(_is_independent(name, exponent) for monomial in total for name, exponent in monomial)


def _is_independent(name: str, exponent: Fraction) -> bool:
    """Whether a power of an atom is no rational combination of others."""
    if name.startswith("#"):
        return 0 < exponent < 1 and name[1:].isdigit() and int(name[1:]) <= _MAX_TRIAL
    return "(" not in name and exponent.denominator == 1 and (name != "i" or exponent in (0, 1))


def _atom_power(name: str, exponent: Fraction) -> Sum:
    if len(name) > _MAX_NAME:  # names hold names: without a bound they grow by a factor a level
        raise Unreadable("too large")
    return {((name, exponent),): Fraction(1)}


def _check_bounds(total: Sum) -> Sum:
    """Returns the sum; raises `Unreadable` if it is too large."""
    if len(total) > MAX_TERMS:
        raise Unreadable("too many terms")
    for value in total.values():
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
            raise Unreadable("too many digits")
    return total


def _collect(pairs: Iterable[tuple[K, Fraction]]) -> dict[K, Fraction]:
    """The total of each key, without zeros."""
    total: dict[K, Fraction] = {}
    for key, value in pairs:
        total[key] = total[key] + value if key in total else value
    return {key: value for key, value in total.items() if value}


def _term(exponents: dict[str, Fraction], coefficient: Fraction) -> Sum:
    """One term; whole powers of numbers move into its coefficient."""
    powers = {}
    for name, exponent in exponents.items():
        if name.startswith("#"):
            whole = exponent.numerator // exponent.denominator
            coefficient *= Fraction(int(name[1:])) ** whole
            exponent -= whole
        elif name == "i" and exponent.denominator == 1:
            coefficient *= 1 if exponent % 4 < 2 else -1
            exponent = exponent % 2
        if exponent:
            powers[name] = exponent
    return _check_bounds({tuple(sorted(powers.items())): coefficient}) if coefficient else {}


def _multiply_repeatedly(base: Sum, times: int) -> Sum:
    return reduce(multiply, [base] * times, number(1))


def _power_of_term(monomial: Monomial, coefficient: Fraction, q: Fraction) -> Sum:
    bits = max(coefficient.numerator.bit_length(), coefficient.denominator.bit_length())
    if abs(coefficient) != 1 and bits * abs(q) > MAX_BITS:
        return _atom_power(f"({canonical({monomial: coefficient})})", q)
    if q.denominator == 1:
        return _term({name: exponent * q for name, exponent in monomial}, coefficient ** int(q))
    # sqrt(x^2) is no x: a root goes through a product only where every factor is positive.
    plain = all(name in _POSITIVE or name.startswith("#") for name, _ in monomial)
    # Letters stand for positive numbers where nothing else is sure to be meant: sqrt(a/b) is sqrt(a)/sqrt(b).
    lone = all(
        (exponent.numerator % 2 or q.denominator % 2) and exponent.denominator == 1 and "(" not in name
        for name, exponent in monomial
    )
    if coefficient > 0 and (plain or lone):
        return multiply(_root(coefficient, q), _term({name: exponent * q for name, exponent in monomial}, Fraction(1)))
    if coefficient < 0 and q == Fraction(1, 2) and not monomial:
        return multiply(_root(-coefficient, q), atom("i"))
    return _atom_power(f"({canonical({monomial: coefficient})})", q)


def _root(value: Fraction, q: Fraction) -> Sum:
    """A rational power of a positive rational number: its primes under their own roots."""
    if q.denominator == 1:
        return number(value ** int(q))
    return _term({f"#{prime}": count * q for prime, count in factors(value)}, Fraction(1))


def factors(value: Fraction) -> list[tuple[int, int]]:
    """Primes and their powers, negative ones of the denominator's, by trial division.

    What is left of numerator or denominator after the bound stays one factor.
    """
    powers = []
    for rest, sign in ((value.numerator, 1), (value.denominator, -1)):
        prime = 2
        while prime <= _MAX_TRIAL and prime * prime <= rest:
            count = 0
            while rest % prime == 0:
                rest, count = rest // prime, count + 1
            if count:
                powers.append((prime, sign * count))
            prime += 1
        if rest > 1:
            powers.append((rest, sign))
    return powers
