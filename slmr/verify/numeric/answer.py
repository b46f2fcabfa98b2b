"""The numeric checker: exact comparison of one number, as a fraction; no tolerance."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise

from slmr.verify.numeric.asides import restated, with_aside, without_asides
from slmr.verify.numeric.closing import answering, in_context
from slmr.verify.numeric.forms import ends_with_blank_form, is_bare_number, without_quoted_forms
from slmr.verify.numeric.totals import overtaken
from slmr.verify.numeric.working import computed, without_working
from slmr.verify.reading import quantity
from slmr.verify.reading.boxes import boxed, factored, unboxed
from slmr.verify.reading.completion import fold
from slmr.verify.reading.cues import corrected, is_weak, statements
from slmr.verify.reading.denial import denied_before, denied_behind, hedged, hedged_before, unsure
from slmr.verify.reading.framing import conceded
from slmr.verify.reading.plausible import repeats
from slmr.verify.reading.quantity import CHINESE, MAX_DIGITS, NAMED_UNIT, TIMES, WORDS, quantities
from slmr.verify.reading.sentences import GAP
from slmr.verify.reading.unanswered import is_part, unanswered
from slmr.verify.verdict import Answer

_TAIL, _MAX_STATEMENT, _MAX_REQUESTED, _MAX_REPEATS = 4_000, 600, 50, 9
_REQUESTED = re.compile(r"####[ \t]*:?[ \t]*([^\n]*)")
_IN_DOLLARS = re.compile(r"^\$+([^$]*)\$+$|\$+$")
_FORMULA = re.compile(r"\$([^$\n]*\\[^$\n]*)\$")  # within a sentence: "$\\frac{3}{4}$ of a cup"
_BOTTOM = re.compile(r"\}\s?\{\s?$")  # of a fraction whose top is a formula
_NEXT_LINE = re.compile(r"\s*([^\n]{1,100})")
_LABEL = re.compile(
    r"[\s*#]*(?:step|part|case|solution|explanation|calculat\w*|method|option|problem|question)\b",
    re.IGNORECASE,
)
_FRAC = re.compile(r"\\[dtc]?frac\s*(?:\{\s*(-?)(\d+)\s*\}|(\d))\s*(?:\{\s*(\d+)\s*\}|(\d))", re.ASCII)
_FRAC_ALONE = re.compile(rf"(?<![/×÷*^])(?<![/×÷*^] ){_FRAC.pattern}", re.ASCII)  # and no factor
_LATEX = [
    (re.compile(r"\{,\}|\\,(?=\d{3}(?!\d))|,\\!"), ","),
    (re.compile(r"\\(?:text|mathrm|mbox|textbf|mathbf|boldsymbol|textit)\s*\{([^{}]*)\}"), r" \1 "),
    (re.compile(r"\\times|\\cdot"), "×"),
    (re.compile(r"\^\s*\{?\\circ\}?|\\degree"), "°"),
    (re.compile(r"\\[,;:! ]|~|\\q?quad"), " "),
    (re.compile(r"\\left|\\right|\\displaystyle|\\[()\[\]]"), ""),
    (re.compile(r"\\([$%#])"), r"\1"),
    (re.compile(r"\*\*|__|`"), ""),
]
_EDGES = " \t\n*_`\"'“”"
_GLUED, _KNOWN_UNIT = re.compile(r"[A-Za-z]"), re.compile(NAMED_UNIT)
_CHANGES = re.compile(
    rf"\b(?:or|not|minus|plus|{TIMES}|squared|cubed|factorial|half|maybe|perhaps|possibly|base|mod|over|divided"
    r"|percent of|to|than|between|square root|oder|ou|hundred|thousand|million|below"
    r"|is|was|isn't|if|but|except|pi|wrong|incorrect|false|at most|at least)\b|或|不|[π√]",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"\b(?:not|n't|never|neither|nor|cannot|between|either|maybe|perhaps|possibly|nicht|pas)\b|n't|不",
    re.IGNORECASE,
)
# "30, no wait, 45"
_TURNED = re.compile(r",?\s+(?:no|wait|actually|sorry|or rather|i mean|make that)\b[^\d\n]*\d", re.IGNORECASE)
_NOT_TAIL = re.compile(
    r"(?:(?:,|,? and|,? but)\s+not|\s(?:instead of|rather than))\s+\$?-?\d[\d.,]*%?(?:\s?[a-z/]{1,12})?[\s.!]*$",
    re.IGNORECASE,
)
# "30 if all of them came, but one did not": of a statement; `framing` has what follows "it would be 30".
_SUPPOSED_ONLY = re.compile(r"\b(?:if|unless|without)\b[^.!?\n]*\bbut\b", re.IGNORECASE)
# "The total is given as 24": a number of the problem, and no result.
_GIVEN = re.compile(r"(?:already )?(?:given|known|stated|told)\b", re.IGNORECASE)
_MARGIN = re.compile(r"[\s$]*(?:±|\+/-|\\pm(?![a-z]))")
_BUT = re.compile(r",?\s*(?:but|though|yet) (?:that|this|it)\b", re.IGNORECASE)
_FALSE = re.compile(r"\b(?:wrong|incorrect|false) (?:answer|result|value)s? (?:is|are|was|were|:)", re.IGNORECASE)
_BOUND = re.compile(
    r"[\s*$:]*[±≤≥]"
    r"|[\s*$({]*[a-z]\w{0,2}\s*(?:[<>≤≥≠]|!=|\\(?:[gl]eq?|[gl]t|neq?)(?![a-z]))"
    r"|[\s*$:]*\\(?:pm|geq?|leq?|gt|lt)\b|[\s*$:]*[<>]=?\s*\\?\$?\d|[\s*$:]*(?:at (?:least|most)"
    r"|no (?:more|less|fewer) than|under|over|up to)\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"\blambda\b[^.\n]*:|\bdef \w+\(|\b(?:exec|eval|print|int|system)\s*\(|\)\(\)|__[a-z]+__")
# "There are 7 days, so 217": the number is what it comes to.
_CONCLUDES = re.compile(
    r"[,;]?\s*(?:and )?(?:so|hence|thus|therefore),? (?:(?:the answer|it|that) is |it's |we get |there are )?([^}]+)",
)
_NEXT_STEP = re.compile(r"[,;]\s+(?:(?:and|then|so)\s+)?")
_UNFINISHED = re.compile(r"(?:[+/×÷^=]|\s-)(?:\s*\?)?$")  # "3 + 4 ="
_ASIDE = re.compile(r"\s*\((?:not|and not|rather than|instead of)\b[^()]*\)$", re.IGNORECASE)
_MODIFIES = re.compile(
    r"!|-\s*$|\s*(?:\+|\*|/|×|÷|\^|=)\s*$|\s*(?:degrees?|°[CF]?)?\s*below\b"
    rf"|\s*(?:at (?:most|least)|squared|cubed|factorial|plus|minus|{TIMES}|base|mod"
    r"|divided by|or)\b"
    r"|\s*[-+*/×÷^]\s*\d|\*\*\d|\s*(?:[π√]|pi\b)|\s*\+\s*[a-z]|\s*[-*×÷^]\s*\(?(?-i:[b-zA-HJ-Z]|a(?=\s*$))(?![\w'])"
    rf"|\s*(?:less|more|fewer|greater) than \$?(?:\d[\d.,]*|{WORDS.pattern})\W*$"
    rf"|\s*(?:to|through|until|and|-)\s*(?:{WORDS.pattern})",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"\s*(?:%|percent\b|°[CF]?)?\s*(?:/\s?(?=[A-Za-z]))?(?:[^\W\d_][^\d=+*<>|\\]{0,80}"
    r"|[€$£¥₹¢°]\s?[CF]?)?\s*(?:\([^()\d=]{0,60}\))?[\s.,;:?…*_)\]]*"
)
_BECAUSE = re.compile(
    r"(?:,|\s[-—(])?\s*\b(?:because|since|as|which|when|where|given|so|after|weil|da|car"
    r"|porque)\b.*$|,\s+(?:and )?not\b.*$|\s+(?:rather than|instead of|and not)\b.*$|,\s+(?!(?:or|and|oder|ou"
    r"|maybe|perhaps|possibly|not)\b)(?:[a-z]|I\b).*$",
    re.DOTALL,
)


def parse(text: str) -> Fraction | None:
    """The one number that a text is, as an exact fraction; None if it is anything else.

    Thousands separators, a currency sign, a per cent sign and a unit behind the number are dropped. Words of scale
    count (`5 million`), words that change the value (`5 or 6`, `5 squared`) make it no number.
    """
    simple = quantity.simple(text)
    if simple is not None or len(text) > 2 * MAX_DIGITS:
        return simple
    plain = _clean(text)
    if _BOUND.match(plain):
        return None
    if "=" in plain:
        return _of_equation(plain)
    found = quantity.quantity(plain)
    if found is None:
        return quantity.of_words(plain)
    rest = _ASIDE.sub("", plain[found.end :])
    rest = without_working(rest, found.value)
    if _GLUED.match(rest) and not _KNOWN_UNIT.match(rest):
        return None
    return found.value if _BEHIND.fullmatch(rest) and not _CHANGES.search(rest) else None


def _of_equation(plain: str) -> Fraction | None:
    """The last side of `36 + 36 = 72`, if no other side is another number."""
    start = quantity.quantity(plain)
    if start and not without_working(plain[start.end :], start.value).strip():
        return start.value  # "1450 (= 2000 - 550)"
    if _contradicts_itself(plain):
        return None
    first, last = plain.split("=", 1)[0].strip(), plain.rsplit("=", 1)[-1].strip()
    value = parse(last)
    return parse(first) if value is None and computed(last) is not None else value


def _contradicts_itself(text: str) -> bool:
    """Whether two sides of an equation are different numbers: `41 = 42`."""
    sides = [side.strip() for side in text.split("=")]
    values = [parse(side) if parse(side) is not None else computed(side) for side in sides if side]
    return len({value for value in values if value is not None}) > 1


def _fraction(match: re.Match[str]) -> str:
    return f" {match[1] or ''}{match[2] or match[3]}/{match[4] or match[5]}"


def _clean(text: str) -> str:
    """A statement without markup, LaTeX wrappers and brackets around all of it."""
    plain = unboxed(_IN_DOLLARS.sub(r"\1", fold(text).strip().strip(_EDGES)).strip())
    plain = _FORMULA.sub(r"\1", plain)
    plain = _FRAC.sub(lambda match: f"{_fraction(match)} ", plain)
    for pattern, spelling in _LATEX:
        plain = pattern.sub(spelling, plain)
    plain = re.sub(r"-\s+(?=\d+/\d+\s*$)", "-", plain).strip(_EDGES).rstrip(".,;:…").strip()
    if len(plain) > 1 and (plain[0] + plain[-1]) in ("[]", "{}", "()"):
        plain = plain[1:-1]
    plain = re.sub(r"(?<![\d}])[{}]|(?<=\d)\}(?!\d)(?![^{]*\{)$", "", plain)
    return plain.lstrip("=≈: ").strip(_EDGES).strip()


def extract(text: str) -> Answer | None:
    """The answer: `#### n` at the end, else a box, else "the answer is n", else the last number."""
    if "####" in text:
        text = without_quoted_forms(text)
        if ends_with_blank_form(text):
            return requested(text) or _in_box(text) or _stated(text)
    return requested(text) or _in_box(text) or _stated(text) or _last_number(text)


def requested(text: str) -> Answer | None:
    """The answer on the last `####` line that holds one, or on the line below it."""
    for match in reversed(list(_REQUESTED.finditer(text))[-_MAX_REQUESTED:]):
        line, end = match[1].strip(), match.end()
        if not line and (below := _NEXT_LINE.match(text, end)):
            line, end = below[1].strip(), below.end()
            if parse(line) is None:
                continue
        if _LABEL.match(line) or (not re.search(r"\d", line) and parse(line) is None):
            continue
        after = text[end:]
        if not after.strip(" \t\r\n.") and is_bare_number(line) and end == match.end():
            return Answer(line, True, text[: match.start()], after)
        instead = corrected(after)
        if instead and parse(instead.text) is not None:
            return Answer(instead.text, False, text[: end + instead.start], after[instead.end :])
        number, rest = (None, "") if line.endswith("!!") else _named(line.rstrip("!"))
        return Answer(number or line, False, text[: match.start()], rest + after)
    return None


def _in_box(text: str) -> Answer | None:
    for content, start, end in reversed(boxed(text)):
        if content.strip():
            value = factored(text[:start], content, text[end:])
            number, rest = (value, "") if value else _named(content)
            return Answer(number or content, False, text[:start], rest + text[end:])
    return None


def _stated(text: str) -> Answer | None:
    for statement in statements(text):
        if _SUPPOSED_ONLY.search(statement.text) or conceded(text[: statement.start], statement.text):
            continue
        number, rest = _named(statement.text.rstrip("!"))
        if is_weak(text, statement.start) and (
            _GIVEN.match(statement.text) or overtaken(parse(number or statement.text), text[statement.end :])
        ):
            continue
        if number or re.search(r"\d", statement.text):
            after = rest + text[statement.end :]
            return Answer(number or statement.text, False, text[: statement.start], after)
    return None


def one_number(text: str) -> str | None:
    """The number in a stated answer such as "12 apples in all"; None if it names several or denies."""
    return _named(text)[0]


def _named(text: str) -> tuple[str | None, str]:
    """The number that a stated answer names, and what it goes on with, which may take the number back."""
    if parse(text) is not None:
        return text, _behind_number(text)
    if len(text) > _MAX_STATEMENT or _BOUND.match(text) or _CODE.search(text) or repeats(text):
        return None, ""
    step = _last_step(text)
    if step or _contradicts_itself(text):
        return step, ""
    for statement in statements(text):
        if parse(statement.text) is not None and not hedged(text[: statement.start]):
            return statement.text, _behind_number(statement.text)
    return (None, "") if _SUPPOSED_ONLY.search(text) else _in_sentence(text)


def _behind_number(text: str) -> str:
    last_side = text.rsplit("=", 1)[-1]
    found = quantities(last_side)
    return last_side[found[0].end :] if found else ""


def _in_sentence(text: str) -> tuple[str | None, str]:
    """The one number of a sentence that does more than name it, and what stands behind it."""
    plain = _BECAUSE.sub("", text)
    rest = text[len(plain) :]
    if _TURNED.match(rest) or (_BUT.match(rest) and denied_behind(rest)):
        return None, ""
    if hedged(plain):
        found = quantities(plain)  # "7 or equivalently 14/2"
        same = len(found) > 1 and len({t.value for t in found}) == 1 and not _DENIES.search(plain)
        return (plain[found[0].start : found[0].end] if same else None), ""
    for part in (plain, text.rsplit("=", 1)[-1]):
        if parse(part) is not None:
            return part, _behind_number(part) + (rest if part is plain else "")
        found = quantities(part[:_TAIL])
        if found and len({t.value for t in found}) == 1:
            concluded = _CONCLUDES.match(rest)
            if concluded and parse(concluded[1]) is not None:
                return concluded[1], ""
            before, behind = part[: found[0].start], part[found[-1].end :]
            if denied_before(before) or _is_bottom(before, behind) or _changed_behind(behind):
                continue
            if _MARGIN.match(part, found[0].end):
                continue
            return part[found[0].start : found[0].end], part[found[-1].end :] + (rest if part is plain else "")
    number = None if _CONCLUDES.match(rest) else in_context(plain, announced=True)
    return (plain[number.start : number.end], plain[number.end :] + rest) if number else (None, "")


def _last_step(text: str) -> str | None:
    """The result of sums that go on from each other: 17 of `3 × 4 = 12, 12 + 5 = 17`."""
    steps = [step.split("=") for step in _NEXT_STEP.split(text)]
    if len(steps) < 2 or any(len(step) != 2 for step in steps):
        return None
    values = [computed(left) for left, _ in steps]
    if None in values or any(parse(right) != value for (_, right), value in zip(steps, values, strict=True)):
        return None
    goes_on = all(right.strip() in left for (_, right), (left, _) in pairwise(steps))
    return steps[-1][1].strip() if goes_on else None


def _is_bottom(before: str, behind: str) -> bool:
    """Whether a number is what the top of a fraction, a formula, is divided by: `\\frac{x}{4}`."""
    return bool(_BOTTOM.search(before)) and behind.lstrip().startswith("}")


def _changed_behind(rest: str) -> bool:
    """Whether what follows a number makes it another one, or denies it."""
    return bool(_MODIFIES.match(rest)) or denied_behind(rest)


def _last_number(text: str) -> Answer | None:
    text = _FRAC_ALONE.sub(_fraction, text)
    tail = text[-_TAIL:]
    whole = tail.strip().rstrip("!")
    if "=" not in whole and parse(whole) is not None:
        return Answer(whole, False)
    if (
        unanswered(whole)
        or repeats(tail[-300:])
        or _UNFINISHED.search(whole)
        or _CODE.search(tail.strip().rsplit("\n", 1)[-1])
    ):
        return None
    plain = without_asides(tail)
    found = quantities(_NOT_TAIL.sub("", plain)) or quantities(tail)
    if not found:
        return _last_words(tail)
    last = with_aside(tail, answering(plain, found[-1]))
    sentence = GAP.split(tail[: last.start])[-1]
    behind = _NOT_TAIL.sub("", GAP.split(tail[last.end :])[0])
    if (
        hedged_before(sentence)
        or re.search(r"(?<![=<>-])[<>≤≥]\s*$", sentence)
        or _is_bottom(sentence, behind)
        or _FALSE.search(sentence)
        or _changed_behind(behind)
        or is_part(sentence, behind)
        or _denied_earlier(tail, found, last.start - len(sentence))
        or hedged(behind[:40])
        or unsure(tail[-200:])
        or re.match(r"[-+]\s*$|\s*[-+*/×÷^=<>]\s*[\dx?(]", behind)
    ):
        return None
    return Answer(tail[last.start : last.end], False, text[: len(text) - len(tail) + last.start], tail[last.end :])


def _denied_earlier(tail: str, found: list[quantity.Quantity], start: int) -> bool:
    """Whether the sentence of the last number has denied it before: "It can't be 33, since 33 is odd"."""
    same = (t for t in found[-_MAX_REPEATS:-1] if t.start >= start and t.value == found[-1].value)
    return any(denied_before(tail[: t.start]) or denied_behind(tail[t.end :]) for t in same)


def _last_words(tail: str) -> Answer | None:
    """A number in words in the last sentence, where it is the only one."""
    if any(c.isdecimal() for c in tail[-300:]):
        return None
    sentence = [s for s in GAP.split(tail.strip()) if s.strip()][-1:] or [""]
    found = [m for m in WORDS.finditer(sentence[0]) if m[0].lower() not in ("one", "a hundred")]
    if len(found) == 1 and not hedged(sentence[0]) and not unsure(tail[-200:]):
        word = quantity.with_part(sentence[0], *found[0].span())
        return Answer(word, False) if word and not _changed_behind(sentence[0][found[0].end() :]) else None
    numerals = CHINESE.findall(tail)
    return Answer(numerals[-1], False) if numerals and not hedged(tail[-60:]) else None


def matches(answer: str, gold: Fraction) -> bool:
    """Whether the answer is the gold number."""
    return parse(answer) == gold or gold in restated(answer)


_LEAD = re.compile(r"[\s$*_`(\[\\:]*(?:(?:text|textbf|mathbf|boxed)\{)?(?:[a-zA-Z]\s*=\s*)?[\s$]*")
# A formula that goes on behind a number: `10,\!080`, `70 \sqrt{2}`.
_GOES_ON = re.compile(r"\\(?![)\]])|[\^_{]|,\\!|\s\\(?:[dt]?frac|sqrt|pi)(?![a-z])")
_OPERATOR = re.compile(r"\s*(?:[-+*/×÷·]|\\times|\\cdot)\s*[\d(\\$]")


def stated(text: str, value: Fraction) -> bool | None:
    """Whether a text begins with this number, or with another one; None where it begins with none."""
    lead = _LEAD.match(text)
    start = lead.end() if lead else 0
    found = quantity.quantity(text, start)
    if found is None:
        word = WORDS.match(text, start)
        return None if not word or word[0].lower() == "one" else quantity.in_words(word[0]) == value
    if _GOES_ON.match(text, found.end):
        return None
    if not _OPERATOR.match(text, found.end) and not re.match(r"\s*=\s*\d", text[found.end :]):
        return found.value == value
    sentence = re.split(r"(?<=[\d)])[.!?;,](?:\s|$)|\n", text, maxsplit=1)[0]
    last = quantity.quantity(sentence, sentence.rfind("=") + 1 + (sentence[sentence.rfind("=") + 1 :][:1] == " "))
    return None if last is None or "=" not in sentence else last.value == value


_GOLD_CUES = re.compile(r"####|\\boxed|\banswer\b|[:：=]|\$", re.IGNORECASE)


def parse_gold(text: str) -> Fraction | None:
    """The number of a gold answer: alone, in a box, behind `####` or behind "the answer is"."""
    value = parse(text) if not WORDS.fullmatch(text.strip()) else None
    if value is not None or not _GOLD_CUES.search(text):
        return value
    plain = fold(text)
    answer = (
        requested(plain) or _in_box(plain) or next((Answer(s.text, False) for s in statements(plain, weak=False)), None)
    )
    return parse(answer.text) if answer else None
