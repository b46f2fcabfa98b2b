"""What a math expression is made of, as its text says it: nothing is computed or rearranged yet.

`reader` makes trees from text, `normalform` brings them into a normal form, `points` evaluates them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


class Unreadable(Exception):
    """The text is no expression that can be held here, or one that is too large."""


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


def negated(node: Node) -> Node:
    if node.op == "number":
        return number(-node.value)
    return Node("multiply", (number(-1), node))


def inverse(node: Node) -> Node:
    return Node("power", (node, number(-1)))


def replaced(node: Node, name: str, new: Node) -> Node:
    """The tree with another one in the place of a symbol."""
    if node.op == "symbol":
        return new if node.name == name else node
    if not node.args:
        return node
    return Node(node.op, tuple(replaced(arg, name, new) for arg in node.args), node.value, node.name)
