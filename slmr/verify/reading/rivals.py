"""Rivals of an answer: other values that a text gives for it as well, "Both 15 and 16 work", "Another answer is 16"."""

from __future__ import annotations

import re

from slmr.verify.reading.denial import Compare
from slmr.verify.reading.sentences import STATEMENT_END, WINDOW, pattern

_MAX_MATCHES = 8
_BOTH_BEFORE = pattern(r"\bboth\b[^.!?\n]{0,30}$")
_AND_BEHIND = pattern(r"[\s$\\)]*\band\b\s*(?=[$\\(]*-?\d)")
# "$\boxed{15} = 16$": a whole number alone, since a rounded value is no rival.
_EQUALS = re.compile(r"[\s$]*=\s*(\$?-?\d[\d,]*)[\s$.]*(?:$|\n)")
_OPERATOR = re.compile(r"(?:[-+*/=\d)}^×÷]|\\(?:cdot|times|div))\s*$")
_ANOTHER = pattern(
    r"\b(?:another|(?:the )?other) (?:possible |valid |correct |acceptable |right )*"
    r"(?:answers?|solutions?|values?|options?)"
    r"(?: (?:is|are|would be)|:)\s*(?:[a-zA-Z]\s*=\s*)?(?=[$\\(]*(?:[a-zA-Z]\s*=\s*)?-?[\d\\])"
)
_VALUE = r"(?<![^\s(*])([-(\\$*]*\d[^\s,;]{0,60})"
_WORKS = (
    r"(?:works?|fits?|satisf\w+|(?:is|are|would be)(?: also| equally)? (?:valid|correct|right|possible|acceptable"
    r"|an? (?:valid |possible |correct )?(?:solution|answer)))"
)
# "16 also works", "16 works too", "and so is 16", "Also 16 is a solution"
_AS_WELL = pattern(
    rf"{_VALUE}\s+(?:would |could |does )?also\s+{_WORKS}"
    rf"|{_VALUE}\s+(?:would |could |does )?{_WORKS} (?:too|as well|also)\b|\balso,? {_VALUE}\s+{_WORKS}"
    r"|\bso (?:is|does|would) ([-(\\$*]*\d[^\s,;]{0,60})"
)
_ALSO = re.compile(r"\b(?:[Aa]lso|too|as well|so (?:is|does|would)|[Aa]nother|[Oo]ther)\b")
# "If it is the river, then $\\boxed{A}$. If it is the company, then $\\boxed{D}$."
_CASE = pattern(r"\W*(?:(?:and|but|or|otherwise),? )?(?:if|when|in case|assuming)\b")
_BOXED = re.compile(r"\\boxed\s*\{")
_REFUSAL = pattern(
    r"\b(?:not|never|cannot|extraneous|reject\w*|discard\w*|exclud\w*|invalid|wrong|incorrect|false|negative|but|however"
    r"|if|would|would have|outside|impossible)\b|n't"
)


def has_rival(before: str, after: str, compare: Compare) -> bool:
    """Whether a text gives another value for the answer beside this one."""
    equal = _EQUALS.match(after)
    if equal and not _OPERATOR.search(before[-10:]) and compare(equal[1]) is False:
        return True
    if _is_other_case(before, compare):
        return True
    conjunction = _AND_BEHIND.match(after) if _BOTH_BEFORE.search(before[-WINDOW:]) else None
    if conjunction and compare(after[conjunction.end() : conjunction.end() + WINDOW]) is False:
        return True
    if not _ALSO.search(after):
        return False
    return any(_names_another(sentence, compare) for sentence in STATEMENT_END.split(after) if _ALSO.search(sentence))


def _is_other_case(before: str, compare: Compare) -> bool:
    """Whether an answer is that of one case, and a case in front of it has another one in a box."""
    *earlier, last = STATEMENT_END.split(before[-2 * WINDOW :])
    return bool(_CASE.match(last)) and any(
        compare(sentence[box.end() :]) is False
        for sentence in earlier
        if _CASE.match(sentence)
        for box in _BOXED.finditer(sentence)
    )


def _names_another(sentence: str, compare: Compare) -> bool:
    """Whether a sentence names another value as an answer too, and does not refuse it."""
    for another in list(_ANOTHER.finditer(sentence))[:_MAX_MATCHES]:
        if compare(sentence[another.end() :]) is False and not _REFUSAL.search(sentence):
            return True
    for rival in list(_AS_WELL.finditer(sentence))[:_MAX_MATCHES]:
        value = next(group for group in rival.groups() if group)
        is_refused = _REFUSAL.search(sentence[max(0, rival.start() - 60) : rival.start()].rsplit("but", 1)[-1])
        if compare(value) is False and not is_refused and not _REFUSAL.search(sentence[rival.end() :]):
            return True
    return False
