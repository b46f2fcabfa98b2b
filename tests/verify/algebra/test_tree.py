"""Trees of expressions: how they are put together, and a symbol replaced."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from fractions import Fraction

import pytest

from slmr.verify.algebra.tree import Node, inverse, negate, number, replace_symbol, symbol


def test_a_number_is_negated_at_once_and_the_rest_by_a_factor() -> None:
    assert negate(number(Fraction(1, 2))) == number(Fraction(-1, 2))
    assert negate(symbol("x")) == Node("multiply", (number(-1), symbol("x")))
    assert inverse(symbol("x")) == Node("power", (symbol("x"), number(-1)))


def test_a_symbol_is_replaced_wherever_it_stands_and_no_other() -> None:
    x, y = symbol("x"), symbol("y")
    tree = Node("add", (x, Node("power", (y, x)), number(1)))
    assert replace_symbol(tree, "x", number(3)) == Node("add", (number(3), Node("power", (y, number(3))), number(1)))
    assert replace_symbol(tree, "z", number(3)) == tree


def test_a_node_cannot_be_changed_and_is_hashed_by_its_content() -> None:
    assert len({symbol("x"), symbol("x"), symbol("y")}) == 2
    with pytest.raises(FrozenInstanceError):
        symbol("x").name = "y"  # type: ignore[misc]
