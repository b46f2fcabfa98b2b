"""Values that a text ascribes to somebody else: "A student claims 65. We disprove this claim."."""

from __future__ import annotations

from slmr.verify.framing import NEAR, any_of, last_sentence, pattern

_SOMEBODY = (
    r"(?:(?:an?|one|the|some|my|our|your|his|her|another|certain) (?:\w+ )?(?:student|pupil|classmate|friend|teacher"
    r"|author|colleague|solver|reader|critic|person|people|child|boy|girl|brother|sister|roommate|tutor|user|key"
    r"|(?:text)?book)s?|somebody|someone|he|she|they)"
)
_ANYBODY = r"(?:an?|one|the|some|my|our|your|his|her|another) (?:\w+ ){0,3}?\w+"
# Who claims is not believed; who says something may be.
_CLAIMED = r"(?:claim(?:s|ed|ing)?|alleg(?:es?|ed)|insist(?:s|ed)?|maintain(?:s|ed)?|contend(?:s|ed)?)"
_SAID = r"(?:says?|said|thinks?|thought|believes?|believed|argue[sd]?|asserts?|asserted|guess(?:es|ed)?|states?|stated)"
_VERBS = ("claim", "alleg", "insist", "maintain", "contend", "say", "said", "think", "thought", "belie", "argu",
          "assert", "guess", "state")  # fmt: skip
_VALUE_NEXT = r"(?: that)?(?: [^.;!?\n]{0,60}?\b(?:is|are|was|be|equals?|to))?[\s$*_`\"'(\\\[]*$"
_CLAIMS = pattern(rf"\b{_SOMEBODY} (?:\w+ly )?{_CLAIMED}{_VALUE_NEXT}")
_SAYS = pattern(
    rf"\b(?:{_SOMEBODY}|{_ANYBODY}|(?-i:[A-Z][a-z]+)) (?:\w+ly )?(?:{_SAID}|{_CLAIMED}){_VALUE_NEXT}"
)
_REFUTES = pattern(
    any_of(
        r"\b(?:disprove|refute|disagree|debunk|rebut|contradict)",
        r"\b(?:claim|statement|assertion|answer|reasoning|argument|student|pupil|friend|classmate|author|he|she|they)"
        r"(?:'s?)? (?:is|are|was|were) (?:\w+ly )?(?:wrong|mistaken|incorrect|false|not (?:right|correct|true))",
    )
)
_AGREES = pattern(r"\b(?:prove|agree|confirm|correct|right|true|verify|valid|indeed)")


def is_anothers(before: str, after: str) -> bool:
    """Whether a value is what somebody else claims, and the text does not share it."""
    sentence = last_sentence(before[-NEAR:])
    lower = sentence.lower()
    if not any(verb in lower for verb in _VERBS):
        return False
    if not (claims := _CLAIMS.search(sentence)) and not _SAYS.search(sentence):
        return False
    if _REFUTES.search(after[:NEAR]):
        return True
    return bool(claims) and not _AGREES.search(after[:NEAR])
