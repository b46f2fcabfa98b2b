"""Denials of an answer in its own sentence, which may also name another value beside it: "not 15", "15 or 16".

Callers pass a `Compare`, which tells whether a piece of text begins with the answer or with another value of its kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from slmr.verify.reading.claims import BEGINS_MISTAKE, IS_MISTAKE, is_claim_of_others
from slmr.verify.reading.framing import is_framed
from slmr.verify.reading.sentences import GAP, WINDOW, any_of, pattern
from slmr.verify.reading.statements import FILLER

# Whether a text begins with the answer (True), with another value (False), or with none (None).
Compare = Callable[[str], bool | None]


_EDGE = r"[\s$*_`\"'()\[\]{}\\,]"
_WRONG = any_of(
    "wrong",
    "incorrect",
    "false",
    "mistaken",
    "erroneous",
    "tempting",
    "naive",
    "falsch",
    "fausse?",
    "incorrecta?",
    "equivocad[ao]",
    "错误的?",
)
_NOT = any_of(
    r"\bnot",
    "n't",
    r"\bnever",
    r"\bneither",
    r"\bnor",
    r"\bcannot",
    r"\bwithout",
    r"\bdoubt(?:ful)?",
    r"\bunlikely",
    r"\brefuse(?: to)?",
    r"\brather than",
    r"\b(?:any|every)thing but",
    r"\binstead of",
    r"(?<!nothing )(?<!none )\bother than",
    r"\bexcept",
    r"\bunlike",
    r"\bexclud(?:e|es|ing)",
    r"\bnicht",
    r"\bkeine?r?",
    r"\bpas",
    r"\bno (?:es|puede ser)",
    "não é",
    "non è",
    "不是",
    "不等于",
    "不能是",
    "并非",
    r"\bне",
    r"\bif",
    r"\bguess(?:ing)?",
    r"\bmaybe",
    r"\bperhaps",
    r"\b(?:might|could|may) be",
)
# A frame around what follows: "it is false that", "impossible for the value to be", "suppose", "many would say".
_FRAME = any_of(
    rf"\b(?:{_WRONG}|impossible|absurd|a mistake|an error) (?:for|to|that)\b",
    r"^\W*(?:suppose|assume)\b",
    r"\b(?:many|most|some|other) (?:students |people |solvers |readers )?(?:would |might |may |will )?"
    r"(?:answer|say|think|guess|claim|believe|choose|pick|select)\b",
    BEGINS_MISTAKE,
)
# "The student who answered"
_SAID_BY = (
    r"\bwho(?: \w+)? (?:answer|sa[yi]|think|thought|guess|claim|believe)(?:e?[sd])?\b"
    rf"(?: that)?(?: (?:it|the answer) is| it's| (?:the )?(?:option|choice))?{_EDGE}+"
)
_BY_OTHERS = rf"{_SAID_BY}|{_FRAME}[^.;]{{0,60}}"
_ASCRIPTION = pattern(rf"(?:{_BY_OTHERS})$")
# What denies the answer that follows: "is not", "the wrong answer is".
DENIED_BEFORE = pattern(
    rf"(?:{_NOT}{_EDGE}*(?:(?:{FILLER}){_EDGE}*){{0,6}}"
    rf"|\b{_WRONG}\s+(?:answer|result|value|option|choice)\W+(?:is|was|be|:|=|would be|might be)?{_EDGE}*"
    rf"|{_BY_OTHERS})$"
)
_CLAUSE = pattern(
    r"[,;:!?\n]|(?<!\d)\.|(?<!anything )(?<!everything )\bbut\b"
    r"|\b(?:so|thus|hence|then|therefore|sondern|mais|sino)\b|而是|所以"
)
_OR = r"\b(?:(?:and/)?or|oder|ou|или)\b"
_OR_BEFORE = pattern(rf"{_OR}(?: maybe| perhaps| possibly)?{_EDGE}*$")
_BE = r"(?:is|was|are|were|be)"
_DENIES_AFTER = any_of(
    rf"{_BE}\s*(?:n't|\s+not|\s+never)\b(?!\s+(?:hard|difficult|surprising|only|just|a coincidence|unexpected"
    r"|the (?:only|same|simplest|shortest|easiest|usual|most)\b))",
    r"(?:is|was|are|were|seems|looks|must be)\s+(?:clearly |obviously |also |definitely |simply |merely |just |really "
    r"|all |both |only )?"
    + any_of(
        rf"{_WRONG}\b",
        "(?:just |only )?a guess",
        "impossible",
        "excluded",
        "ruled out",
        r"out\b",
        "eliminated",
        "extraneous",
        "invalid",
        "an? (?:upper|lower|rough) (?:bound|estimate)",
        "a bound",
        r"too \w+",
        "the (?:upper|lower) bound",
        "an? (?:estimate|candidate|possibility|counterexample|trap|approximation)",
        "no (?:solution|answer|option)",
        "the wrong",
    ),
    r"(?:can\s*not|can't|cannot|could not|couldn't|must not|need not|should not|shouldn't) be\b",
    r"(?:would|could|might|may) (?:be|have been)\b(?! (?:expected|shown|seen|checked|found|obtained|verified"
    r"|written|proved))",
    # "would hold if the coin were fair", "would hold only for"; not "would still hold if"
    r"would (?:only )?(?:have )?(?:hold|held|work|worked|apply|follow|suffice|fit|do|stand)\b[^.!?\n]*?\b(?:if|had|were"
    r"|unless|only (?:for|in|when))\b",
    IS_MISTAKE,
    r"(?:contradicts|violates|fails|does\s*n't|does not|do not|don't|did not|didn't|cannot|can't)\b",
    "ist falsch",
    "ist nicht",
    "est faux",
    "n'est pas",
    "no es",
    "es incorrecto",
    "不对",
    "不是",
    "是错",
    "错",
    "ではな",
    "ではありません",
    "じゃな",
    "は(?:間違|誤)",
    "[이가은는] ?(?:아니|아닙|틀)",
    "değil",
    "नहीं",
    "неверн",
    "не (?:верн|подход)",
)
# What denies the answer that stands before: "is wrong", "would be", "? No".
_DENIED_AFTER = pattern(
    rf"[\s$*_]*[✗✘❌✖]|\s*[(\[](?:{_WRONG})[)\]]"
    rf"|(?:(?!\n){_EDGE}){{0,16}}(?:[—-]+\s*)?(?:(?:,? which|,? and that|,? but (?:that|this|it))\s+)?"
    rf"(?:(?!only\b)\w+ly,? (?=is|was|are|were|can|does))?{_DENIES_AFTER}"
)
# "I don't think so", "That seems unlikely"
NO_BELIEF = any_of(
    "I (?:\\w+ly )?(?:don't|do not|can't|cannot) (?:think|believe) (?:so|it|that)",
    "I think not",
    "Never(?! ?mind)",
    "(?:(?:it|that|this) (?:seems|sounds|looks|is) )?(?:\\w+ly )?(?:unlikely|doubtful)",
)
# What says no to a question: "No", "I'm afraid not.", "It can't be"; not "It is not 30", which says why.
_SAYS_NO = any_of(
    r"No\b(?! (?:problem|doubt|other))",
    rf"{NO_BELIEF}\b",
    r"(?:(?:probably|certainly|definitely|surely|of course) )?Not\b",
    "Nope",
    "Hardly",
    "Nein",
    r"Non\b",
    "不",
    r"(?:[\w']+,? ){0,3}?(?:no|not|[a-z]+n't)\s*(?:[.!;,]|$)",
    rf"(?:it|that|this)(?:'s)?\s*(?!is(?: not|n't) [$\\]*\d){_DENIES_AFTER}",
)
_DENIED_QUESTION = pattern(rf"\s*\(\?+\)|{_EDGE}{{0,8}}\?+\s*{_SAYS_NO}")
# "Is 15 the maximum? Sadly not": a question that goes on behind the value.
_QUESTION = pattern(
    r"^\W*(?:(?:so|but|and|then),? )?(?:is|are|was|can|could|might|may|will|would|do|does|should|must)\b"
)
_QUESTION_GOES_ON = pattern(rf"[^.!?,;:\n]{{1,40}}\?\s*{_SAYS_NO}")
_OR_AFTER = pattern(
    r"[\s$*_`\"'()\[\]}.,;:—-]{0,12}(?:\b(?:or|and/or|oder|ou|или|alternatively|maybe|perhaps|possibly)\b|/|或者?)"
    r"(?:\s*(?:maybe|perhaps|possibly|even|rather|is it|it is|it's|also"
    r"|(?:it )?(?:could|might|may) (?:also )?be))?[\s,:]*"
)
_OR_MORE = pattern(r"(?:more|less|fewer|so|above|below|higher|lower|greater|maybe|perhaps|possibly|something)\b")

_UNSURE = pattern(
    r"\b(?:not (?:sure|certain)|unsure|no idea|i(?:'m| am)? guess(?:ing)?|(?:don't|do not) know|no sé"
    r"|weiß (?:es )?nicht|je ne sais pas)\b|不知道"
)
_REFUSES = pattern(
    r"\b(?:i|we)(?: am| 'm|'m| are)? ?(?:cannot|can't|can not|could not|couldn't|won't|will not|unable to"
    r"|not able to"
    r"|refuse to)\s+(?:\w+ )?(?:answer|solve|do|help|respond|determine|complete|provide|comply|assist|say|tell"
    r"|give)\b"
)
_DENIES = r"\b(?:not(?! only)|cannot|can't(?! wait)|isn't|never|neither|nor|nicht)\b|不是"
_ALTERNATIVES = (
    r"\b(?:or|either|maybe|perhaps|possibly|and/or|not sure|unsure|could be|might be|between|oder|vielleicht"
    r"|peut-être|quizás|tal vez)\b|或|可能|也许"
)
HEDGE, _NAMES_SEVERAL, _DENIAL = (
    pattern(f"{_ALTERNATIVES}|{_DENIES}"),
    pattern(_ALTERNATIVES),
    pattern(_DENIES),
)


def is_denied(before: str, after: str, compare: Compare) -> bool:
    """Whether the sentence of an answer denies it, or names another one beside it."""
    is_struck_out = before.endswith("~~") and after.startswith("~~")
    if is_struck_out or ends_in_denial(before) or is_framed(before, after) or is_claim_of_others(before, after):
        return True
    clause = before[-WINDOW:]
    other = _OR_BEFORE.search(clause)
    if other and compare(_last_word(clause[: other.start()])) is False:
        return True
    return starts_with_denial(after) or _is_denied_question(clause, after) or _names_alternative(after, compare)


def ends_in_denial(before: str) -> bool:
    """Whether a text ends with the denial of what follows: "is not", "rather than"."""
    return bool(DENIED_BEFORE.search(_CLAUSE.split(before[-WINDOW:])[-1]))


def is_ascribed(before: str) -> bool:
    """Whether what follows a text is said by others in it, or called wrong: "some would pick", "wrong to choose"."""
    return bool(_ASCRIPTION.search(_CLAUSE.split(before[-WINDOW:])[-1]))


def starts_with_denial(after: str) -> bool:
    """Whether a text goes on by denying what it goes on from: "is wrong", "can't be", "? No"."""
    return bool(_DENIED_AFTER.match(after) or _DENIED_QUESTION.match(after))


def _is_denied_question(before: str, after: str) -> bool:
    """Whether an answer stands within a question that gets a no."""
    return bool(_QUESTION_GOES_ON.match(after) and _QUESTION.match(GAP.split(before)[-1]))


def _names_alternative(after: str, compare: Compare) -> bool:
    """Whether a text goes on with `or` and another value, or with `or more`."""
    conjunction = _OR_AFTER.match(after)
    if not conjunction:
        return False
    rest = after[conjunction.end() : conjunction.end() + 200]
    same = compare(rest)
    return same is False or (same is None and bool(_OR_MORE.match(rest)))


def _last_word(text: str) -> str:
    return re.split(r"[\s$(]+", text.strip(" $)*_"))[-1]


def is_unsure(text: str) -> bool:
    """Whether a text says that its writer does not know, or will not answer."""
    return bool(_UNSURE.search(text) or _REFUSES.search(text))


def is_refusal(text: str) -> bool:
    """Whether a text declines to answer."""
    return bool(_REFUSES.search(text))


def is_hedged(answer: str) -> bool:
    """Whether an answer names alternatives, or denies, instead of naming one."""
    return bool(HEDGE.search(answer))


def is_hedged_before(sentence: str) -> bool:
    """Whether what stands before a number in its sentence names alternatives, or denies it in its own clause."""
    return bool(_NAMES_SEVERAL.search(sentence) or _DENIAL.search(_CLAUSE.split(sentence)[-1]))
