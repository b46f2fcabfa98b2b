"""Arithmetic that is written out, alone or in brackets behind the number that it comes to."""

from __future__ import annotations

import re
from fractions import Fraction
from math import prod

from slmr.verify.algebra.values import number_of
from slmr.verify.reading.quantity import quantities

_OPERATORS = str.maketrans("×÷·", "*/*")
_DERIVATION = re.compile(
    r"\s*\((?:check: ?|(?:i\.e\.|that is|that's|since|as|because),? ?|= ?)?([\d\s.,$+*/×÷·-]{3,80})\)\s*$",
    re.IGNORECASE,
)
# "(6 bags of 7 apples each)", "(6 times 7)"
_IN_WORDS = re.compile(r"\s*\(([^()=]{3,80})\)\s*$")
_NO_DERIVATION = re.compile(
    r"\b(?:or|not|if|but|instead|rather|wrong|without|before|after|unless|maybe|except|actually)\b",
    re.IGNORECASE,
)


def evaluate_arithmetic(text: str) -> Fraction | None:
    """The value of arithmetic without letters; None for anything else."""
    if not re.fullmatch(r"[\d\s+*/×÷·().,$-]{3,200}", text):
        return None
    return number_of(re.sub(r"[,$]", "", text).translate(_OPERATORS))


def without_derivation(rest: str, value: Fraction) -> str:
    """The text behind a number without the brackets that derive it: `(6 * 7)` behind 42."""
    derivation = _DERIVATION.search(rest)
    if derivation and evaluate_arithmetic(derivation[1]) == value:
        return rest[: derivation.start()]
    derivation = _IN_WORDS.search(rest)
    if not derivation or _NO_DERIVATION.search(derivation[1]):
        return rest
    numbers = [number.value for number in quantities(derivation[1])]
    if len(numbers) < 2 or value not in (sum(numbers), prod(numbers)):
        return rest
    return rest[: derivation.start()]
