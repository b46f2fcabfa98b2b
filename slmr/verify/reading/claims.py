"""Values that a text ascribes to somebody else, "A student claims 65", or calls a mistake, "A common error is 15"."""

from __future__ import annotations

from slmr.verify.reading.sentences import WINDOW, any_of, last_sentence, pattern

_PERSON = (
    r"(?:(?:an?|one|the|some|my|our|your|his|her|another|certain) (?:\w+ )?(?:student|pupil|classmate|friend|teacher"
    r"|author|colleague|solver|reader|critic|person|people|child|boy|girl|brother|sister|roommate|tutor|user|key"
    r"|(?:text)?book)s?|somebody|someone|he|she|they)"
)
_ANY_PERSON = r"(?:an?|one|the|some|my|our|your|his|her|another) (?:\w+ ){0,3}?\w+"
# Who claims is not believed; who says something may be.
_CLAIM = r"(?:claim(?:s|ed|ing)?|alleg(?:es?|ed)|insist(?:s|ed)?|maintain(?:s|ed)?|contend(?:s|ed)?)"
_SAY = r"(?:says?|said|thinks?|thought|believes?|believed|argue[sd]?|asserts?|asserted|guess(?:es|ed)?|states?|stated)"
_VERBS = (
    "claim",
    "alleg",
    "insist",
    "maintain",
    "contend",
    "say",
    "said",
    "think",
    "thought",
    "belie",
    "argu",
    "assert",
    "guess",
    "state",
)
_VALUE_NEXT = r"(?: that)?(?: [^.;!?\n]{0,60}?\b(?:is|are|was|be|equals?|to))?[\s$*_`\"'(\\\[]*$"
_CLAIMS = pattern(rf"\b{_PERSON} (?:\w+ly )?{_CLAIM}{_VALUE_NEXT}")
_SAYS = pattern(rf"\b(?:{_PERSON}|{_ANY_PERSON}|(?-i:[A-Z][a-z]+)) (?:\w+ly )?(?:{_SAY}|{_CLAIM}){_VALUE_NEXT}")
_REFUTES = pattern(
    any_of(
        r"\b(?:disprove|refute|disagree|debunk|rebut|contradict)",
        r"\b(?:claim|statement|assertion|answer|reasoning|argument|student|pupil|friend|classmate|author|he|she|they)"
        r"(?:'s?)? (?:is|are|was|were) (?:\w+ly )?(?:wrong|mistaken|incorrect|false|not (?:right|correct|true))",
    )
)
_AGREES = pattern(r"\b(?:prove|agree|confirm|correct|right|true|verify|valid|indeed)")


def is_claim_of_others(before: str, after: str) -> bool:
    """Whether a value is what somebody else claims, and the text does not share it."""
    sentence = last_sentence(before[-WINDOW:])
    lower = sentence.lower()
    if not any(verb in lower for verb in _VERBS):
        return False
    if not (claims := _CLAIMS.search(sentence)) and not _SAYS.search(sentence):
        return False
    if _REFUTES.search(after[:WINDOW]):
        return True
    return bool(claims) and not _AGREES.search(after[:WINDOW])


# --- mistakes ---------------------------------------------------------------------------------------------

# An error may be what a problem asks for, so it has to be a usual one.
_USUAL = "(?:common|frequent|typical|classic|usual|popular|natural|easy|careless|silly|well-known)"
_MISTAKE = any_of(
    "mistakes?",
    "traps?",
    "misconceptions?",
    "pitfalls?",
    "fallac(?:y|ies)",
    "blunders?",
    "oversights?",
    "misreadings?",
    "miscounts?",
    "miscalculations?",
)
_USUAL_ERROR = rf"{_USUAL} (?:\w+ )?(?:{_MISTAKE}|errors?)"
_CARELESS = "(?:careless|hasty|sloppy|na[iï]ve|inattentive|unwary|thoughtless|superficial|beginners?|guessers?)"
_MAY = "(?:would|might|may|could|will|often|usually|easily)"
_ANSWERS = "(?:say|write|answer|get|report|give|conclude|claim|guess|state|think|pick|choose|find|obtain)"
# Only what is never done on purpose; "ignoring the negative root" may be right, "if one had ignored it" is not.
_SLIPS = any_of(
    r"forg[eo]t\w*",
    r"overlook\w*",
    r"mis(?:read|count|calculat|appl)\w*",
    r"(?:double|over)[- ]?count\w*",
    "ignored",
    "neglected",
)

# "A common mistake is", "You may be tempted to", "A hasty solver would write"
BEGINS_MISTAKE = any_of(
    rf"\b{_USUAL_ERROR}(?: here)? (?:is|was|of|to|would be|gives?|yields?|leads? to|results? in)\b",
    r"\b(?:tempt(?:ed|ing)|inclined) to\b",
    r"\bfall(?:ing)? (?:for|into)\b",
    rf"\b{_CARELESS} (?:\w+ )?(?:{_MAY} )+{_ANSWERS}\b",
)
_IS = "(?:is|was|would be)"
# "is a mistake", ", a common error", "is what a careless reader would", "is what one would get if one forgot"
IS_MISTAKE = any_of(
    rf"{_IS} (?:(?:just|only|indeed|of course|actually|also) )?(?:an?|the|one) (?:\w+ )?{_MISTAKE}\b",
    rf"(?:{_IS} )?(?:an?|the) {_USUAL_ERROR}\b",
    rf"(?:comes?|came|results?|stems?|arises?) from (?:an?|the|this) (?:\w+ )?(?:{_MISTAKE}|error)\b",
    rf"{_IS} (?:what|the (?:answer|value|result|number)(?: that)?) (?:\w+ ){{0,2}}?{_CARELESS}\b",
    # "is what most people get, but they are mistaken"
    rf"{_IS} (?:what|the (?:\w+ )?(?:answer|value|result|number|guess|choice)(?: that)?)\b[^.;!?\n]{{0,60}}?,? "
    r"(?:but|yet|and|though|although|however)\b[^.;!?\n]{0,20}? (?:mistaken|wrong|incorrect|false"
    r"|not (?:right|correct|true))\b(?! (?:to|about|in|with)\b)",
    rf"{_IS} (?:what|obtained|found|reached)\b[^.;!?\n]{{0,60}}?\b(?:if|when|by|after)\b[^.;!?\n]{{0,30}}?\b{_SLIPS}",
)
