"""The numbers in a text that stand for themselves: no part of an expression, a range, a time, or a name."""

from __future__ import annotations

import re

from slmr.verify import quantity
from slmr.verify.quantity import Quantity

NAMED_UNIT = r"(?:kg|km|cm|mm|mph|ml|lbs?|hrs?|ft|mi|in|g|m|h|s)(?:\^?\{?[23]\}?)?(?![A-Za-z0-9_])"
_TOKEN_BEFORE = re.compile(r"(?:[A-Za-z0-9_.]|\d[:/,]|\d\*\*)$")
_TOKEN_AFTER = re.compile(
    rf"{NAMED_UNIT}|(?![A-Za-z0-9_^π√]|/(?!\s?[A-Za-z]{{2}})|[.,:]\d|-\d|\\(?:pi|sqrt|[dt]?frac|log|ln|sin|cos"
    rf"|tan|binom)(?![a-z]))",
    re.ASCII,
)
_FIND = re.compile(r"(?:(?<![\d)A-Za-z])[-+])?(?:\\?\$|€|£|¥|₹)?\s?(?<![A-Za-z0-9_])(?:\d|\.\d)")
# In front of a number: it is a name's, or something is done to it.
_NO_VALUE_BEFORE = re.compile(
    r"(?:\b(?:step|question|problem|example|part|case|figure|section|chapter|exercise|equation|option"
    r"|no\.)\s*#?\s*"
    r"|√\s?|\b(?:page|room|log|ln|sin|cos|tan|sqrt)\s?\(?|\b(?:half|twice|double|triple|quarter"
    r"|third)\s+(?:of\s+)?|\b(?:less|more|fewer|greater|other) than\s+"
    r"|\\(?!text|math|boxed|fbox)[a-zA-Z]+\s*\{?|(?<!\*)\*\s?|[/×÷^]\s?\{?|[\d)]\s?[-+]\s?|\d\s?-"
    r"|\b\d*[a-z][-+])$", re.IGNORECASE,
)  # fmt: skip
_SUMMED = re.compile(r"[\d)]\s?[-+].$|(?<![A-Za-z])[a-z](?:[-+].| [-+] )$")


def tokens(text: str) -> list[Quantity]:
    """The numbers in a text that stand for themselves, in order."""
    found: list[Quantity] = []
    position = 0
    while match := _FIND.search(text, position):
        start = match.start() + len(match[0]) - len(match[0].lstrip())
        word = re.search(r"\b(?:minus|negative)\s$", text[max(0, start - 10) : start], re.IGNORECASE)
        begin = start - len(word[0]) if word else start
        token = quantity.quantity(text, begin)
        position = max(token.end if token else match.end(), match.end())
        if token is None or (text[begin] in "+-" and _SUMMED.search(text[max(0, begin - 6) : begin + 2])):
            continue  # a sign behind a number or a variable is an operator
        before = text[max(0, begin - 24) : begin]
        if (
            _TOKEN_BEFORE.search(before)
            or not _TOKEN_AFTER.match(text, token.end)
            or _NO_VALUE_BEFORE.search(before)
        ):
            continue
        found.append(token)
    return found
