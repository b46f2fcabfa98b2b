"""The choice checker: one letter from A to J.

Letters are read by their roles in a statement: asserted ("so B", "B is correct"), denied ("not A", "A and C are
wrong"), or only named. Letters within an option's text ("B. Hepatitis C") do not count.
"""

from __future__ import annotations

import re

from slmr.verify.choice.roles import (
    DENIED_AFTER,
    LETTER,
    LETTER_LIST,
    ONE_LETTER,
    OPTION_WORD,
    is_letter,
    letter_of,
    roles_of,
    single_letter,
)
from slmr.verify.reading.boxes import find_boxes
from slmr.verify.reading.completion import fold_characters, non_blank_lines
from slmr.verify.reading.denial import is_unsure
from slmr.verify.reading.framing import is_framed
from slmr.verify.reading.statements import corrected_statement, statements
from slmr.verify.verdict import Answer

_HEAD, _LINES, _OPTIONS = 400, 3, 10
# A letter that words and another one follow in its line stands for itself: "Answer: B. No, Answer: D".
_REQUESTED = re.compile(
    r"(?:^|(?<=[\s*.]))(?:Answer|ANSWER)[ \t]*:[ \t]*"
    r"(\(?[A-J]\)?(?=[.;,][ \t]+(?:(?:[A-Za-z]{1,12}[,.]? ){1,2}(?:Answer|ANSWER|answer)[ \t]*:"
    r"|The (?:\w+ )?answer (?:is|was|should|must)\b))|[^\n]*)"
)
# "Corrected answer: E" stands for what was requested above it.
_CORRECTION = re.compile(
    r"^[ \t#*_]*(?:the )?(?:corrected|revised|updated|new|actual|amended)(?: final)? answer(?: is|[ \t*_]*:)"
    r"[ \t]*([^\n]*)",
    re.IGNORECASE | re.MULTILINE,
)
_STRICT = re.compile(r"\(?([A-J])\)?\.?")
_WRAP = re.compile(r"\\(?:text|textbf|mathrm|mathbf|textit|boxed|fbox|boldsymbol)\s*\{([^{}]*)\}")
# A formula of logic, whose letters are statements and no options.
_LOGIC = re.compile(
    r"\\(?:neg|lnot|sim|l?and|lor|wedge|vee|oplus|to|[lL]?(?:ong)?(?:left)?[rR]ight(?:left)?arrow|implies|iff|equiv"
    r"|forall|exists|vdash|models)(?![a-zA-Z])|[¬∧∨→⇒↔⇔∀∃]"
)
# A formula whose left side is one letter, `E=mc^2`: a quantity and no option.
_QUANTITY = re.compile(
    r"\s*[A-J]\s*=(?:\\[dt]?frac\{\d+\}\{\d+\}|\\[a-zA-Z]+|[^\da-zA-Z])*(?<![a-zA-Z])[a-z]{1,2}(?![a-zA-Z])"
)
# A formula with letters for quantities, `\\Phi = BA\\cos\\theta`: none of them is named as an option.
_FORMULA = re.compile(r"[\^_]|\\(?!text|math|bf|it|box|q?quad|left|right)[a-zA-Z]{2,}")
_LABELLED_OPTION = re.compile(rf"[\s*:：]*(?i:{OPTION_WORD})(?:\([A-Ja-j]\)|[A-J](?=\s*(?:[.):,]|$|\\q?quad)))")
# "C (50 %), A (50 %)": options by how likely they are.
_SHARE = rf"(?i:{OPTION_WORD}){ONE_LETTER}\s*[(:=-]*\s*(?:\d{{1,3}}(?:\.\d+)?\s*%|0?\.\d+)\)?"
_SHARES = re.compile(rf"\s*{_SHARE}(?:\s*(?:,|;|/|and|or)?\s*{_SHARE})+[\s.]*")
_MARKUP = re.compile(
    r"\*\*|__|[`$\"“”„«»✅☑✔👉]|\\[()\[\] ,;]|</?[A-Za-z]{2,12}>|'(?=[A-J](?:\b|'))"
    r"|(?<=\b[A-J])'(?![a-z])"
)
_LEAD = re.compile(rf"[\s*:：]*(?i:{OPTION_WORD})({ONE_LETTER})")
_OTHERS = re.compile(
    rf"[\s.,;:)(?!]*(?:(?:\b(?:or|and|and/or|maybe|perhaps|possibly|potentially|probably|else|alternatively|actually|rather|sorry|wait|hmm+|oh|no|oder"
    rf"|correction|i mean|make that|it's|it is|the answer is|und|ou|et|o|y)\b|[/&,;]|或|和|、)[\s:.…—-]*)+(?:maybe "
    rf"|perhaps |possibly |also |even )*(?i:{OPTION_WORD}){ONE_LETTER}"
    r"(?=\s*(?:[.,;:/&)!?、和或错不均都]|$|\n|\b(?:or|and|oder|und|ou|et|o|y|is|are|also|both)\b))",
    re.IGNORECASE,
)
# "vitamin D", "plan B": a name, and no option.
_NAME = re.compile(
    r"\b(?:vitamins?|hepatitis|influenza|type|group|plan|grade|team|class|section|figure|room|appendix|step|point"
    r"|exhibit|brand|phase|category|product|company|platform|gate|zone|(?:musical )?note|key of"
    r"|mrs?\.|ms\.|dr\.|prof\.)\s+[A-J]\b"
    # "30 °C", "a C in math", "the C student", "let C be", "John C. Smith"
    r"|°\s?[CF]\b|\ban?\s(?-i:[A-J])\b|\blet\s(?-i:[A-J])\s(?:be|denote)\b"
    r"|(?-i:\b[A-Z][a-z]+ [A-J]\. [A-Z][a-z])"
    r"|\bthe\s(?-i:[A-J])\s(?!option|choice|answer|statement|response|is\b|and\b|or\b)[a-z]{3,}",
    re.IGNORECASE,
)
_COPULA = re.compile(r"\s*(?:is|was|are|seems|looks)\b")
_GUESS = re.compile(r"(?:maybe|perhaps|possibly|it (?:might|could|may) be)\b", re.IGNORECASE)
_LOWER = re.compile(r"(?:[Oo]ption\s+)?[a-j]\)(?:\.?$|\s.*)")
_SMALL = re.compile(r"(?<![\w(])([a-j])(?:\)|(?=\W*$))")
_ONLY_LETTERS = re.compile(rf"[\s.,;:/&()?]*{ONE_LETTER}(?:[\s.,;:/&()?]*{ONE_LETTER})*[\s.,;:/&()?]*")
_TEXT_FOLLOWS = re.compile(
    r"\s*(?:$|[\n.:),;!。，、；：\])}>?]|[-—=](?![A-Za-z])|\(|不|因为|\b(?:because|since|as|rather|instead|over|is|was|are"
    r"|the|which|that|with|where|by|from|due|and therefore|and so|not|but|while|weil|da|car|porque)\b)"
)
# "C, but D is also correct", "C (D is possible too)", "C. But it may also be D."
_ALSO = re.compile(
    rf"[^\n]{{0,60}}?(?:(?<![A-Za-z])((?-i:{ONE_LETTER}))"
    r"\s*(?:(?:is|are|was|seems|would be|could be|might be|may be)\s+)?"
    r"(?:(?:also|equally|just as)\b(?!\s+(?:wrong|incorrect|false|out|ruled|eliminated|not|unlikely|too|invalid))"
    r"|(?:possible|plausible|right|correct|valid|acceptable|fine|true) (?:too|as well|also)\b)"
    r"|\b(?:may|might|could)(?: (?:also|well|just|equally|as))* be "
    rf"{OPTION_WORD}((?-i:{ONE_LETTER}))(?!\s+(?:if|only|when|were|but)\b))",
    re.IGNORECASE,
)
# "C. Hmm, no, that's wrong"
_TURNS = re.compile(r"[\s.;,!—-]*(?:hmm+|no|wait|actually|sorry|oops)\b", re.IGNORECASE)
# "B) rises, C) falls": another option that is named beside the first.
_SECOND_OPTION = re.compile(
    r"(?:(?!\b(?:because|since|as|while|whereas|not|unlike|rather|over|than)\b).)*?"
    r"[,;]\s+(?:and |or )?\(?([A-J])\)(?=\s+\w)"
)
_ECHO = re.compile(r"[\s*(•·+-]*([A-J])[.):\s]")


# The options themselves: `(A) none (B) one (C) two`.
_LABEL = re.compile(r"(?:^|(?<=[\s.;,]))(?:\(([A-J])\)|([A-J])[).:])(?=\s*(?!(?:and|or)\b)[^\s.,;)])")
_OPTIONS_ARE = re.compile(r"\W*((?:the )?(?:answer )?(?:options|choices)(?: are)?\W*)?", re.IGNORECASE)
# An option and what is said of it, one after the other: `A: incorrect`, `B is right because ...`.
_VERDICT = re.compile(
    r"(?:^|(?<=[\s.;]))\(?((?-i:[A-J]))\b[)\].:]*\s*(?:-\s*|is\s+|[:=]\s*|[^\n.]{1,80} -\s+)?"
    r"(yes|no|true|false|correct|incorrect|right|wrong|not correct|valid|invalid)\b"
    r"[^\n.;]*?(?=$|[\n.;]|\s\(?[A-J][).:])",
    re.IGNORECASE,
)
_MARKS = str.maketrans({**dict.fromkeys("✓✔✅☑", " correct;"), **dict.fromkeys("✗✘❌✖", " incorrect;")})
_RIGHT = re.compile(r"yes|true|correct|right|valid", re.IGNORECASE)
# "Out of A and C, ..."
_AMONG = re.compile(
    rf"(?:^|(?<=[.;!?] ))(?:out of|between|among|of|from)\s+{LETTER_LIST.pattern}\s*,\s*", re.IGNORECASE
)


def parse(text: str) -> str | None:
    """The one letter that a statement names as its answer; None if it names none or several."""
    plain = _plain(text)
    if _GUESS.match(plain):
        return None
    plain = _SMALL.sub(r"(\1)", plain) if _LOWER.fullmatch(plain) else plain  # `b)` is read as `(b)`
    if letter := _option_judged_right(text):
        return letter
    if _lists_options(plain) or _SHARES.fullmatch(plain):
        return None
    plain = _AMONG.sub("", plain)
    if quantity := _QUANTITY.match(plain):
        return single_letter(roles_of(plain[quantity.end() :]))
    lead = _LEAD.match(plain)
    if not lead or not is_letter(plain, lead.start(1), lead.end(1)):
        return single_letter(roles_of(plain))
    letter, rest = letter_of(lead[1]), plain[lead.end() :]
    others = _OTHERS.match(rest)
    names_others = others and ("、" in others[0] or not DENIED_AFTER.match(rest, others.end()))
    if names_others or (rest.strip() and _ONLY_LETTERS.fullmatch(rest)) or DENIED_AFTER.match(rest):
        return single_letter(roles_of(plain))
    if _TURNS.match(rest) and (other := single_letter(roles_of(rest))):
        return other
    also = _ALSO.match(rest)
    if also and letter_of(also[1] or also[2]) != letter:
        return None
    second = _SECOND_OPTION.match(rest)
    if second and letter_of(second[1]) != letter and not DENIED_AFTER.match(rest, second.end()):
        return None
    conclusion = _CONCLUSION.search(rest)
    if conclusion and letter_of(conclusion[1]) != letter and not DENIED_AFTER.match(rest, conclusion.end()):
        return single_letter(roles_of(rest))
    if _COPULA.match(rest):
        roles = roles_of(plain)
        return single_letter(roles) if roles.asserted or roles.denied else letter
    return letter if _TEXT_FOLLOWS.match(rest) or lead[1][0] in "([{<" else single_letter(roles_of(plain))


def _option_judged_right(text: str) -> str | None:
    """The one option that is judged right where all are judged one by one: `A) No. B) Yes.`"""
    verdicts = _VERDICT.findall(_plain(text.translate(_MARKS)))
    right = [letter for letter, verdict in verdicts if _RIGHT.fullmatch(verdict)]
    in_order = [letter for letter, _ in verdicts] == list("ABCDEFGHIJ"[: len(verdicts)])
    return right[0] if len(verdicts) > 2 and in_order and len(right) == 1 else None


def _lists_options(plain: str) -> bool:
    """Whether a text repeats the options, one label after the other from A on, and judges none of them."""
    labels = list(_LABEL.finditer(plain))
    letters = "".join(label[1] or label[2] for label in labels)
    if len(letters) < 3 or letters != "ABCDEFGHIJ"[: len(letters)]:
        return False
    announced = _OPTIONS_ARE.fullmatch(plain[: labels[0].start()])
    return bool(announced and (announced[1] or not _VERDICT.search(plain)))


def _plain(text: str) -> str:
    plain = text.strip()[: 2 * _HEAD]
    for _ in range(3):
        plain = _WRAP.sub(r"\1", plain)
    return _MARKUP.sub("", plain).strip("*_ \t\n").strip()[:_HEAD]


_GOLD = re.compile(
    r"[\s*$#]*[(\[]?([A-J]|[a-j](?=\s*[).:]|\s*$))[)\]]?(?:[*$]*\s*$|\s*[.:)]|\s+-\s|\s*\n|\s+(?=[A-Z0-9\"'(]))"
)


def parse_gold(text: str) -> str | None:
    """The letter of a gold answer: alone, in front of the option's text, in a box, or behind `Answer:`."""
    plain = _plain(fold_characters(text))
    plain = re.sub(r"^(?:####\s*|(?:option|choice)\s+(?=\(?[A-J]\b))", "", plain, flags=re.IGNORECASE)
    match = _GOLD.match(plain)
    if match:
        return match[1].upper()
    statement = next(statements(text, with_results=False), None)
    match = _GOLD.match(_plain(statement.text)) if statement else None
    return match[1].upper() if match else None


def extract(text: str) -> Answer | None:
    """The answer: `Answer: B`, else a box, else "the answer is B", else what the last lines assert."""
    lines = [*_REQUESTED.finditer(text), *_CORRECTION.finditer(text)]
    for line in sorted(lines, key=re.Match.end, reverse=True):
        content = line[1].strip()
        if not LETTER_LIST.search(content) and not _LOWER.fullmatch(content):
            continue
        after = text[line.end() :]
        instead = corrected_statement(after)
        if instead and parse(instead.text):
            return Answer(instead.text, False, text[: line.end() + instead.start], after[instead.end :])
        is_bare_letter = line.re is _REQUESTED and bool(_STRICT.fullmatch(content))
        if not is_bare_letter and parse(content) is None and next(statements(after, with_results=False), None):
            continue
        strict = is_bare_letter and not after.strip(" \t\r\n.")
        return Answer(content, strict, text[: line.start()], after)
    for content, start, end in reversed(find_boxes(text)):
        if _QUANTITY.match(content) or _is_formula(_plain(content)):
            text = text[:start] + text[end:]
        elif LETTER_LIST.search(content) and not _LOGIC.search(content):
            return Answer(content, False, text[:start], text[end:])
    if _SHARES.fullmatch(text.strip()[-_HEAD:]):
        return None
    for statement in statements(text):
        if LETTER_LIST.search(plain := _plain(statement.text)) or _LOWER.fullmatch(plain):
            conclusion = _CONCLUSION.search(text, statement.end)
            if conclusion and parse(statement.text) is None:
                return Answer(conclusion[1], False, text[: conclusion.start(1)], text[conclusion.end() :])
            return Answer(statement.text, False, text[: statement.start], text[statement.end :])
    return _answer_at_end(text)


def _is_formula(plain: str) -> bool:
    return bool(_FORMULA.search(plain) and not _LABELLED_OPTION.match(plain))


def _names_option(plain: str) -> bool:
    """Whether a letter of a text may be an option, beside those that name something else."""
    rest = _NAME.sub("", plain)
    if rest == plain:
        return bool(LETTER_LIST.search(plain))
    return any(is_letter(rest, *letter.span()) for letter in LETTER.finditer(rest))


def _answer_at_end(text: str) -> Answer | None:
    """The last line that names letters, unless it ends a list of the options."""
    lines = non_blank_lines(text)
    if not lines or is_unsure(lines[-1]):
        return None
    options = "\n".join(lines[-_OPTIONS:])
    if _option_judged_right(options):
        return Answer(options[-_HEAD:], False)
    for at in reversed(range(max(0, len(lines) - _LINES), len(lines))):
        line = lines[at]
        plain = _plain(line)
        if not _names_option(plain) and not _LOWER.fullmatch(plain):
            continue
        echo, previous = _ECHO.match(line + " "), _ECHO.match(lines[at - 1] + " ") if at else None
        if echo and previous and ord(echo[1]) == ord(previous[1]) + 1:
            return None
        if at and (first := _answer_in_first_line(lines)) and parse(line) is None:
            return first
        letters = list(LETTER.finditer(line))
        if letters and is_framed(line[: letters[-1].start()]):
            return None
        return Answer(line[-_HEAD:], False, "\n".join(lines[:at][-5:]), "\n".join(lines[at + 1 :]))
    return _answer_in_first_line(lines)


# "Option A: too broad. Option B: matches. So option B."
_CONCLUSION = re.compile(
    r"[.;!?]\s+(?i:so|thus|hence|therefore),?\s+(?i:the (?:answer|exception|odd one(?: out)?) is |it is |it's )?"
    rf"(?i:{OPTION_WORD})({ONE_LETTER})(?=\s*(?:[.!]|$))"
)
_ALONE = re.compile(r"[\s*_`(\[]*[A-J](?:[\s*_`)\].]*|[)\].:][*_]*\s+[^\n]{1,200})")


_IS_RIGHT = re.compile(
    rf"(?:(?:so|thus|hence|therefore),? )?{OPTION_WORD}((?-i:{ONE_LETTER})) is (?:the )?(?:correct|right|best)"
    r"(?: answer| option| choice| one)?[.!]?",
    re.IGNORECASE,
)


def _answer_in_first_line(lines: list[str]) -> Answer | None:
    """A first line that is one option, and no list of them: what follows explains it."""
    is_named = _ALONE.fullmatch(lines[0]) or _IS_RIGHT.fullmatch(_plain(lines[0]))
    if not is_named or (len(lines) > 1 and _ALONE.fullmatch(lines[1])):
        return None
    return Answer(lines[0][-_HEAD:], False, "", "\n".join(lines[1:]))


def matches(answer: str, gold: str) -> bool:
    """Whether the answer names the gold letter and no other."""
    return parse(answer) == gold


def compare_start(text: str, letter: str) -> bool | None:
    """Whether a text begins with this letter as its answer, or with another one."""
    first = parse(re.split(r"(?<=\S)[.!?](?:\s|$)|\n", text.strip(), maxsplit=1)[0])
    return None if first is None else first == letter
