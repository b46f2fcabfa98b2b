"""Whether two single expressions have the same value: by their normal forms, else by their values at points."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache

from slmr.verify import points
from slmr.verify.normalform import normal_form
from slmr.verify.polynomial import Sum, canonical, decidable, multiply, number, rational
from slmr.verify.reader import read
from slmr.verify.tree import DivisionByZero, Node, TwoNumbers, Unreadable, nodes


@lru_cache(maxsize=4096)
def tree(text: str) -> Node | None:
    """The tree of an expression; None where it cannot be read."""
    try:
        return read(text)
    except Unreadable:
        return None


@lru_cache(maxsize=4096)
def has_two_numbers(text: str) -> bool:
    """Whether two numbers stand side by side in an expression: `4 2`, `12 to 13`."""
    try:
        read(text)
    except TwoNumbers:
        return True
    except Unreadable:
        pass
    return False


@lru_cache(maxsize=4096)
def normal(text: str) -> Sum | None:
    """The normal form of an expression; None where it cannot be read or held."""
    found = tree(text)
    try:
        return None if found is None else normal_form(found)
    except Unreadable:
        return None


def number_of(text: str) -> Fraction | None:
    """The rational number that an expression comes to; None for any other."""
    value = normal(text)
    return None if value is None else rational(value)


_DECIMAL = re.compile(r"[-+]?\d+(?:\.\d*)?[eE][-+]?\d{3,}")


def _has_no_value(text: str) -> bool:
    """Whether an expression divides by zero, or is a decimal beyond all bounds."""
    found = tree(text)
    try:
        return bool(_DECIMAL.fullmatch(text)) or (found is not None and normal_form(found) is None)
    except DivisionByZero:
        return True
    except Unreadable:
        return False


def same_value(mine: str, theirs: str) -> bool | None:
    """Whether two expressions are equal; None where neither exact means nor the points tell."""
    left, right = normal(mine), normal(theirs)
    if left is not None and right is not None:
        same = same_sums(left, right)
        if same is not None:
            return same
    if left is None and number_of(theirs) is not None and _has_no_value(mine):
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
    found = list(verdicts)
    return False if False in found else None if None in found else True


def same_sums(left: Sum, right: Sum) -> bool | None:
    """Whether two normal forms are equal; None where they differ but might be two forms of one value."""
    if canonical(left) == canonical(right):
        return True
    return False if decidable(left) and decidable(right) else None


def same_measure(
    mine: str, size: tuple[str, Fraction], theirs: str, gold_size: tuple[str, Fraction]
) -> bool | None:
    """Whether two values in other units of one dimension are the same: 2 m and 200 cm; of two dimensions never."""
    left, right = normal(mine), normal(theirs)
    if left is None or right is None:
        return None
    return size[0] == gold_size[0] and same_sums(
        multiply(left, number(size[1])), multiply(right, number(gold_size[1]))
    )
