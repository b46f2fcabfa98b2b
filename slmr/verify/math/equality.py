r"""The math checker's exact part: whether two answers are the same, by their parts.

Answers are read as lists, tuples, intervals, sets, matrices, equations, inequalities, words, or single expressions,
which `values` compares. A comparison is True, False, or None where exact means cannot decide and the symbolic worker
has to. Sizes are bounded before anything is computed.
"""

from __future__ import annotations

import re
import string
from functools import lru_cache

from slmr.verify.algebra.polynomial import multiply, number
from slmr.verify.algebra.values import (
    all_true,
    has_two_numbers,
    normal,
    number_of,
    same_measure,
    same_sums,
    same_value,
    tree,
)
from slmr.verify.math.brackets import depth, parse_brackets, split, squeeze
from slmr.verify.math.matrices import apply_transpose, from_nested, is_matrix, matrix_rows, vector_entries
from slmr.verify.math.parts import (
    assigned_name,
    before_approx,
    expand_plus_minus,
    is_assignment,
    members_of_union,
    parts_of,
    solutions_of,
    without_duplicates,
)
from slmr.verify.math.piecewise import pieces_of, same_pieces
from slmr.verify.math.relations import (
    MEMBER,
    RELATION,
    conjunction,
    excluded_points,
    interval,
    is_about_more,
    is_relation,
    normalise_index,
    ratio,
    relation,
    same_ratio,
    same_zero,
    value_of,
)
from slmr.verify.math.spelling import normalise
from slmr.verify.math.units import in_several_units, size_of, without_plain_unit
from slmr.verify.math.words import same_clock, same_words, split_option_label
from slmr.verify.reading.plausibility import is_implausible, is_repetitive
from slmr.verify.reading.quantity import parse_digits, parse_words

MAX_CHARS, MAX_DEPTH, MAX_PARTS = 10_000, 30, 100

_PERCENT = re.compile(r"\s*(?:\\?%|percent(?:age)?|pct)$")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3}){1,5}")
_MODULO = re.compile(r"\s*(?:\\pmod\s*|\(\s*\\?mod\s*)(\{[^{}]*\}|\w+)\s*\)?$")
_CONSTANT = re.compile(r"\+\s*[cC]$")  # of integration
# An answer that begins so is a denial, not a value.
_DENIAL = re.compile(r"\s*(?:≠|\\neg|\\lnot|\\not(?![a-z]))")
_HEAD = 400  # characters in which a repeat shows
_MAX_NUMBER = 600  # characters of an expression that is one number
_MAX_NESTED = 12  # tuples within tuples
_DOTS = re.compile(r"\*?\\dots\*?")  # the signs of a product around them may be left out
_BASE = re.compile(r"(\d+)_\{?\d{1,2}\}?")


def decide(answer: str, gold: str) -> bool | None:
    """Whether the answer equals gold; None where exact means cannot decide."""
    if len(answer) > MAX_CHARS or depth(answer) > MAX_DEPTH:
        return answer == gold
    if is_repetitive(answer[:_HEAD]) and not is_repetitive(gold):
        return squeeze(answer) == squeeze(gold)
    if pieces := pieces_of(gold):
        return same_pieces(pieces_of(answer) or [], pieces, decide)
    mine, theirs = normalise(answer), _gold(gold)
    if not mine:
        return False
    sizes = size_of(answer), size_of(gold)
    if sizes[0] and sizes[1] and sizes[0] != sizes[1]:
        return same_measure(mine, sizes[0], theirs, sizes[1])
    if squeeze(mine) == squeeze(theirs) or _same_in_several_units(answer, gold, theirs):
        return True
    if _cannot_be(mine, theirs):
        return False
    label = None if split_option_label(gold) else split_option_label(answer)
    if label:
        return label[0] == theirs or decide(label[1], gold)
    words = same_words(mine, theirs, "\\text" in gold)
    words = same_clock(mine, theirs) if words is None else words
    if words is not None:
        return words
    mine, theirs = _in_one_notation(mine, theirs)
    between = conjunction(mine)
    if between and (single := interval(theirs)):
        return _same_brackets(between, single)
    same = _same_percent(normalise_index(mine), normalise_index(theirs))
    return same if same is True else _same_as_list(answer, gold) or same


def _same_in_several_units(answer: str, gold: str, plain: str) -> bool:
    """Whether `1 hour 30 minutes` is as long as the other side: in one unit or several, or a number of hours."""
    mine, theirs = in_several_units(answer), in_several_units(gold)
    if mine is None or max(len(mine), len(theirs or ())) < 2:
        return False
    total = sum(number * size for number, _, size in mine)
    if theirs is None:
        return parse_digits(plain) == total / mine[0][2]
    return mine[0][1] == theirs[0][1] and total == sum(number * size for number, _, size in theirs)


def _cannot_be(mine: str, theirs: str) -> bool:
    """Whether an answer is no answer to any problem with this gold: broken, code, a denial, nested without end."""
    return (
        is_implausible(mine, theirs)
        or "==" in mine
        or bool(_DENIAL.match(mine))
        or ("," in mine + theirs and max(depth(mine), depth(theirs)) > _MAX_NESTED)
    )


def _in_one_notation(mine: str, theirs: str) -> tuple[str, str]:
    """Both sides with matrices as gold writes them, transposed where a sign says so, and numbers in digits.

    A modulus of one side alone is dropped.
    """
    mine = from_nested(mine) if "⟦" in theirs else mine
    mine, theirs = apply_transpose(mine), apply_transpose(theirs)
    if mine[:1].isalpha() and (value := parse_words(mine)) is not None:
        mine = str(value)
    if ":" in theirs:
        mine = re.sub(r"(?<=\d) to (?=\d)", ":", mine)
    if _CONSTANT.search(theirs):
        mine, theirs = (_CONSTANT.sub("+C", side) for side in (mine, theirs))
    moduli = [_MODULO.search(side) for side in (mine, theirs)]
    if any(moduli) and not (
        moduli[0] and moduli[1] and squeeze(moduli[0][1]).strip("{}") != squeeze(moduli[1][1]).strip("{}")
    ):
        mine, theirs = (_MODULO.sub("", side) for side in (mine, theirs))
    return mine, theirs


def _same_as_list(answer: str, gold: str) -> bool:
    """Whether `30,150`, read as two numbers and not as thousands, is the list that the other side is."""
    for number_text, other in ((gold, answer), (answer, gold)):
        parts = parts_of(normalise(other)) if _THOUSANDS.fullmatch(number_text.strip("$ ")) else []
        if len(parts) > 1:
            return _same_unordered(parts, number_text.strip("$ ").split(",")) is True
    return False


@lru_cache(maxsize=4096)
def _gold(gold: str) -> str:
    return normalise(gold, is_gold=True)


def is_number(text: str) -> bool:
    """Whether a text is one expression without symbols, such as `\\frac{1}{2}`."""
    if len(text) > _MAX_NUMBER or (is_repetitive(text) and not text.isdecimal()):
        return False
    return number_of(normalise(text)) is not None


def is_readable(text: str) -> bool:
    """Whether a text is one expression that can be read here."""
    return tree(normalise(text)) is not None


def _same_percent(mine: str, theirs: str) -> bool | None:
    """50 %, 50 and 1/2 are one answer where only one side has a per cent sign; 0.25 % and 1/4 are two."""
    bare, gold = _PERCENT.sub("", mine), _PERCENT.sub("", theirs)
    same = _same_lists(bare, gold)
    is_share = "frac" in gold or "/" in gold  # and so no number of per cents
    if (same and not is_share) or (bare != mine) == (gold != theirs):
        return same
    left, right = normal(bare), normal(gold)
    if left is None or right is None:
        return same
    percent, other = (left, right) if bare != mine else (right, left)
    return same_sums(percent, multiply(other, number(100)))


def _same_lists(mine: str, theirs: str) -> bool | None:
    if "\\in" not in theirs:
        mine = MEMBER.sub("", mine)
    left, right = parts_of(mine), parts_of(theirs)
    if len(left) == 1 and len(right) == 1:
        return _same_item(left[0], right[0])
    tuples = [all(part.startswith("(") for part in side) for side in (left, right)]
    if all(tuples):  # solutions: written twice they are still one
        left, right = without_duplicates(left), without_duplicates(right)
    elif any(tuples):
        solutions = solutions_of(theirs if tuples[0] else mine)
        if solutions:
            return _same_unordered(*((left, solutions) if tuples[0] else (solutions, right)))
    unions = [side[0].split("\\cup") if len(side) == 1 else side for side in (left, right)]
    if max(map(len, unions)) > 1 and all(RELATION.search(p) or parse_brackets(p) for side in unions for p in side):
        left, right = unions
    if len(left) != len(right):
        return _decimal_comma(mine, right) if len(right) == 1 else _set_with_list(left, right)
    if any("=" in part for part in right) and all(is_assignment(part) for part in (*left, *right)):
        names = [sorted(map(assigned_name, side)) for side in (left, right)]
        if len(set(names[1])) == len(names[1]) and set(names[0]) == set(names[1]):
            order = {assigned_name(p): p for p in left}
            return all_true(_same_item(order[assigned_name(p)], p) for p in right)
    return _same_unordered(left, right)


def _set_with_list(left: list[str], right: list[str]) -> bool | None:
    """A list without brackets against one in brackets: `1, 2` and `\\{1, 2\\}`, or gold `(1, 2)`."""
    inner = [parse_brackets(side[0]) if len(side) == 1 else None for side in (left, right)]
    for brackets, other in ((inner[0], right), (inner[1], left)):
        if brackets and brackets[0] in ("\\{\\}", "{}"):
            return _same_unordered(expand_plus_minus(brackets[1]), other)
    if inner[1] and inner[1][0] == "()" and len(left) == len(inner[1][1]):  # a tuple without its brackets
        return _same_ordered(left, inner[1][1])
    return False


def _decimal_comma(mine: str, right: list[str]) -> bool | None:
    """`2,74` is 2.74 where gold is one number."""
    if re.fullmatch(r"-?\d+,\d+", mine) and number_of(right[0]) is not None:
        return bool(same_value(mine.replace(",", "."), right[0]))
    return _set_with_list(parts_of(mine), right)


def _same_ordered(left: list[str], right: list[str]) -> bool | None:
    """The same things in the same order."""
    if len(left) != len(right):
        return False
    return all_true(_same_item(a, b) for a, b in zip(left, right, strict=True))


def _same_unordered(left: list[str], right: list[str]) -> bool | None:
    """The same things in any order, each as often as the other side has it."""
    if len(left) != len(right) or len(left) > MAX_PARTS:
        return False
    rest, is_unknown = list(left), False
    for part in right:
        verdicts = [_same_item(other, part) for other in rest]
        if True in verdicts:
            rest.pop(verdicts.index(True))
        elif None in verdicts:
            is_unknown = True
        else:
            return False
    return None if is_unknown else True


def _same_item(mine: str, theirs: str) -> bool | None:
    if squeeze(mine) == squeeze(theirs):
        return True
    mine, theirs = (without_plain_unit(MEMBER.sub("", before_approx(side))) for side in (mine, theirs))
    my_points, their_points = excluded_points(mine), excluded_points(theirs)
    if my_points is not None and their_points is not None:
        return _same_unordered(my_points, their_points)
    is_equation = any(len(split(re.sub("[<>]=", "<", side), "=")) > 1 for side in (mine, theirs))
    if "\\cup" in mine + theirs and not is_equation:
        return _same_unordered(members_of_union(mine), members_of_union(theirs))
    if is_relation(mine) or is_relation(theirs):
        return _same_relation(mine, theirs)
    if ":" in mine and ":" in theirs and (my_ratio := ratio(mine)) and (their_ratio := ratio(theirs)):
        return same_ratio(my_ratio, their_ratio)
    if len(split(mine, "=")) > 1 or len(split(theirs, "=")) > 1:
        return _same_equation(mine, theirs)
    if "⟦" in mine and "⟦" in theirs:
        return _same_matrix(mine, theirs) if is_matrix(mine) and is_matrix(theirs) else None
    if "⟦" in mine + theirs and (my_entries := vector_entries(mine)) and (their_entries := vector_entries(theirs)):
        return _same_ordered(my_entries, their_entries)
    if "⟦" in mine + theirs and normal(theirs if "⟦" in mine else mine) is not None:
        return False
    if (
        parse_brackets(theirs)
        and mine[:1].isalpha()
        and parse_brackets(point := mine.lstrip(string.ascii_uppercase + "' "))
    ):
        mine = point  # with its name, `A(1,2)`
    left, right = parse_brackets(mine), parse_brackets(theirs)
    members = [_only_member(side) for side in (left, right)]
    if (members[0] is None) != (members[1] is None):  # a set of one thing, and that thing
        return _same_item(mine if members[0] is None else members[0], theirs if members[1] is None else members[1])
    if left and right:
        return _same_brackets(left, right)
    if left or right:  # a tuple, interval or set is no plain value
        return False if normal(theirs if left else mine) is not None else None
    return _same_expression(mine, theirs)


def _only_member(brackets: tuple[str, list[str]] | None) -> str | None:
    """The one thing in a set; None for more, and for other brackets."""
    return brackets[1][0] if brackets and brackets[0] == "\\{\\}" and len(brackets[1]) == 1 else None


def _same_expression(mine: str, theirs: str) -> bool | None:
    if ("°" in mine) != ("°" in theirs) and "\\pi" in (theirs if "°" in mine else mine):
        mine, theirs = (side.replace("°", "*\\pi/180") for side in (mine, theirs))
    if has_two_numbers(mine) or has_two_numbers(theirs):
        return squeeze(mine) == squeeze(theirs)
    if "\\dots" in mine or "\\dots" in theirs:
        return _same_with_dots(mine, theirs)
    mine, theirs = (
        side if "_" in other else re.sub(r"(?<=\d)_\{?10\}?$", "", side)
        for side, other in ((mine, theirs), (theirs, mine))
    )
    if _BASE.fullmatch(mine) or _BASE.fullmatch(theirs):
        return mine == theirs
    return same_value(mine, theirs)


def _same_with_dots(mine: str, theirs: str) -> bool:
    """Whether what is written out is the same, term by term: nobody knows what the dots stand for."""
    left, right = (_DOTS.split(squeeze(side)) for side in (mine, theirs))
    return len(left) == len(right) and all(
        a == b or (tree(a) is not None and tree(a) == tree(b)) for a, b in zip(left, right, strict=True)
    )


def _same_brackets(left: tuple[str, list[str]], right: tuple[str, list[str]]) -> bool | None:
    if left[0] == right[0] == "\\{\\}":
        sides = [without_duplicates(expand_plus_minus(side[1])) for side in (left, right)]
        return _same_unordered(*sides)
    kinds = {left[0], right[0]} - {"{}"}  # bare braces are brackets that LaTeX does not show
    if kinds == {"\\{\\}"}:
        return _same_unordered(left[1], right[1])
    return False if len(kinds) > 1 else _same_ordered(left[1], right[1])


def _same_matrix(mine: str, theirs: str) -> bool | None:
    left, right = matrix_rows(mine), matrix_rows(theirs)
    if [len(row) for row in left] != [len(row) for row in right]:
        return False
    return all_true(_same_item(a, b) for x, y in zip(left, right, strict=True) for a, b in zip(x, y, strict=True))


def _same_equation(mine: str, theirs: str) -> bool | None:
    left, right = value_of(mine), value_of(theirs, is_gold=True)
    if left is None or right is None:
        return False
    names = [split(side, "=")[0].strip() for side in (mine, theirs) if "=" in side]
    if len(names) == 2 and all(re.fullmatch(r"[a-z]", name) for name in names) and names[0] != names[1]:
        return same_zero(mine, theirs)  # `x = 2` is not `y = 2`; f(x) and y are two names for one thing
    if len(names) == 2 and is_about_more(mine, names[1]):
        return same_zero(mine, theirs)
    if len(split(right, "=")) == 1:
        same = _same_item(without_plain_unit(left), right)
        return same or same_zero(mine, theirs) or same
    return False if "=" not in mine else same_zero(mine, theirs)


def _same_relation(mine: str, theirs: str) -> bool | None:
    mine, theirs = (MEMBER.sub("", side) for side in (mine, theirs))
    left, right = interval(mine), interval(theirs)
    if left and right:
        return _same_brackets(left, right)
    first, second = relation(mine), relation(theirs)
    if first and second:
        return first[0] == second[0] and same_sums(first[1], second[1])
    if RELATION.search(mine) and RELATION.search(theirs):
        return None
    other = normal(theirs if RELATION.search(mine) else mine)
    return False if other is not None else None
