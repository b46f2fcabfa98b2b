"""Sums of monomials: the laws of arithmetic, exact roots, and what is decidable."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from slmr.verify.algebra.polynomial import (
    Sum,
    add,
    atom,
    canonical,
    decidable,
    monic,
    multiply,
    negate,
    number,
    power,
    rational,
)

SMALL = st.fractions(-5, 5, max_denominator=4)


def linear(parts: tuple[Fraction, Fraction, Fraction]) -> Sum:
    """a x + b y + c."""
    a, b, c = parts
    return add(
        add(multiply(number(a), atom("x")), multiply(number(b), atom("y"))),
        number(c),
    )


SUMS = st.tuples(SMALL, SMALL, SMALL).map(linear)


@given(SUMS, SUMS, SUMS)
def test_the_laws_of_a_ring(a: Sum, b: Sum, c: Sum) -> None:
    assert add(a, b) == add(b, a) and multiply(a, b) == multiply(b, a)
    assert add(add(a, b), c) == add(a, add(b, c))
    assert multiply(multiply(a, b), c) == multiply(a, multiply(b, c))
    assert multiply(a, add(b, c)) == add(multiply(a, b), multiply(a, c))
    assert add(a, negate(a)) == {} and multiply(a, number(0)) == {}


@given(SUMS, SUMS)
def test_equal_texts_are_equal_sums(a: Sum, b: Sum) -> None:
    assert (canonical(a) == canonical(b)) == (a == b)


@given(SMALL)
def test_a_number_is_its_value(value: Fraction) -> None:
    assert rational(number(value)) == value
    assert rational(add(number(value), atom("x"))) is None


def test_roots_are_taken_exactly_or_under_their_primes() -> None:
    half = number(Fraction(1, 2))
    assert rational(power(number(Fraction(9, 4)), half)) == Fraction(3, 2)
    assert power(number(8), half) == multiply(number(2), power(number(2), half))
    assert multiply(power(number(2), half), power(number(3), half)) == power(number(6), half)
    assert rational(multiply(power(number(5), half), power(number(5), half))) == 5


def test_powers() -> None:
    x = atom("x")
    square = add(add(multiply(x, x), multiply(number(2), x)), number(1))
    assert power(add(x, number(1)), number(2)) == square
    assert power(x, number(-1)) != {} and rational(multiply(x, power(x, number(-1)))) == 1
    assert rational(power(number(Fraction(2, 3)), number(-2))) == Fraction(9, 4)


@given(SUMS.filter(bool))
def test_a_monic_sum_times_its_factor_is_the_sum(total: Sum) -> None:
    unit, leading = monic(total)
    assert multiply(unit, number(leading)) == total
    assert monic(unit) == (unit, 1)


def test_an_opaque_thing_is_not_decidable() -> None:
    assert decidable(add(atom("x"), number(2)))
    assert not decidable(atom("sin(x)"))
