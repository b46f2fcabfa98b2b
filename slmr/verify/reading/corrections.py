"""Corrections behind an answer: an erratum, a recount, a failed check, each of which may come to another value."""

from __future__ import annotations

import re

from slmr.verify.reading.denial import Compare, ends_in_denial
from slmr.verify.reading.sentences import WINDOW, any_of, pattern

_MAX_PHRASES = 20
_VALUE = r"([$\\(*-]*[\d\\][^\s,;]{0,60})"
_OBJECT = r"(?:us |me |it )?(?:(?:a|an|the|our|this|that) (?:[a-z]+ ){1,3}?(?:of |to be |equal to )?)?"
# What gives a value: "is 16", "yields 16", "which makes the volume 16".
_GIVES = pattern(
    r"(?:\b(?:it|that)'s|\b(?:is|are|be|been|equals?|we get|i get|i meant?|yes|still|again|so"
    r"|ist|sind|est|es|son|becom(?:es?|ing)|(?:com|work)(?:es|s|ing|e) (?:out )?(?:to|at)|amount(?:s|ing)? to"
    r"|turn(?:s|ing)? into|end(?:s|ing)? up (?:with|at|being))\b"
    r"|\b(?:gives?|giving|makes?|making|yield(?:s|ing)?|produc(?:es?|ing)|leav(?:es|ing)|lead(?:s|ing)? to"
    rf"|result(?:s|ing)? in)\b(?:\s+{_OBJECT}(?=[$\\(*-]*[\d\\]))?"
    r"|\bbring(?:s|ing)? (?:it|(?:the|our|this) (?:\w+ ){1,3}?)(?: ?(?:up|down))? ?to\b|[\d)}]\s*=|≈|[是为])"
    r"[,:]?\s*(?:(?:actually|really|just|simply|exactly|then|now|option|only|about|again|also|still|instead|indeed)"
    r"\s+)?"
)
# "48 should read 54", "replace 48 by 54", "for 48 read 54": what was said, and what is to be said.
_REPLACEMENT = pattern(
    rf"(?<![^\s(*$]){_VALUE}\s+(?:should|ought to|must|has to|is to|needs to) (?:instead )?"
    rf"(?:read|have been|say|be)(?: as| read| replaced (?:by|with)| (?:changed|corrected) to)?:?\s+{_VALUE}"
    rf"|(?:^\W*|[:,(]\s*|\bplease )(?:replace|change|correct|amend)\s+(?:the (?:\w+ )?)?{_VALUE}\s+"
    rf"(?:by|with|to|into)\s+{_VALUE}"
    rf"|\bfor\s+{_VALUE},?\s+read\s+{_VALUE}"
)
_READ_FOR = pattern(rf"\bread\s+{_VALUE}\s+(?:for|instead of|in place of)\s+{_VALUE}")
# Looked for first, since to look for a word is fast.
_REPLACES = (
    "read",
    "replac",
    "chang",
    "correct",
    "amend",
    "should",
    "ought",
    "must",
    "has to",
    "is to",
    "needs to",
)
_FAILURES = ("fail", "break", "hold", "work", "fit", "satisf", "true", "false", "violat")
_IS_RIGHT = r"(?:is|was|are|were|has it) (?:indeed |actually |of course |clearly )?"
# "64, and that one is right": a check also says "20, which is correct", so the rest has to point at a rival.
_PREFERENCE = pattern(
    rf"(?<![^\s(*$]){_VALUE}(?:,?\s+(?:and|which|but)|[;.])\s+(?:(?:that|this)(?: one)?\s+|it\s+)?"
    rf"(?:{_IS_RIGHT}the (?:right|correct) (?:one|answer|value|number|result|count|figure)"
    rf"|(?<=one )(?:{_IS_RIGHT})(?:right|correct))\b(?!,? (?:if|when|only|for|in)\b)"
)
_SOURCE = (
    r"(?:(?:answer )?keys?|(?:text)?books?|solutions?|notes|manual|back|teacher|professor|calculator|computer"
    r"|program|website|sheet)"
)
_SOURCE_IS_RIGHT = pattern(
    rf"\b{_SOURCE}\b[^.;!?\n]{{0,60}}?(?<![^\s(*$]){_VALUE},?\s+(?:and|which)\s+"
    rf"(?:(?:(?:that|this|it)\s+|(?:the|my|that|this) (?:[a-z]+ ){{0,2}}?{_SOURCE}\s+)?{_IS_RIGHT})"
    r"(?:right|correct)\b(?!,? (?:if|when|only|for|in)\b)"
)
_THINGS = r"(?:this|that|it|which|(?:this|that|the|my|our) (?:answer|value|result|number|solution|count|choice))"
# "This fails for n = 4": alone it may tell why no smaller one is the answer.
_FAILS = pattern(
    rf"(?:^|[,:]\s*|\bbut\s+)\W*(?:(?:but|however|yet|wait|hmm+|no|oh|oops|unfortunately|actually),? )*{_THINGS} "
    r"(?:(?:clearly|also|however|then|only|still) )?"
    r"(?:fails?|breaks? down|(?:does not|doesn't|cannot|can't) (?:hold|work|fit|satisfy)"
    r"|is (?:not true|false|violated))"
    r" (?:for|at|when|if|already|as soon as)\b"
)
# "The least such number is 20": what takes the place of an answer that failed.
_TRUE_ONE = pattern(
    r"^\W*(?:(?:so|thus|hence|therefore|then|instead|in fact|and),? )?(?:the|our|its) (?:\w+ )?"
    + any_of(
        "smallest",
        "least",
        "largest",
        "greatest",
        "lowest",
        "highest",
        "minimum",
        "maximum",
        "minimal",
        "maximal",
        "true",
        "correct",
        "right",
        "actual",
        "real",
        "proper",
        "answer",
        "result",
        "count",
    )
    + r"\b(?: (?!of\b|is\b)\w+){0,4} (?:is|becomes|must be|should be|equals|would be)\s+(?:then |instead |thus "
    + rf"|therefore )?{_VALUE}(?: \w+){{0,2}}[\s.!$*]*$"
)
_CLAUSE = re.compile(r"[,:]\s+(?=(?:so|thus|hence|and)\b)|:\s+")
# A count that is done anew comes to its last value.
_RECOUNT = pattern(
    r"^\W*(?:(?:but|so|and|now|then|well|oh|hmm+|wait|after|upon|by|when),? )*"
    + any_of(
        r"re-?(?:count|comput|calculat|add|do|draw|solv|work|deriv)(?:ing)",
        r"(?:count|add|comput|calculat|work|do|sum)\w*ing (?:it |them |this |that |everything )?(?:all |out |up )?"
        r"(?:once more|again|anew|more carefully|properly|correctly)",
        "errat(?:um|a)",
        "corrigend(?:um|a)",
        r"(?:on|upon) (?:recount|a recount|re-?(?:examination|calculation))",
    )
    + r"\b"
)
_ALONE = pattern(rf"(?::|\b(?:find|found|obtain|got|count)\b)\s*(?:it is |it's )?{_VALUE}(?: \w+){{0,2}}[\s.!$*]*$")
_END = pattern(
    r"(?:\b(?:to|is|are|be|gives?|giving|yields?|makes?|making|get|again|still|indeed|same)|[=:])\s*"
    rf"{_VALUE}(?: \w+){{0,2}}[\s.!$*]*$"
)


def compare_conclusion(sentence: str, compare: Compare) -> bool | None:
    """Whether the last value that a sentence gives as what something is, is the answer; `it cannot be 27` denies 27."""
    last = None
    for phrase in list(_GIVES.finditer(sentence))[-_MAX_PHRASES:]:
        same = compare(sentence[phrase.end() : phrase.end() + WINDOW])
        if same is not None and ends_in_denial(sentence[: phrase.end()]):
            same = False if same else None
        last = last if same is None else same
    return last


def compare_correction(sentence: str, following: str, compare: Compare) -> bool | None:
    """Whether a sentence that corrects an answer comes to the same value or to another one; None if it does not."""
    lower = sentence.lower()
    if any(word in lower for word in _REPLACES) and _is_replaced(sentence, compare):
        return False
    if any(word in lower for word in _FAILURES) and _fails_for_another(sentence, following, compare):
        return False
    if "right" in (text := f"{lower} {following.lower()}") or "correct" in text:
        for preference in (_PREFERENCE.search(f"{sentence} {following}"), _SOURCE_IS_RIGHT.search(sentence)):
            if preference and (same := compare(preference[1])) is not None:
                return same
    if not _RECOUNT.match(sentence):
        return None
    end = _END.search(sentence)
    if end and compare(end[1]) is True and not ends_in_denial(sentence[: end.start(1)]):
        return True
    alone = _ALONE.search(sentence)
    return compare(alone[1]) if alone else compare_conclusion(sentence, compare)


def _is_replaced(sentence: str, compare: Compare) -> bool:
    """Whether an erratum puts another value in the place of the answer."""
    pairs = [[value for value in match.groups() if value] for match in _REPLACEMENT.finditer(sentence)]
    pairs += [[match[2], match[1]] for match in _READ_FOR.finditer(sentence)]
    return any(compare(old) is True and compare(new) is False for old, new in pairs[:_MAX_PHRASES])


def _fails_for_another(sentence: str, following: str, compare: Compare) -> bool:
    """Whether an answer fails a check, and what stands behind that gives the one that does not."""
    fails = _FAILS.search(sentence)
    if not fails:
        return False
    for clause in (*_CLAUSE.split(sentence[fails.end() :])[1:], following):
        true_one = _TRUE_ONE.match(clause)
        if true_one and compare(true_one[1]) is False:
            return True
    return False
