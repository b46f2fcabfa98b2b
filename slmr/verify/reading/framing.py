"""Phrases in front of a value that make it no answer: what would be if, what is announced as false, a mere bound."""

from __future__ import annotations

from slmr.verify.reading.sentences import PARAGRAPH_SENTENCE_END, WINDOW, pattern

_LAST = 80  # characters in front of a value where a frame ends

_EDGE = r"[\s$*_`\"'()\[\]{}\\,:]"
# "If n were even, the answer would be": only of the answer, since a problem may itself ask what would be.
_WOULD_BE = pattern(
    r"\b(?:answer|solution|choice|option|result)\s+(?:would|could|might)\s+(?:then |now |instead )?"
    rf"(?:be|have been|equal|become){_EDGE}*$"
    r"|\b(?:réponse (?:serait|aurait été)|respuesta (?:sería|habría sido)|resposta (?:seria|teria sido)"
    r"|risposta sarebbe(?: stata)?"
    rf"|ответ (?:был|была) бы|antwort(?: [\w]+)? wäre|wäre (?:die )?(?:antwort|lösung)){_EDGE}*$"
    rf"|答案(?:就|将|便)?(?:会|本该|本来)是{_EDGE}*$"
)
_COUNTERFACTUAL = pattern(
    r"\bif\b[^.!?]*\b(?:were|was|had|did|weren't|wasn't|hadn't|didn't|could|would)\b"
    r"|\b(?:had|were) (?:we|it|he|she|they|there|the|this|that|[a-z])\b|\b(?:without|unless|otherwise)\b"
    r"|\b(?:si|se|wenn|falls|если)\b|如果|若|假如"
)
# "It would be 15 if nothing was eaten, but"
_WOULD = pattern(rf"\bwould (?:be|have been|equal){_EDGE}*$")
_IF_BUT = pattern(r"[\s$*]*(?:\w+ )?(?:if|had|unless|without)\b[^.!?\n]*\b(?:but|however)\b")
# "The following is false: the answer is"
_ANNOUNCED_FALSE = pattern(
    r"(?:\b(?:following|below|(?:this|next) (?:statement|claim|sentence))\b[^.!?\n]{0,30}?\b(?:is|are)"
    r"(?: clearly| obviously| simply)?\s+|^[\s*_]*)"
    r"(?:wrong|incorrect|false|untrue|a lie|not (?:true|correct|right))\W*:"
    r"[^.;!?]{0,60}$"
)
# "Wrong answer:", "An incorrect attempt gives", "Say the answer were"
_MISTAKE = pattern(
    r"\b(?:wrong|incorrect|false|mistaken|faulty|flawed|erroneous) (?:final )?"
    r"(?:answer|result|value|attempt|solution|approach|argument|guess|calculation|count)s?"
    rf"(?: (?:is|was|be|gives?|gave|yields?|leads? to|would (?:be|give|yield))|:){_EDGE}*$"
    rf"|^\W*(?:say|suppose|assume|imagine)\b[^.!?]{{0,60}}\b(?:were|was|is){_EDGE}*$"
)
# "It is at most"; not "you need at least", "there can be at most", which say what the problem asks for.
_BOUND = pattern(
    r"\b(?:at (?:least|most)|(?:not |no )?(?:more|less|fewer|greater|larger|smaller|bigger|higher|lower)"
    r"(?<!and no less)(?<!nor less) than(?: or equal to)?"
    r"|\bbetween\b[^.!?\n]{1,30}\band|\ban? (?:\w+ )?(?:lower|upper) bound(?: \w+ [^.!?\n]{1,30})?\s+is"
    r"|up to|exceed(?:s|ed|ing)?|höchstens|mindestens|mehr als|weniger als|au (?:plus|moins)|(?:plus|moins) (?:de|que)"
    rf"|como (?:máximo|mínimo)|al menos|(?:más|menos|mayor|menor) (?:de|que)){_EDGE}*$"
)
# "We round up to", "adds up to": where a sum arrives, and no bound.
_ARRIVES = pattern(
    r"\b(?:round|add|sum|bring|total|amount|com)(?:e|s|es|ed|ing)?\b[^!?;,]{0,40}?(?<!is )(?<!be )\bup to"
    rf"{_EDGE}*$"
)
_REQUIRED_BEFORE = pattern(
    r"\b(?:needs?|needed|requires?|required|takes?|can|could|must (?!be\b|equal\b)\w+|guarantees?|ensures?)\b[^.!?]*$"
)
_REQUIRED_BEHIND = pattern(
    r"[^.!?\n]{0,80}\b(?:needed|required|necessary|must|can|could|enough|suffices?|sufficient|guarantees?|ensures?)\b"
)


# "At first glance the answer is 6, but it is actually 5", "One might think it is 6, but"
_SEEMS = pattern(
    r"\b(?:at first(?: (?:glance|sight|look))?|initially|it (?:may |might |would |first )?(?:seems?|looks?|appears?)"
    r"|(?:one|you|we|i) (?:may|might|could|would|first|initially) (?:\w+ )?(?:thinks?|thought|believes?d?|say|assumed?"
    r"|guess(?:ed)?|expect(?:ed)?))\b[^.!?\n]*$"
)
_BUT_OTHER = pattern(
    r"[^.!?\n]{0,60}?,?\s(?:but|however|yet|although)\b,? (?:[a-z' ]{0,60}? )?[$\\(*]*-?\d[^.!?\n]{0,20}[.!?]?$"
)


def is_conceded(before: str, statement: str) -> bool:
    """Whether a statement only says what seems so, and goes on with a `but` and another value."""
    return bool(_BUT_OTHER.match(statement) and _SEEMS.search(PARAGRAPH_SENTENCE_END.split(before[-WINDOW:])[-1]))


def is_framed(before: str, after: str = "") -> bool:
    """Whether what stands before a value, up to it, says that it is not what the writer holds for the answer."""
    near = before[-WINDOW:]
    if ":" in near and _ANNOUNCED_FALSE.search(near if len(before) <= WINDOW else f".{near}"):
        return True
    sentence = PARAGRAPH_SENTENCE_END.split(near)[-1]
    end = sentence[-_LAST:]
    if _MISTAKE.search(end) or (_WOULD_BE.search(end) and _COUNTERFACTUAL.search(sentence)):
        return True
    if _WOULD.search(end) and _IF_BUT.match(after):
        return True
    is_bound = _BOUND.search(end) and not _ARRIVES.search(end)
    return bool(is_bound and not _REQUIRED_BEFORE.search(sentence) and not _REQUIRED_BEHIND.match(after))
