"""Which number a closing sentence answers with: 72 of "So Natalia sold 72 clips in 2 months", where 2 is context.

From the answer on, such a sentence is a noun and then nothing but phrases of context: a time ("in 2 months"), what it
is for or from ("for 3 tickets"), a whole that is known ("of the 30 students"), a purpose behind a need ("to buy the
$100 wallet"). In front of the answer stands a verb. A sentence of any other build is left to its last number, and so is
one that may answer with its context: what somebody can buy "for 6 dollars", what is finished "in 20 minutes".
"""

from __future__ import annotations

import re
from fractions import Fraction

from slmr.verify.reading.quantity import Quantity, quantities
from slmr.verify.reading.sentences import GAP, any_of

_MAX_CHARS, _MAX_NUMBERS = 240, 6
# A sentence is read with `#` for each number and `¤` for each sum of money.
_ANY = "[#¤]"
_IS_MONEY = re.compile(r"\s?(?:[€£¥₹¢]|dollars?|cents?|euros?|bucks)(?![a-z])", re.IGNORECASE)

_KNOWN = any_of(
    "(?:(?:all|both|each|any|every one|most|some) of )?(?:the|these|those|his|her|its|their|my|our|your)",
    "all (?:the|these|those|his|her|its|their|my|our|your)",
    "all",
    r"(?!(?:there|it|that|s?he|what|who|let)')[a-z]+'s",
)
_TIME = "(?:second|minute|hour|day|night|week|weekend|weekday|month|quarter|year|decade|shift|session|min|hr)s?"
_PREPOSITION = any_of(
    "in",
    "for",
    "over",
    "after",
    "within",
    "during",
    "throughout",
    "per",
    "by",
    "from",
    "with",
    "at",
    "on",
    "of",
    "to",
    "into",
    "across",
    "out of",
    "through",
    "every",
    "than",
    "before",
    "until",
    "among",
    "between",
    "about",
    "against",
)
_VERB = any_of(
    "is|are|was|were|be|been|has|have|had|will|would|can|could|must|should|does|do|did",
    r"\w+'(?:ll|ve)",
    "(?:there|it|that|s?he)'s",
    "(?:need|require|earn|walk|travel|collect|answer|work|want|plant|gain|burn|watch|last)(?:s|es|ed|ing)?",
    "(?:us|bak|produc|receiv|sav|solv|rais|scor|ow|donat|practic|consum|charg|hik|bik)(?:es?|ed|ing)",
    "takes?|took|costs?|sells?|sold|selling|makes?|made|making|spends?|spent|gets?|got|gives?|gave|pays?|paid|buys?"
    "|bought|eats?|ate|drinks?|drank|reads?|runs?|ran|drives?|drove|grows?|grew|writes?|wrote|swims?|swam|picks?|picked"
    "|loses?|lost|wins?|won|leaves?|left|leaving|keeps?|kept|catch(?:es)?|caught|sees?|saw|feeds?|fed",
)
# What begins another phrase or clause, and so is no part of what is counted.
_BREAK = any_of(
    _PREPOSITION,
    "and|or|but|that|which|who|whose|whom|if|when|while|because|since|as|so|where|then|not|no|less|fewer",
    "is|are|was|were|be|will|would|can|could|must|should|has|have|had|does|do|did|takes?|took|costs?|makes?|gets?|gives?",
    "he|she|it|they|we|you|i|the|an?",
)
_WORD = rf"(?:(?!{_BREAK}\b)[a-z][a-z'’-]*)"
_NOUN = rf"(?: {_WORD}){{1,3}}"
_CLAUSE_WORDS = r" (?!(?:and|or|but|if|so|that|which|who)\b)[a-z][a-z'’-]*"  # any words of the same clause
_GERUND = r"(?!adding|subtracting|increas|decreas|reduc|multiply|divid)[a-z]+ing"

_INFINITIVE = rf"to (?!(?:{_KNOWN}|an?)\b)[a-z]+(?:{_CLAUSE_WORDS}){{0,6}}"
_PURPOSE, _KNOWN_PURPOSE = (
    f"{_INFINITIVE}{known} {_ANY}(?:-[a-z]+)?(?:{_CLAUSE_WORDS}){{0,5}}" for known in ("", f" {_KNOWN}")
)
# A phrase of context, up to the next one or the end.
_PHRASE = any_of(
    rf"(?:in|over|within|during|throughout|for|after|per|every|each|across) (?:{_KNOWN} )?"
    rf"(?:(?:next|last|first|past|full|whole) )?#(?: full| whole| more)? {_TIME}",
    rf"(?:in|for|from|after|across|out of|on) #(?: more)?{_NOUN}",
    rf"(?:in|for|from|on|with|to|of|out of|at|among|between|across|during|over) {_KNOWN} {_ANY}(?:-[a-z]+)?{_NOUN}",
    rf"(?:with|(?:from|of|out of|with) {_KNOWN}) ¤(?:{_NOUN})?",
    rf"(?:by|after|from|for) {_GERUND}(?:{_CLAUSE_WORDS}){{0,4}} {_ANY}(?:{_CLAUSE_WORDS}){{0,5}}",
    _KNOWN_PURPOSE,
    # without a number
    r"(?:(?:in|for|per|on|at|by|from|of|with|during|around|across|through|throughout|into|over)"
    rf"(?: (?:{_KNOWN}|an?|each|every|one))?|to (?:{_KNOWN}|an?|each)){_NOUN}",
    rf"(?:each|every|an?) {_WORD}",
)
# Context only of a sum of money, of a time, and of what is needed: else it may be what is asked for.
_PRICE = rf"(?:for|at) (?:a (?:price|cost|rate) of )?¤(?: (?:each|apiece|(?:per|an?|each) {_WORD}))?"
_SPEED = (
    r"at (?:an? (?:\w+ )?(?:speed|pace|rate) of )?"
    r"# ?(?:mph|km/h|kph|(?:miles|kilometers|meters|words|pages) (?:per|an|a) (?:hour|minute|second|day))"
)
_NEEDS = re.compile(r"\b(?:needs?|needed|requires?|required|must|(?:have|has|had) to|should)\b")
# "It takes 3 trips to move 27 boxes" may answer with either number, "to move all 27 boxes" only with the trips.
_TAKES = re.compile(r"\b(?:takes?|took|lasts?|costs?)\b")
_PASSIVE = (
    " (?:(?:are|were|was|is|will be|have been|has been|had been) (?:(?!asked|supposed)[a-z]+ed"
    "|made|sold|eaten|given|left|spent|bought|written|won|lost|driven|grown|sent|built|paid|read|taken|caught)"
    "|remain(?:s|ed)?|will remain)"
)
_END = r"[\s.!]*$"
# "24 of the 30 students passed": the rest may say anything of them.
_OF_A_WHOLE = re.compile(
    rf"%?(?: {_WORD}){{0,2}} (?:(?:out )?of {_KNOWN} #{_NOUN}(?:{_CLAUSE_WORDS}){{0,8}}"
    rf"|out of #{_NOUN}(?:{_CLAUSE_WORDS}){{1,8}}){_END}"
)

_CLAUSE = re.compile(r"[,;:]| (?:so|and|but|that|which|who|while|then|therefore|thus|hence)(?= |$)")
_HAS_VERB = re.compile(rf"\b{_VERB}\b")
_IS_CONTEXT = re.compile(
    rf"\b(?:{_PREPOSITION}|{_KNOWN}|an?)(?: (?:next|last|first|past|about|other|remaining|just|only))?\s*$"
)
# "A total of 72", "is left with 72", "costs her 72": no context either way.
_IS_OBJECT = re.compile(
    r"\b(?:(?:total|sum|average|mean|maximum|minimum|amount|profit|loss|score|distance|balance|cost|change|savings) of"
    r"|(?:equal|amounts?|comes?|adds up|equivalent) to|(?:left|ends? up|ended up|remains?) with"
    r"|(?:takes?|took|costs?|gives?|gave|leaves?|left|earns?|earned|pays?|paid|saves?|saved|owes?|owed) her)\s*$"
)
# "5 feet 3 inches in 2 years": one measure in two units.
_TWO_UNITS = re.compile(
    rf"{_ANY} (?:{_TIME}|feet|foot|yards?|meters?|miles?|pounds?|kg|kilograms?|gallons?|quarts?|liters?),?\s*$"
)
# Equations, conditions, denials, ratios, and what is done to two numbers say by themselves which one is meant.
_LEFT_ALONE = re.compile(
    r"[\d=+*/×÷<>≤≥^?\\(){}\[\]|:]|\s[-–—]\s|n't\b|[#¤] [#¤]"
    r"|\b(?:if|unless|when|because|since|suppose|whether|although|though|while|not|never|no|nor|or|than|rather"
    r"|instead|but|between|ratio|percentage)\b"
    rf"|\bfrom [#¤]\S* to\b|\b(?:in|out of) #{_END}|#%?(?: out of #(?!(?: [a-z]+){{2}})| in # (?!{_TIME}))"
)
# What is done within a time, or with so many: then the time, or how many, may be what is asked for.
_MAY_ASK = re.compile(
    r"\b(?:reach|finish|complet|fill|cover|achiev|pack|fit|put|plac|arrang|divid|split|shar|distribut|cut|doubl|meet"
    r"|convert|increas|decreas|reduc|drop|ris|chang|arriv|exchang|trad|swap|replac|round|subtract|remov|add|multipl|carr"
    r"|transport|mov|load|deliver|ship|stor|hold|seat|group)(?:e|es|ed|ing|s|y|ies|ied|d|n)?\b"
)
# All of a sentence up to what its last equation comes to.
_RESULT = re.compile(r".*=(?=[\s*$\\(\[]*\d)", re.DOTALL)


def closing_answer(text: str, last: Quantity) -> Quantity:
    """The number that the sentence of a text's last number answers with: that one, unless it is plainly context.

    What an equation comes to, "8 * 5 = 40 pages in 5 days", is as good as announced.
    """
    start = last.start - len(GAP.split(text[: last.start])[-1])
    sentence = text[start : last.end] + GAP.split(text[last.end :])[0]
    result = _RESULT.match(sentence)
    start += result.end() if result else 0
    number = number_before_context(
        sentence[result.end() if result else 0 :],
        is_announced=bool(result),
        last_result=_last_result(text[:start]),
    )
    return number._replace(start=start + number.start, end=start + number.end) if number else last


def _last_result(before: str) -> Fraction | None:
    """What the last equation of a text comes to; None where it has none."""
    _, equals, right = before[-_MAX_CHARS:].rpartition("=")
    values = quantities(right) if equals else []
    return values[0].value if values else None


def number_before_context(
    sentence: str, is_announced: bool = False, last_result: Fraction | None = None
) -> Quantity | None:
    """The number of a sentence behind which all others are context; None where there is none, or it is not plain.

    What follows "the answer is" (`is_announced`) needs no verb, nor does the number that the last equation in front of
    the sentence comes to (`last_result`): "180 / 60 = 3. It takes her 3 minutes to type 180 words."
    """
    numbers = quantities(sentence) if len(sentence) <= _MAX_CHARS else []
    if not 2 <= len(numbers) <= _MAX_NUMBERS:
        return None
    masked = _mask(sentence, numbers)
    if _LEFT_ALONE.search(masked):
        return None
    places = [match.start() for match in re.finditer(_ANY, masked)]
    for number, place in reversed(list(zip(numbers, places, strict=True))[:-1]):
        head, tail = masked[:place], masked[place + 1 :]
        if _IS_OBJECT.search(head) or not _IS_CONTEXT.search(head):
            needs_verb = not is_announced and number.value != last_result
            return number if _is_answer(head, masked[place], tail, needs_verb) else None
    return None


def _mask(sentence: str, numbers: list[Quantity]) -> str:
    """A sentence in small letters without marks of emphasis, with a sign for each number."""
    parts, position = [], 0
    for number in numbers:
        money = _IS_MONEY.match(sentence, number.end)
        is_money = money or re.search(r"[$€£¥₹]", sentence[number.start : number.end])
        parts += [re.sub(_ANY, "|", sentence[position : number.start]), "¤" if is_money else "#"]
        position = money.end() if money else number.end
    rest = re.sub(_ANY, "|", sentence[position:])
    return re.sub(r"\s+", " ", re.sub(r"__|[`$*]|\\[()\[\]]", "", "".join([*parts, rest])).lower())


def _is_answer(head: str, number: str, tail: str, needs_verb: bool) -> bool:
    """Whether a number stands behind a verb, and nothing but its noun and context stand behind it."""
    if _OF_A_WHOLE.match(tail) and not re.search(_ANY, head):
        return True
    clause = _CLAUSE.split(head)[-1]
    if _TWO_UNITS.search(head) or re.search(rf"{_ANY}.* and$", head[: len(head) - len(clause)]):
        return False  # "24 of the 30 girls and 5 of the 12 boys"
    needs_verb = needs_verb or clause != head
    purposes = [_PURPOSE, _INFINITIVE] if not needs_verb or _NEEDS.search(clause) else []
    purposes += [_KNOWN_PURPOSE, _INFINITIVE] if _TAKES.search(clause) else []
    if _MAY_ASK.search(clause) or _MAY_ASK.search(tail):
        return bool(purposes) and _goes_on(purposes, tail)
    phrases = [_PHRASE, *purposes]
    phrases += [_PRICE] if number == "¤" else []
    phrases += [_SPEED] if re.match(rf" {_TIME}\b", tail) else []
    return _goes_on(phrases, tail, _PASSIVE if needs_verb and not _HAS_VERB.search(clause) else "")


def _goes_on(phrases: list[str], tail: str, verb: str = "") -> bool:
    """Whether behind a number stand its noun, a verb where one is wanted, and phrases of these kinds up to the end."""
    noun = rf"(?:%|[a-z]{{1,3}})?(?: {_WORD}){{{1 if verb else 0},4}}?"
    return bool(re.match(rf"{noun}{verb}(?: {any_of(*phrases)})+{_END}", tail))
