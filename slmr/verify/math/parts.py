r"""What a text is made of: the things that a list names, the members of a set, the names that equations give."""

from __future__ import annotations

import re

from slmr.verify.algebra.polynomial import canonical
from slmr.verify.algebra.values import normal
from slmr.verify.math.brackets import inside, split, squeeze
from slmr.verify.math.relations import IS_NAME

_SEPARATOR = re.compile(r"(?:,\s*)?\\?\band\b|(?:,\s*)?\bor\b|\\&")


def solutions_of(text: str) -> list[str] | None:
    """`p = 5, q = 2; p = 7, q = 2` as the tuples `(5,2)` and `(7,2)`; None if it is anything else."""
    found, names = [], []
    for solution in split(re.sub(r"\bor\b", ";", text), ";"):
        parts = split(solution, ",")
        if len(parts) < 2 or not all(is_assignment(part) for part in parts):
            return None
        names.append([assigned_name(part) for part in parts])
        found.append("(" + ",".join(part.split("=", 1)[1] for part in parts) + ")")
    return found if all(name == names[0] for name in names) else None


def is_assignment(part: str) -> bool:
    name, equals, _ = part.partition("=")
    return bool(equals and IS_NAME.fullmatch(name))


def assigned_name(part: str) -> str:
    """The name that an assignment gives a value to."""
    return squeeze(part.split("=")[0])


def parts_of(text: str) -> list[str]:
    """The things that a list names; one that is no list is its only part.

    Brackets around a list of matrices are part of the list, those around anything else make it a tuple or a set.
    """
    plain = _SEPARATOR.sub(",", text)
    within = inside(plain)
    if within and all(part.startswith("⟦") for part in within[1]):
        return within[1]
    return expanded(split(plain, ",;"))


def expanded(parts: list[str]) -> list[str]:
    """Writes `a \\pm b` as its two values; a set with one among its members stays one set."""
    found = []
    for part in parts:
        if part.count("\\pm") == 1 and "\\mp" not in part and not _is_set(part):
            found += [part.replace("\\pm", "+"), part.replace("\\pm", "-")]
        elif part:
            found.append(part)
    return found or [""]


def _is_set(part: str) -> bool:
    brackets = inside(part)
    return brackets is not None and brackets[0] == "\\{\\}" and len(brackets[1]) > 1


def before_approx(item: str) -> str:
    r"""What stands before `\\approx`, if anything but a name does."""
    exact, approx, rounded = item.partition("\\approx")
    is_named = IS_NAME.fullmatch(exact) and not IS_NAME.fullmatch(rounded)
    return (rounded.strip() if is_named or not exact.strip() else exact.strip()) if approx else item


def members_of_union(text: str) -> list[str]:
    """The parts of a union; the members of sets that are united."""
    parts = text.split("\\cup")
    sets = [inside(part) for part in parts]
    if all(found and found[0] == "\\{\\}" for found in sets):
        return distinct([member for found in sets if found for member in found[1]])
    return parts


def distinct(parts: list[str]) -> list[str]:
    """The parts of a set without those that are written twice, in whatever spelling."""
    found: dict[str, str] = {}
    for part in parts:
        value = normal(part)
        found.setdefault(squeeze(part) if value is None else canonical(value), part)
    return list(found.values())
