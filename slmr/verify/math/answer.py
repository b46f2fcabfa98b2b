r"""Finds the math answer of a completion: the last `\boxed{}`, else what it states that the answer is."""

from __future__ import annotations

import re

from slmr.verify.algebra.values import number_of
from slmr.verify.math import equality as mathexpr
from slmr.verify.math.spelling import normalise
from slmr.verify.math.units import several_units_at_end, without_plain_unit
from slmr.verify.math.words import clock_at_end
from slmr.verify.numeric import answer as numeric
from slmr.verify.numeric.answer import requested_answer
from slmr.verify.numeric.named_number import one_number
from slmr.verify.numeric.number import parse as parse_number
from slmr.verify.reading.boxes import find_boxes, value_with_factor, without_box
from slmr.verify.reading.completion import non_blank_lines
from slmr.verify.reading.denial import ends_in_denial, is_hedged_before, is_unsure, starts_with_denial
from slmr.verify.reading.framing import is_framed
from slmr.verify.reading.non_answers import is_unanswered
from slmr.verify.reading.quantity import parse_words
from slmr.verify.reading.statements import statements
from slmr.verify.verdict import Answer

_TAIL = 4_000
_SHORT = 200  # characters; a longer gold is a solution, not an answer
_DOLLARS = re.compile(r"\$\$(.+?)\$\$|(?<!\\)\$([^$\n]+?)(?<!\\)\$|\\\[(.+?)\\\]|\\\(([^\n]+?)\\\)", re.DOTALL)
_NOT_TAIL = re.compile(r"(?:,|,? and)\s+not\b.*$|\s+(?:rather than|instead of)\b.*$", re.DOTALL)
_BECAUSE = re.compile(
    r",?\s+(?:because|since|as|so|which|when|where|by)\b.*$"
    rf"|{_NOT_TAIL.pattern}|\s+\((?=[A-Za-z ]{{3}})[^()]*\)$",
    re.DOTALL,
)
# "attained at x = 2", "i.e. 0.375": where or as what else the value in front is found.
_WHERE_TAIL = re.compile(
    r",?\s+\(?(?:attained|achieved|reached|occurring|i\.e\.|with equality|at \$?\(?[a-zA-Z]\b(?! )"
    r"|when \$?\(?[a-zA-Z]\s?=)"
    r"[^\n]*$"
)
# What a sentence says that something is.
_GIVES = re.compile(r"[^\n]*\b(?:is|are|was|be|equals?(?: to)?|get|obtain|have)\s+:?\s*(\S[^\n]{0,80}?)[\s.]*$")
# "The solutions are x = 1 and x = 2", "Roots: 1 and 2": all of them are the answer.
_SOLUTIONS = re.compile(
    r"[^\n]*\b(?:solutions|roots|zeros|zeroes|answers|values)\b(?:\s*:|[^\n.:=\d]{0,60}?\s(?:are|were|be):?)\s+(\S[^\n]{0,80}?)[\s.]*$",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r",\s+(?:and\s+|or\s+)?|\s+(?:and|or)\s+")
_ASSIGNMENT = re.compile(r"^[a-z](?:_\w)?\s*=\s*")
_NEXT_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_FORMULA = re.compile(
    r"(?!-?[\d.,]+\s?(?!pi|to \d)[A-Za-z])[^A-Za-z]*(?:(?:pi|sqrt|[A-Za-z](?![A-Za-z])|(?<=\d )to(?= \d))[^A-Za-z]*)*"
)
_NAME = re.compile(r"(?:an? |the )?\*{0,2}((?!(?:Correct|Valid|Verified|Done)\b)[A-Z][a-z]{2,20})\*{0,2}")
_ONE_WORD = re.compile(r"(?:an? |the )?[A-Za-z]{2,20}|no (?:real )?solutions?")
_DANGLING = re.compile(r"^[\d.,\s]+[-+*/=]$")
_CONCLUDES = re.compile(r"(?:therefore|thus|hence|so|consequently|finally)\b", re.IGNORECASE)
_FAREWELL = re.compile(r"i hope\b", re.IGNORECASE)
_PROSE = re.compile(r"[Aa]nswer[ ]?[:=]|[A-Za-z]{3,}[ ][A-Za-z]{2,}[ ][^{}]{0,200}\d")
_TEXT = re.compile(r"^\\text\w{0,6}\s*\{([^{}]*)\}$")
_WORDS = re.compile(r"[A-Za-z]{3,} [A-Za-z]{2,}|[\u0600-\u06ff\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
_SO_NAME = re.compile(
    r"(?:(?:(?:so|hence|thus|therefore|then|and)\b|よって|したがって|ゆえに|따라서|그러므로|所以|因此|故)[,，、]?\s*)*`?(?:[a-zA-Z]\w{0,2}\s*=\s*)?([^`=]{1,60})`?$",
    re.IGNORECASE,
)
# "$\\frac34$, or 75%": the same value in another form
_AGAIN = re.compile(
    r",?\s*(?:or|i\.e\.,?|that is,?|which (?:is|equals)|or equivalently|equivalently|=|≈)"
    r"\s+\$?([-\d.,/]*\d\s?\\?%?)\$?[\s.]*$"
)
_QUOTE_MARK = re.compile(r"^(?:>\s)+")  # a block quote's mark
# Signs of joy behind an answer, with the markup in front of them; not the crosses, which say no.
_EMOJI_AT_END = re.compile(
    r"[\s*_]*(?:[\u2600-\u2715\u2719-\u274b\u274d-\u27bf\U0001f300-\U0001faff]\ufe0f?\s*)+[*_]*$"
)
_CONJUNCTION = re.compile(r"\s*(?:,|,?\s*and|,?\s*or)\s*")


def extract(text: str) -> Answer | None:
    """The answer of a completion; None where there is none."""
    boxes = [box for box in find_boxes(text) if box.content]
    for rank, (content, start, end) in enumerate(reversed(boxes), start=1):
        if rank == len(boxes) or not ends_in_denial(text[:start]):
            inner = _TEXT.sub(r"\1", without_box(content)) if _PROSE.search(content) else without_box(content)
            value = value_with_factor(text[:start], inner, text[end:])
            answer = value or (_answer_in_sentence(inner) if _PROSE.search(inner) else None) or inner
            return Answer(answer, value is None, text[:start], text[end:])
    for statement in statements(text):
        if content := _answer_within(statement.text):
            tail = statement.text.partition(content)[2]
            return Answer(content, False, text[: statement.start], tail + text[statement.end :])
    if answer := requested_answer(text):
        return answer
    lines = non_blank_lines(text[-_TAIL:])
    if not lines or is_unsure(lines[-1]) or is_unanswered(lines[-1]):
        return None
    tail = _WHERE_TAIL.sub("", text[-_TAIL:].strip())
    content = _name(lines[-1]) or _closing_math(tail) or _answer_without_markup(lines)
    return Answer(content, False) if content else None


def gold_answer(gold: str) -> str:
    """The answer that a gold text holds: its boxes, what a solution says that the answer is, else all of it."""
    boxes = [content for content, _, _ in find_boxes(gold) if content]
    if boxes:
        return without_box(boxes[-1])
    plain = gold.strip()
    line = re.match(
        r"(?:####|(?:[Tt]he )?(?:[Ff]inal |[Cc]orrect )?[Aa]nswer\s*(?::|is\b))\s*([^\n]+)$", plain
    ) or re.search(r"\n####\s*([^\n]+)$", plain)
    if line:
        return _answer_within(line[1]) or line[1].strip()
    statement = (
        next(statements(gold), None)
        if len(gold) > _SHORT or re.match(r"(?:the|final) answer\b", plain, re.IGNORECASE)
        else None
    )
    return (_answer_within(statement.text) if statement else None) or plain


_LEADING = re.compile(
    r"[\s*_:]*(?:\$\$(.+?)\$\$|\$([^$\n]+?)\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|\\(?:textbf|mathbf|text)\{([^{}]*)\})",
    re.DOTALL,
)
_LEADING_BARE = re.compile(
    r"[\s*_:]*((?:-?[\d\\(])[^\s,;:!?*]*[^\s,;:!?.*])(?![^\s,;:!?.*]|,\\!|\s*[-+]?\s*\\(?![)\]]))"
)

# A bare formula, where nothing but the end of the sentence follows: `\sqrt{5}.`, `4\pi`, `x+2`, `5`; not `x-axis`.
_ALONE = re.compile(
    r"[\s*_:]*(-?(?:\d|\\[a-z]+|[a-zA-Z](?=[-+*/^]))(?:\\[a-zA-Z]+|(?<![a-zA-Z])[a-zA-Z](?![a-zA-Z])"
    r"|[^\sa-zA-Z\\,;:!?$.]|\.(?=\d))*)[\s*_]*(?:[.,;!](?=\s|$)|$)"
)


def compare_start(text: str, gold: str) -> bool | None:
    """Whether a text begins with this formula, or with another one; None where it begins with none."""
    formula = _LEADING.match(text[:_SHORT])
    if formula:
        content = next(group for group in formula.groups() if group)
        return mathexpr.decide(content, gold) if re.search(r"[\d\\]", content) else None
    number = number_of(normalise(gold))
    same = None if number is None else numeric.compare_start(text, number)
    if same is not None:
        return same
    bare = _LEADING_BARE.match(text[:_SHORT])
    if bare and mathexpr.is_number(bare[1]):
        return mathexpr.decide(bare[1], gold)
    alone = _ALONE.match(text[:_SHORT])
    return mathexpr.decide(alone[1], gold) if alone and mathexpr.is_readable(alone[1]) else None


def _segments(text: str) -> list[tuple[str, int, int]]:
    """The formulas of a text, and where each begins and ends with its dollars."""
    return [(next(g for g in m.groups() if g).strip(), *m.span()) for m in _DOLLARS.finditer(text)]


def _join_formulas(text: str, segments: list[tuple[str, int, int]]) -> str:
    """The last formula of a text, with those before it that `and`, `or` or a comma joins to it."""
    answer, start = segments[-1][0], segments[-1][1]
    for content, begin, end in reversed(segments[:-1]):
        if not _CONJUNCTION.fullmatch(text[end:start]):
            break
        if mathexpr.decide(content, answer) is not True:
            answer = f"{content}, {answer}"
        start = begin
    return answer


def _answer_in_sentence(text: str) -> str | None:
    """The answer in a sentence in a box: what it says that the answer is, else what it holds."""
    statement = next(statements(text), None)
    return _answer_within(statement.text if statement else text)


def _answer_within(text: str) -> str | None:
    """The answer in what follows "the answer is": its formula, or the text without its explanation."""
    text = _EMOJI_AT_END.sub("", text)
    text = text.strip().rstrip("$").strip() if text.count("$") == 1 and text.rstrip().endswith("$") else text
    if text.endswith("}") and text.count("}") > text.count("{"):
        text = text[:-1].rstrip('" \n')  # the end of {"answer": "..."}
    if mathexpr.is_number(text):
        return text
    if text[:1].isalpha() and (value := parse_words(text)) is not None:
        return str(value)
    text = _WHERE_TAIL.sub("", _NOT_TAIL.sub("", text))
    segments = _segments(text)
    if any(_DANGLING.search(content) for content, _, _ in segments):
        return one_number(text)  # dollars of money
    if segments and text.strip() != text[segments[-1][1] : segments[-1][2]]:
        after = text[segments[-1][2] :]
        number = one_number(after.rsplit(" is ", 1)[-1]) if " is " in after else None
        return number or _join_formulas(text, segments)
    plain = _BECAUSE.sub("", text).strip()
    if mathexpr.is_number(plain) or not _WORDS.search(plain):
        return plain
    return one_number(plain.rsplit(" is ", 1)[-1]) or plain


def _closing_math(text: str) -> str | None:
    """The formula that the last sentence holds, if no plain number stands behind it."""
    segments = _segments(text)
    if not segments:
        return None
    content, start, end = segments[-1]
    if _WORDS.search(re.sub(r"\\[a-z]+\s*\{[^{}]*\}|\\[a-z]+", "", content)):
        return None  # dollars of money
    after = text[end:]
    again = _AGAIN.match(after)
    if again and mathexpr.decide(again[1], content) is True:
        after = ""
    if (
        ends_in_denial(text[:start])
        or starts_with_denial(after)
        or len(after) > 200
        or re.search(r"\d", after)
        or "\n\n" in after.strip()
    ):
        return None
    if start == 0 and re.match(r"\s*(?:%|\\%|percent|pct)", after):
        return content + "\\%"
    if text[:start].strip().lower() in ("odd", "even", "all"):
        return text
    return _join_formulas(text, segments)


def _answer_without_markup(lines: list[str]) -> str | None:
    """A text that is only an answer, else the last equation's right side, else the last number."""
    last = _QUOTE_MARK.sub("", lines[-1]).strip('*_` "“”')
    plain = _BECAUSE.sub("", last)
    if mathexpr.is_number(plain):
        return plain
    conclusion = _SO_NAME.match(last.rstrip(". "))
    if conclusion and mathexpr.is_number(conclusion[1]):
        return conclusion[1]
    if formula := _formula_given(last):
        return formula
    several = clock_at_end(last) or several_units_at_end(last)
    if several and not is_hedged_before(last[: several[1]]) and not is_framed(last[: several[1]]):
        return several[0]
    prose = re.search(
        r"[A-Za-z]{3,}[^A-Za-z\\]+[a-z]{2,}|\b(?:I|[A-Za-z]{2,}) [a-z]{2,} \d"
        r"|[\u0600-\u06ff\u4e00-\u9fff]",
        re.sub(r"\\[a-z]+", "", last),
    )
    if len(lines) == 1 and len(last) <= 2_000 and not prose:
        return last
    if "\\" in last.replace("\\$", ""):
        return _conclusion(last)
    answer = numeric.extract("\n".join(lines[-3:]))
    is_denied = answer and (ends_in_denial(answer.before) or is_framed(answer.before, answer.after))
    return answer.text if answer and not is_denied else None


def _value_given(sentence: str) -> str | None:
    """What a sentence says that something is; None where it hedges or only supposes so."""
    match = _GIVES.match(sentence)
    if not match or is_hedged_before(sentence[: match.start(1)]) or is_framed(sentence[: match.start(1)]):
        return None
    return match[1]


def _name(line: str) -> str | None:
    """The name that the last sentence gives, whatever numbers stand in it: "100 days later it is a **Friday**"."""
    value = _value_given(_NEXT_SENTENCE.split(line)[-1])
    name = _NAME.fullmatch(value.rstrip(". !")) if value else None
    return name[1] if name and not starts_with_denial(f"is {name[1].lower()}") else None


def _formula_given(line: str) -> str | None:
    """The formula that the last sentence gives, `The area is 9π`; the one word, where no number stands beside it."""
    sentence = _WHERE_TAIL.sub("", _NEXT_SENTENCE.split(line)[-1])
    if solutions := _solutions(sentence):
        return solutions
    value = _value_given(sentence)
    if value is None:
        return None
    bare = value if parse_number(value) is not None else without_plain_unit(value)  # "9π square units"
    if _FORMULA.fullmatch(re.sub(r"\\[a-zA-Z]+", "", bare)) and re.search(r"[\dπ∞∅\\]", bare):
        return bare if re.search(r"[%\\]", bare) or parse_number(bare) is None else None
    word = _ONE_WORD.fullmatch(value) and not starts_with_denial(f"is {value}")
    return re.sub(r"^(?:an?|the) ", "", value) if word and not re.search(r"\d", line) else None


def _solutions(sentence: str) -> str | None:
    """The solutions that a sentence lists, as a list; None where it lists none, or denies them."""
    match = _SOLUTIONS.match(sentence)
    if not match or ends_in_denial(sentence[: match.start(1)]) or is_framed(sentence[: match.start(1)]):
        return None
    values = _BETWEEN.split(match[1])
    if len(values) < 2 or not all(mathexpr.is_number(_ASSIGNMENT.sub("", value)) for value in values):
        return None
    return ", ".join(values)


def _conclusion(text: str) -> str | None:
    """The one number in the last sentence of a solution, if that sentence draws the conclusion."""
    sentences = [s for s in re.split(r"(?<=[.!?$])\s+(?=[A-Z])", text) if not _FAREWELL.match(s)]
    if not sentences or not _CONCLUDES.match(sentences[-1]):
        return None
    return one_number(sentences[-1])
