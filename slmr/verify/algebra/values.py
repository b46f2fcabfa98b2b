"""Whether two expressions have the same value: by their normal forms, else by their values at points."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache

from slmr.verify.algebra import points
from slmr.verify.algebra.normalform import normal_form
from slmr.verify.algebra.polynomial import Sum, canonical, decidable, multiply, number, rational
from slmr.verify.algebra.reader import read
from slmr.verify.algebra.tree import DivisionByZero, Node, TwoNumbers, Unreadable, nodes


@lru_cache(maxsize=4096)
def _read(text: str) -> tuple[Node | None, bool]:
    """The tree of an expression; else None, and whether that is for two numbers side by side."""
    try:
        return read(text), False
    except Unreadable as error:
        return None, isinstance(error, TwoNumbers)


def tree(text: str) -> Node | None:
    """The tree of an expression; None where it cannot be read."""
    return _read(text)[0]


def has_two_numbers(text: str) -> bool:
    """Whether two numbers stand side by side in an expression: `4 2`, `12 to 13`."""
    return _read(text)[1]


@lru_cache(maxsize=4096)
def _normal_form_of(text: str) -> tuple[Sum | None, bool]:
    """The normal form of an expression; else None, and whether that is for a division by zero."""
    parsed = tree(text)
    try:
        return None if parsed is None else normal_form(parsed), False
    except Unreadable as error:
        return None, isinstance(error, DivisionByZero)


def normal(text: str) -> Sum | None:
    """The normal form of an expression; None where it cannot be read or held."""
    return _normal_form_of(text)[0]


def number_of(text: str) -> Fraction | None:
    """The rational number that an expression comes to; None for any other."""
    value = normal(text)
    return None if value is None else rational(value)


_BEYOND_BOUNDS = re.compile(r"[-+]?\d+(?:\.\d*)?[eE][-+]?\d{3,}")


def same_value(mine: str, theirs: str) -> bool | None:
    """Whether two expressions are equal; None where neither exact means nor the points tell."""
    left, right = normal(mine), normal(theirs)
    if left is not None and right is not None:
        same = same_sums(left, right)
        if same is not None:
            return same
    has_no_value = left is None and (_BEYOND_BOUNDS.fullmatch(mine) or _normal_form_of(mine)[1])
    if has_no_value and number_of(theirs) is not None:
        return False
    answer, gold = tree(mine), tree(theirs)
    if answer is None or gold is None:
        return None
    if points.differ(answer, gold) or (_unevaluated(answer) and not _unevaluated(gold)):
        return False
    return False if _over_a_sequence(answer) and _over_a_sequence(gold) else None


def _unevaluated(tree: Node) -> bool:
    """Whether an integral or a limit is left standing: no final answer where gold has none."""
    return any(node.op in ("int", "lim") for node in nodes(tree))


def _over_a_sequence(tree: Node) -> bool:
    """Whether a sum or product runs over terms such as `F_k`, of which nobody but the problem knows more."""
    sums = [node for node in nodes(tree) if node.op in ("sum", "prod")]
    return any("_" in leaf.name for node in sums for leaf in nodes(node.args[2]))


def all_true(verdicts: Iterable[bool | None]) -> bool | None:
    """Whether all are true; None where one of them is unknown and none is false."""
    verdicts = list(verdicts)
    return False if False in verdicts else None if None in verdicts else True


def same_sums(left: Sum, right: Sum) -> bool | None:
    """Whether two normal forms are equal; None where they differ but might be two forms of one value."""
    if canonical(left) == canonical(right):
        return True
    return False if decidable(left) and decidable(right) else None


def same_measure(mine: str, size: tuple[str, Fraction], theirs: str, gold_size: tuple[str, Fraction]) -> bool | None:
    """Whether two values in other units of one dimension are the same: 2 m and 200 cm; of two dimensions never."""
    left, right = normal(mine), normal(theirs)
    if left is None or right is None:
        return None
    return size[0] == gold_size[0] and same_sums(multiply(left, number(size[1])), multiply(right, number(gold_size[1])))
