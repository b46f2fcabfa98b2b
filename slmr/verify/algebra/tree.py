"""Expressions as trees, as their text has them: nothing is computed or rearranged.

`reader` parses text into trees, `normalform` brings them into a normal form, `points` evaluates them. A tree may be as
deep as its text is long, so walk it with `fold`, which needs no recursion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

T = TypeVar("T")


class Unreadable(Exception):
    """The text is no expression that can be held here, or one that is too large."""


class DivisionByZero(Unreadable):
    """An expression divides by zero."""


class TwoNumbers(Unreadable):
    """Two numbers stand side by side, or one behind a letter: surely no other way to write a value."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operation and what it applies to.

    Attributes:
        op: `number` (`value`), `symbol` (`name`), `add`, `multiply`, `power`, `root` (of a degree), a function's
            name, or a big operator: `sum` and `prod` (low, high, body), `int` (body, variable, then the bounds if it
            has any), `lim` (target, body).
        args: the operands.
        value: of a number.
        name: of a symbol, or of the variable that a big operator binds: always `@1`, `@2`, ..., from the outermost
            inwards, so that what the text calls it does not matter.
    """

    op: str
    args: tuple[Node, ...] = ()
    value: Fraction = Fraction(0)
    name: str = ""


def number(value: Fraction | int) -> Node:
    return Node("number", value=Fraction(value))


def symbol(name: str) -> Node:
    return Node("symbol", name=name)


def negate(node: Node) -> Node:
    if node.op == "number":
        return number(-node.value)
    return Node("multiply", (number(-1), node))


def inverse(node: Node) -> Node:
    return Node("power", (node, number(-1)))


def fold(tree: Node, combine: Callable[[Node, list[T]], T], leaf: Callable[[Node], T | None] | None = None) -> T:
    """The value of a tree, from its leaves upwards: `combine` gets a node and the values of its operands.

    Where `leaf` gives a value for a node, its operands are not looked at.
    """
    stack: list[tuple[Node, bool]] = [(tree, False)]
    values: list[T] = []
    while stack:
        node, is_open = stack.pop()
        if is_open:
            count = len(node.args)
            args = values[len(values) - count :]
            del values[len(values) - count :]
            values.append(combine(node, args))
            continue
        known = leaf(node) if leaf else None
        if known is not None:
            values.append(known)
        elif node.args:
            stack.append((node, True))
            stack.extend((arg, False) for arg in reversed(node.args))
        else:
            values.append(combine(node, []))
    return values[0]


def nodes(tree: Node) -> list[Node]:
    """All nodes of a tree."""
    all_nodes, stack = [], [tree]
    while stack:
        node = stack.pop()
        all_nodes.append(node)
        stack.extend(node.args)
    return all_nodes


def replace_symbol(tree: Node, name: str, new: Node) -> Node:
    """The tree with another one in the place of a symbol."""

    def combine(node: Node, args: list[Node]) -> Node:
        if node.op == "symbol":
            return new if node.name == name else node
        return Node(node.op, tuple(args), node.value, node.name) if args else node

    return fold(tree, combine)
