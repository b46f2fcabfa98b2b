"""Totals from which a text goes on to what the problem asks for: "The total is 15. So 15 - 3 = 12 are left"."""

from __future__ import annotations

import re
from fractions import Fraction

from slmr.verify.reading.quantity import quantities
from slmr.verify.reading.sentences import last_sentence, pattern

_LONG = 200
_NEXT_SUM = pattern(r"\W*(?:(?:minus|plus|times|less|divided by)\b|[-+*/×÷]\s*\d|[a-z ]{0,30}?\d)")
_LABELLED_VALUE = pattern(r"\W*(?!check|step|note|verif|proof)[a-z][a-z ]{1,30}\s*[:=]\s*\$?-?\d[^:=]{0,20}$")
# "The profit is $70": the value of something else, and nothing behind it.
_NAMED_VALUE = pattern(
    r"\W*(?:the|her|his|their|its|our|my|your|each) [a-z][a-z' -]{1,40} (?:is|are|was|were|equals) [$€£*]*-?\d[\d.,]*"
    r"[^\d=]{0,30}$"
)
_CONCLUDES = pattern(r"^\W*(?:so|thus|hence|therefore|finally|then|minus|less)\b|,? so |\bleav(?:es?|ing) ")
# What stands behind the number that is concluded: its unit, "are left", "of feed in the last meal of the day".
_NEAR_END = re.compile(
    r"\W*(?:\w+\W*){0,3}(?:\b(?:of|in|for|on|at|from|with|per|to|during|by)\b(?: [a-z'-]+){1,4}\W*){0,4}$"
)
# A check, or how the total comes about, takes nothing back.
_CHECK = pattern(
    r"\b(?:check\w*|verif\w+|indeed|confirm\w*|correct|match\w*|because|since|proof|works?|holds?|true"
    r"|as (?:required|expected|desired|needed|given))\b|\(|✓"
)


def is_superseded(value: Fraction | None, after: str) -> bool:
    """Whether the last sentence behind a total comes to another number, and is no check of it."""
    last = last_sentence(after.strip(" .;\n*$"))
    numbers = quantities(last)
    if value is None or not numbers or numbers[-1].value == value or len(last) > _LONG or _CHECK.search(after):
        return False
    if _LABELLED_VALUE.fullmatch(last) or _NAMED_VALUE.fullmatch(last):
        return True
    if _CONCLUDES.search(last):
        return bool(_NEAR_END.match(last, numbers[-1].end))
    left, equals, right = last.rpartition("=")
    return bool(equals and _NEXT_SUM.match(left) and quantities(right))
