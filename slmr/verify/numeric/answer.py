"""The numeric checker: finds the number that a completion answers with, and compares it exactly, without tolerance."""

from __future__ import annotations

import re
from fractions import Fraction

from slmr.verify.numeric.closing_sentence import closing_answer
from slmr.verify.numeric.forms import ends_with_blank_form, is_bare_number, without_quoted_forms
from slmr.verify.numeric.named_number import (
    is_changed_behind,
    is_code,
    is_denominator,
    is_supposition,
    named_number,
)
from slmr.verify.numeric.number import parse, with_plain_fractions
from slmr.verify.numeric.parentheses import blank_parentheses, equivalent_numbers, extend_to_parenthesis
from slmr.verify.numeric.totals import is_superseded
from slmr.verify.reading.boxes import find_boxes, value_with_factor
from slmr.verify.reading.completion import fold_characters
from slmr.verify.reading.denial import ends_in_denial, is_hedged, is_hedged_before, is_unsure, starts_with_denial
from slmr.verify.reading.framing import is_conceded
from slmr.verify.reading.non_answers import is_operand_or_item, is_unanswered
from slmr.verify.reading.plausibility import is_repetitive
from slmr.verify.reading.quantity import (
    CHINESE,
    WORDS,
    Quantity,
    parse_words,
    quantities,
    quantity_at,
    words_with_fraction,
)
from slmr.verify.reading.sentences import GAP
from slmr.verify.reading.statements import announces_result, corrected_statement, statements
from slmr.verify.verdict import Answer

_TAIL, _MAX_REQUESTED, _MAX_REPEATS = 4_000, 50, 9
_REQUESTED = re.compile(r"####[ \t]*:?[ \t]*([^\n]*)")
_NEXT_LINE = re.compile(r"\s*([^\n]{1,100})")
_LABEL = re.compile(
    r"[\s*#]*(?:step|part|case|solution|explanation|calculat\w*|method|option|problem|question)\b",
    re.IGNORECASE,
)
_NOT_TAIL = re.compile(
    r"(?:(?:,|,? and|,? but)\s+not|\s(?:instead of|rather than))\s+\$?-?\d[\d.,]*%?(?:\s?[a-z/]{1,12})?[\s.!]*$",
    re.IGNORECASE,
)
# "The total is given as 24": a number of the problem, and no result.
_GIVEN = re.compile(r"(?:already )?(?:given|known|stated|told)\b", re.IGNORECASE)
_FALSE = re.compile(r"\b(?:wrong|incorrect|false) (?:answer|result|value)s? (?:is|are|was|were|:)", re.IGNORECASE)
_OPERATION = re.compile(r"\d\s*[-+*/×÷=^]\s*\d")  # "(6 × 7)" may come to another number than the one in front of it
_UNFINISHED = re.compile(r"(?:[+/×÷^=]|\s-)(?:\s*\?)?$")  # "3 + 4 ="


def extract(text: str) -> Answer | None:
    """The answer: `#### n` at the end, else a box, else "the answer is n", else the last number."""
    if "####" in text:
        text = without_quoted_forms(text)
        if ends_with_blank_form(text):
            return requested_answer(text) or _in_box(text) or _stated_answer(text)
    return requested_answer(text) or _in_box(text) or _stated_answer(text) or _last_number(text)


def requested_answer(text: str) -> Answer | None:
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
        instead = corrected_statement(after)
        if instead and parse(instead.text) is not None:
            return Answer(instead.text, False, text[: end + instead.start], after[instead.end :])
        plain = line if _OPERATION.search(line) else blank_parentheses(line)
        number, rest = (None, "") if line.endswith("!!") else named_number(plain.rstrip("! "))
        return Answer(number or line, False, text[: match.start()], rest + after)
    return None


def _in_box(text: str) -> Answer | None:
    """The answer in the last box that is not empty."""
    for content, start, end in reversed(find_boxes(text)):
        if content.strip():
            value = value_with_factor(text[:start], content, text[end:])
            number, rest = (value, "") if value else named_number(content)
            return Answer(number or content, False, text[:start], rest + text[end:])
    return None


def _stated_answer(text: str) -> Answer | None:
    """The answer of the last statement that names a number, "the answer is 12"."""
    for statement in statements(text):
        if is_supposition(statement.text) or is_conceded(text[: statement.start], statement.text):
            continue
        number, rest = named_number(statement.text.rstrip("!"))
        if announces_result(text, statement.start) and (
            _GIVEN.match(statement.text) or is_superseded(parse(number or statement.text), text[statement.end :])
        ):
            continue
        if number or re.search(r"\d", statement.text):
            after = rest + text[statement.end :]
            return Answer(number or statement.text, False, text[: statement.start], after)
    return None


def _last_number(text: str) -> Answer | None:
    """The number that the last sentence with numbers answers with; None where it hedges, denies or only asks."""
    text = with_plain_fractions(text)
    tail = text[-_TAIL:]
    whole = tail.strip().rstrip("!")
    if "=" not in whole and parse(whole) is not None:
        return Answer(whole, False)
    if (
        is_unanswered(whole)
        or is_repetitive(tail[-300:])
        or _UNFINISHED.search(whole)
        or is_code(tail.strip().rsplit("\n", 1)[-1])
    ):
        return None
    plain = blank_parentheses(tail)
    numbers = quantities(_NOT_TAIL.sub("", plain)) or quantities(tail)
    if not numbers:
        return _last_number_in_words(tail)
    last = extend_to_parenthesis(tail, closing_answer(plain, numbers[-1]))
    sentence = GAP.split(tail[: last.start])[-1]
    behind = _NOT_TAIL.sub("", GAP.split(tail[last.end :])[0])
    if (
        is_hedged_before(sentence)
        or re.search(r"(?<![=<>-])[<>≤≥]\s*$", sentence)
        or is_denominator(sentence, behind)
        or _FALSE.search(sentence)
        or is_changed_behind(behind)
        or is_operand_or_item(sentence, behind)
        or _is_denied_earlier(tail, numbers, last.start - len(sentence))
        or is_hedged(behind[:40])
        or is_unsure(tail[-200:])
        or re.match(r"[-+]\s*$|\s*[-+*/×÷^=<>]\s*[\dx?(]", behind)
    ):
        return None
    return Answer(tail[last.start : last.end], False, text[: len(text) - len(tail) + last.start], tail[last.end :])


def _is_denied_earlier(tail: str, numbers: list[Quantity], start: int) -> bool:
    """Whether the sentence that starts here denies its last number before: "It can't be 33, since 33 is odd"."""
    same = (n for n in numbers[-_MAX_REPEATS:-1] if n.start >= start and n.value == numbers[-1].value)
    return any(ends_in_denial(tail[: n.start]) or starts_with_denial(tail[n.end :]) for n in same)


def _last_number_in_words(tail: str) -> Answer | None:
    """A number in words in the last sentence, where it is the only one."""
    if any(c.isdecimal() for c in tail[-300:]):
        return None
    sentence = next((s for s in reversed(GAP.split(tail.strip())) if s.strip()), "")
    words = [m for m in WORDS.finditer(sentence) if m[0].lower() not in ("one", "a hundred")]
    if len(words) == 1 and not is_hedged(sentence) and not is_unsure(tail[-200:]):
        word = words_with_fraction(sentence, *words[0].span())
        return Answer(word, False) if word and not is_changed_behind(sentence[words[0].end() :]) else None
    numerals = CHINESE.findall(tail)
    return Answer(numerals[-1], False) if numerals and not is_hedged(tail[-60:]) else None


def matches(answer: str, gold: Fraction) -> bool:
    """Whether the answer is the gold number."""
    return parse(answer) == gold or gold in equivalent_numbers(answer)


_LEAD = re.compile(r"[\s$*_`(\[\\:]*(?:(?:text|textbf|mathbf|boxed)\{)?(?:[a-zA-Z]\s*=\s*)?[\s$]*")
# A formula that goes on behind a number: `10,\!080`, `70 \sqrt{2}`.
_GOES_ON = re.compile(r"\\(?![)\]])|[\^_{]|,\\!|\s\\(?:[dt]?frac|sqrt|pi)(?![a-z])")
_OPERATOR = re.compile(r"\s*(?:[-+*/×÷·]|\\times|\\cdot)\s*[\d(\\$]")


def compare_start(text: str, value: Fraction) -> bool | None:
    """Whether a text begins with this number, or with another one; None where it begins with none."""
    lead = _LEAD.match(text)
    start = lead.end() if lead else 0
    number = quantity_at(text, start)
    if number is None:
        word = WORDS.match(text, start)
        return None if not word or word[0].lower() == "one" else parse_words(word[0]) == value
    if _GOES_ON.match(text, number.end):
        return None
    if not _OPERATOR.match(text, number.end) and not re.match(r"\s*=\s*\d", text[number.end :]):
        return number.value == value
    sentence = re.split(r"(?<=[\d)])[.!?;,](?:\s|$)|\n", text, maxsplit=1)[0]
    last = quantity_at(sentence, sentence.rfind("=") + 1 + (sentence[sentence.rfind("=") + 1 :][:1] == " "))
    return None if last is None or "=" not in sentence else last.value == value


_GOLD_MARKS = re.compile(r"####|\\boxed|\banswer\b|[:：=]|\$", re.IGNORECASE)


def parse_gold(text: str) -> Fraction | None:
    """The number of a gold answer: alone, in a box, behind `####` or behind "the answer is"."""
    value = parse(text) if not WORDS.fullmatch(text.strip()) else None
    if value is not None or not _GOLD_MARKS.search(text):
        return value
    plain = fold_characters(text)
    answer = requested_answer(plain) or _in_box(plain) or next(statements(plain, with_results=False), None)
    return parse(answer.text) if answer else None
