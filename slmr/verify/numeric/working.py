"""How a number comes about: arithmetic that is written out, and brackets behind a number that show it."""

from __future__ import annotations

import re
from fractions import Fraction
from math import prod

from slmr.verify.algebra.values import number_of
from slmr.verify.reading.quantity import quantities

_OPERATORS = str.maketrans("×÷·", "*/*")
_WORKING = re.compile(
    r"\s*\((?:check: ?|(?:i\.e\.|that is|that's|since|as|because),? ?|= ?)?([\d\s.,$+*/×÷·-]{3,80})\)\s*$",
    re.IGNORECASE,
)
# "(6 bags of 7 apples each)", "(6 times 7)"
_IN_WORDS = re.compile(r"\s*\(([^()=]{3,80})\)\s*$")
_NO_WORKING = re.compile(
    r"\b(?:or|not|if|but|instead|rather|wrong|without|before|after|unless|maybe|except|actually)\b",
    re.IGNORECASE,
)


def computed(text: str) -> Fraction | None:
    """The value of arithmetic without letters; None for anything else."""
    if not re.fullmatch(r"[\d\s+*/×÷·().,$-]{3,200}", text):
        return None
    return number_of(re.sub(r"[,$]", "", text).translate(_OPERATORS))


def without_working(rest: str, value: Fraction) -> str:
    """What stands behind a number without the brackets that say how it comes about."""
    working = _WORKING.search(rest)
    if working and computed(working[1]) == value:
        return rest[: working.start()]
    working = _IN_WORDS.search(rest)
    if not working or _NO_WORKING.search(working[1]):
        return rest
    factors = [found.value for found in quantities(working[1])]
    if len(factors) < 2 or value not in (sum(factors), prod(factors)):
        return rest
    return rest[: working.start()]
