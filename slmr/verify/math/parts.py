r"""The parts of an answer: items of a list, members of a set, names that equations assign values to."""

from __future__ import annotations

import re

from slmr.verify.algebra.polynomial import canonical
from slmr.verify.algebra.values import normal
from slmr.verify.math.brackets import parse_brackets, split, squeeze
from slmr.verify.math.relations import IS_NAME

_SEPARATOR = re.compile(r"(?:,\s*)?\\?\band\b|(?:,\s*)?\bor\b|\\&")


def solutions_of(text: str) -> list[str] | None:
    """`p = 5, q = 2; p = 7, q = 2` as the tuples `(5,2)` and `(7,2)`; None if it is anything else."""
    solutions, names = [], []
    for solution in split(re.sub(r"\bor\b", ";", text), ";"):
        parts = split(solution, ",")
        if len(parts) < 2 or not all(is_assignment(part) for part in parts):
            return None
        names.append([assigned_name(part) for part in parts])
        solutions.append("(" + ",".join(part.split("=", 1)[1] for part in parts) + ")")
    return solutions if all(name == names[0] for name in names) else None


def is_assignment(part: str) -> bool:
    name, equals, _ = part.partition("=")
    return bool(equals and IS_NAME.fullmatch(name))


def assigned_name(part: str) -> str:
    """The name that an assignment gives a value to."""
    return squeeze(part.split("=")[0])


def parts_of(text: str) -> list[str]:
    """The items of a list; a text that is no list is its own only item.

    Brackets around a list of matrices are part of the list, those around anything else make it a tuple or a set.
    """
    plain = _SEPARATOR.sub(",", text)
    brackets = parse_brackets(plain)
    if brackets and all(part.startswith("⟦") for part in brackets[1]):
        return brackets[1]
    return expand_plus_minus(split(plain, ",;"))


def expand_plus_minus(parts: list[str]) -> list[str]:
    """Writes `a \\pm b` as its two values; a set with one among its members stays one set."""
    values = []
    for part in parts:
        if part.count("\\pm") == 1 and "\\mp" not in part and not _is_set(part):
            values += [part.replace("\\pm", "+"), part.replace("\\pm", "-")]
        elif part:
            values.append(part)
    return values or [""]


def _is_set(part: str) -> bool:
    brackets = parse_brackets(part)
    return brackets is not None and brackets[0] == "\\{\\}" and len(brackets[1]) > 1


def before_approx(item: str) -> str:
    r"""The text in front of `\\approx`, unless that is only a name."""
    exact, approx, rounded = item.partition("\\approx")
    is_named = IS_NAME.fullmatch(exact) and not IS_NAME.fullmatch(rounded)
    return (rounded.strip() if is_named or not exact.strip() else exact.strip()) if approx else item


def members_of_union(text: str) -> list[str]:
    """The parts of a union; the members of sets that are united."""
    parts = text.split("\\cup")
    sets = [parse_brackets(part) for part in parts]
    if all(brackets and brackets[0] == "\\{\\}" for brackets in sets):
        return without_duplicates([member for brackets in sets if brackets for member in brackets[1]])
    return parts


def without_duplicates(parts: list[str]) -> list[str]:
    """The parts of a set without those that are written twice, in whatever spelling."""
    by_value: dict[str, str] = {}
    for part in parts:
        value = normal(part)
        by_value.setdefault(squeeze(part) if value is None else canonical(value), part)
    return list(by_value.values())
