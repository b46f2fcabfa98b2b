"""Roots of surds, and the exact values of angles, beside floating point."""

from __future__ import annotations

import cmath
import math
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from slmr.verify.algebra import nested_roots
from slmr.verify.algebra.points import _Evaluation
from slmr.verify.algebra.polynomial import Sum, add, canonical, multiply, number, power
from slmr.verify.algebra.values import normal, tree

SMALL = st.fractions(min_value=-9, max_value=9, max_denominator=3)
ROOTS = st.sampled_from([2, 3, 5, 7])


def surd(p: Fraction, q: Fraction, d: int) -> Sum:
    return add(number(p), multiply(number(q), power(number(d), number(Fraction(1, 2)))))


@given(SMALL, SMALL, ROOTS)
def test_a_cube_root_of_a_cube_is_what_was_cubed(p, q, d):
    assume(q)
    base = surd(p, q, d)
    found = nested_roots.cube_root(multiply(base, multiply(base, base)))
    assert found is None or canonical(found) == canonical(base)
    assert found is not None or p == 0 or p.denominator * q.denominator > 1


@given(st.integers(1, 9), st.integers(1, 9), ROOTS)
def test_a_square_root_of_a_square_is_what_was_squared(p, q, d):
    base = surd(Fraction(p), Fraction(q), d)
    found = nested_roots.square_root(multiply(base, base))
    assert found is not None and canonical(found) == canonical(base)


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
@pytest.mark.parametrize("degrees", [*range(-360, 721, 15), *range(-342, 360, 36)])
def test_exact_angles_are_what_floating_point_says(name, degrees):
    value = normal(f"\\{name}({degrees}°)")
    expected = getattr(math, name)(math.radians(degrees))
    if value is None or "(" in canonical(value):
        return
    total = sum(
        float(factor) * math.prod(float(atom[1:]) ** float(exponent) for atom, exponent in monomial)
        for monomial, factor in value.items()
    )
    assert total == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    "text", ["e^{2}", "e^{i\\pi/3}", "e^{3i}", "\\ln 12", "\\log_6 24", "|3-4i|", "\\log_{10} 50", "\\ln e^2"]
)
def test_normal_forms_do_not_change_a_value(text):
    form, node = normal(text), tree(text)
    assert form is not None and node is not None
    direct = _Evaluation(0).value(node)
    names = {"e": complex(math.e), "i": 1j, "\\pi": complex(math.pi)}
    total = 0j
    for monomial, factor in form.items():
        term = complex(factor)
        for atom, exponent in monomial:
            if "(" in atom:
                return
            term *= (names[atom] if atom in names else complex(int(atom[1:]))) ** float(exponent)
        total += term
    assert cmath.isclose(total, direct, rel_tol=1e-9)
