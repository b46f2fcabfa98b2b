"""Another value that a text holds for an answer as well: "Both 15 and 16 work", "15 = 16", "Another answer is 16"."""

from __future__ import annotations

import re

from slmr.verify.reading.denial import Stated
from slmr.verify.reading.sentences import NEAR, STATEMENT_END, pattern

_MAX_CUES = 8
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
_BESIDE = re.compile(r"\b(?:[Aa]lso|too|as well|so (?:is|does|would)|[Aa]nother|[Oo]ther)\b")
# "If it is the river, then $\\boxed{A}$. If it is the company, then $\\boxed{D}$."
_CASE = pattern(r"\W*(?:(?:and|but|or|otherwise),? )?(?:if|when|in case|assuming)\b")
_BOXED = re.compile(r"\\boxed\s*\{")
_REFUSED = pattern(
    r"\b(?:not|never|cannot|extraneous|reject\w*|discard\w*|exclud\w*|invalid|wrong|incorrect|false|negative|but|however"
    r"|if|would|would have|outside|impossible)\b|n't"
)


def has_rival(before: str, after: str, stated: Stated) -> bool:
    """Whether another value is held for the answer beside this one."""
    equal = _EQUALS.match(after)
    if equal and not _OPERATOR.search(before[-10:]) and stated(equal[1]) is False:
        return True
    if _is_other_case(before, stated):
        return True
    joined = _AND_BEHIND.match(after) if _BOTH_BEFORE.search(before[-NEAR:]) else None
    if joined and stated(after[joined.end() : joined.end() + NEAR]) is False:
        return True
    if not _BESIDE.search(after):
        return False
    return any(_named_beside(sentence, stated) for sentence in STATEMENT_END.split(after) if _BESIDE.search(sentence))


def _is_other_case(before: str, stated: Stated) -> bool:
    """Whether an answer is that of one case, and a case in front of it has another one in a box."""
    *earlier, own = STATEMENT_END.split(before[-2 * NEAR :])
    return bool(_CASE.match(own)) and any(
        stated(sentence[box.end() :]) is False
        for sentence in earlier
        if _CASE.match(sentence)
        for box in _BOXED.finditer(sentence)
    )


def _named_beside(sentence: str, stated: Stated) -> bool:
    """Whether a sentence names another value as an answer too, and does not refuse it."""
    for another in list(_ANOTHER.finditer(sentence))[:_MAX_CUES]:
        if stated(sentence[another.end() :]) is False and not _REFUSED.search(sentence):
            return True
    for well in list(_AS_WELL.finditer(sentence))[:_MAX_CUES]:
        value = next(group for group in well.groups() if group)
        is_refused = _REFUSED.search(sentence[max(0, well.start() - 60) : well.start()].rsplit("but", 1)[-1])
        if stated(value) is False and not is_refused and not _REFUSED.search(sentence[well.end() :]):
            return True
    return False
