"""Disagreement with an independent checker: slow, and written from what the expressions mean, with sympy."""

from __future__ import annotations

from fractions import Fraction

import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from slmr.verify import verify

X, Y = sympy.symbols("x y", positive=True)
LEAVES = [
    *map(sympy.Integer, range(-4, 10)),
    sympy.Rational(1, 2),
    sympy.Rational(-3, 4),
    X,
    Y,
    sympy.sqrt(2),
    sympy.pi,
]
expressions = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] + pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] * pair[1]),
        st.tuples(inner, st.sampled_from([2, 3])).map(lambda pair: pair[0] ** pair[1]),
        st.tuples(inner, inner).filter(lambda pair: sympy.simplify(pair[1]) != 0).map(lambda pair: pair[0] / pair[1]),
    ),
    max_leaves=5,
)


def same(left: sympy.Expr, right: sympy.Expr) -> bool:
    return sympy.simplify(left - right) == 0


@given(expressions, expressions, st.booleans())
@settings(max_examples=150, deadline=None)
def test_expressions_are_equal_where_sympy_proves_it(left, right, rewrite):
    if rewrite:  # the same value in another form
        right = sympy.expand(left) if sympy.expand(left) != left else sympy.factor(left)
    verdict = verify(f"\\boxed{{{sympy.latex(left)}}}", sympy.latex(right), "math")
    assert not verdict.abstained, verdict
    assert verdict.lenient == same(left, right), (left, right, verdict)


@given(
    st.decimals(-10_000, 10_000, places=3),
    st.decimals(-10_000, 10_000, places=3),
    st.sampled_from(["{}", "{:,}"]),
)
@settings(max_examples=200, deadline=None)
def test_numbers_are_equal_where_their_fractions_are(left, right, style):
    for other in (left, right):
        text = style.format(left)
        assert verify(f"#### {text}", str(other), "numeric").strict == (Fraction(left) == Fraction(other))
