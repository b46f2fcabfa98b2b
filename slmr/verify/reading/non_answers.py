"""Numbers that are no answer: in a prompt that is repeated or a refusal, an operand, one item of several."""

from __future__ import annotations

import re

from slmr.verify.reading.quantity import WORDS
from slmr.verify.reading.sentences import last_sentence, pattern

_LIST = re.compile(
    r"(?<![\d.,])\d[\d.,]*\s*(?:,\s*)?(?:and|or|&|und|et|y)\s+\$?$|\d,\s+\$?$|^\W*(?:from\s)?\s*\$?\d[\d.,]*\s+to\s+\$?$",
    re.IGNORECASE,
)
# "divide 84 by 12": what is to be done, not what comes of it; "13 out of 20" is no number.
_OPERAND = re.compile(
    r"\d%? out of (?:every )?\$?$"
    r"|\b(?:divid(?:e|ing)|multiply(?:ing)?|subtract(?:ing)?|add(?:ing)?) (?:(?:the|all|both|each) )?"
    r"(?:\$?\d[\d.,]* (?:\w+ )?)?(?:by|to|from) \$?$",
    re.IGNORECASE,
)
# "2 hours and 15 minutes", "3 cats and 4 dogs": two things, and none of them is the answer.
_FIRST_THING = re.compile(r"\d\s?[a-z]+\.?(,? (?:and|&|by))?,? \$?$", re.IGNORECASE)
_LAST_THING = re.compile(r"\s?[a-z]+(?: (?:tall|long|wide|high|deep|old))?\W*$", re.IGNORECASE)
# "Of the 30 students, 24 passed": the first number is the whole that the last one is a part of.
_OF_A_WHOLE = pattern(
    r"^\W*(?:(?:so|thus|hence|therefore|then),? )?(?:out of|of|among) (?:all )?(?:of )?"
    r"(?:(?:the|these|those|his|her|its|their|my|our) )?\d[\d.,]*(?: [a-z'-]+){0,6},? $"
)
_IN_ALL = re.compile(r"\s*(?:\w+ )?(?:in (?:all|total)|altogether)\b")
# "Find the value of x if 2x + 6 = 20", "Solve for x: 3x - 9 = 21"; not "Find the sum: 15 + 20 = 35", "Solve to get 5".
_INSTRUCTION = pattern(
    r"^\W*(?:please |now,? |first,? |next,? )?(?:find|determine|compute|calculate|evaluate|solve|simplify|work out)\b"
    r"(?:[^=:]*(?:\b(?:if|when|where|given|such that|for which|with|satisfy\w*)\b.*)?"
    r"|[^=:]*:[\s$]*[^=;,]*(?:\d\s*[a-z]|[a-z]\s*[-+*/^])[^=;,]*=[^=;,]*)$"
)
_SOLUTION = pattern(
    r"\b(?:so|thus|hence|therefore|gets?|obtain|gives?|giving|yields?|gave|to find|answer"
    r"|(?:which|it|total|result) (?:is|are))\b|[→⇒]|=>"
)
_NO_DATA = pattern(
    r"\b(?:(?:not|n't) (?:have |given |provide )?enough|insufficient|too little|needs? (?:more|further|additional))"
    r" (?:information|data|details)\b"
    r"|\b(?:information|data|details) (?:given |provided )?(?:is|are) (?:not enough|insufficient|missing|incomplete)\b"
    r"|\b(?:the|its) [a-z]+ of [^.;!?]{0,60}? (?:is|are) (?:missing|unknown|not (?:given|provided|stated|specified"
    r"|known))\W*$"
)
# "How many does he have left? We need to know how many he gave away": the problem again, and no number behind it.
_LAST_QUESTION = pattern(
    r"\b(?:how (?:many|much|long|far|old|fast)|what (?:is|are|was|were) the)\b[^.?!\n\d=]{1,120}\?([^\d=]{0,200})$"
)
_LONG = 400


def is_unanswered(text: str) -> bool:
    """Whether a text ends with a sentence that sets or repeats a task, or says that it cannot be solved."""
    last = last_sentence(text.strip())
    if len(last) > _LONG:
        return False
    question = _LAST_QUESTION.search(text[-_LONG:])
    if question and not WORDS.search(question[1]):
        return True
    return bool(_NO_DATA.search(last) or (_INSTRUCTION.match(last) and not _SOLUTION.search(last)))


def is_operand_or_item(sentence: str, behind: str) -> bool:
    """Whether a number is an operand, or one of several things."""
    return bool(_OPERAND.search(sentence)) or _beside_another(sentence, behind)


def _beside_another(sentence: str, behind: str) -> bool:
    """Whether a number is the last of several things: "3, 4 and 5", "2 hours 15 minutes"; not "7 and 5, 12 in all"."""
    if _IN_ALL.match(behind) or _OF_A_WHOLE.match(sentence):
        return False
    first = _FIRST_THING.search(sentence)
    return bool(_LIST.search(sentence) or (first and (first[1] or _LAST_THING.match(behind))))
