"""The choice checker: one letter from A to J.

A statement's letters are read with their roles: asserted ("so B", "B is correct"), denied ("not A", "A and C are
wrong"), or only named. The text of an option ("B. Hepatitis C") says nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from slmr.verify.boxes import boxed
from slmr.verify.completion import fold, last_lines
from slmr.verify.cues import statements
from slmr.verify.denial import ascribed, unsure
from slmr.verify.framing import framed
from slmr.verify.verdict import Answer

_HEAD, _LINES, _OPTIONS = 400, 3, 10
_REQUESTED = re.compile(r"(?:^|(?<=[\s*.]))(?:Answer|ANSWER)[ \t]*:[ \t]*([^\n]*)")
# "Corrected answer: E" stands for what was requested above it.
_CORRECTED = re.compile(
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
_MARKUP = re.compile(
    r"\*\*|__|[`$\"“”„«»✅☑✔👉]|\\[()\[\] ,;]|</?[A-Za-z]{2,12}>|'(?=[A-J](?:\b|'))"
    r"|(?<=\b[A-J])'(?![a-z])"
)
_OPTION = r"(?:(?:the )?(?:option|choice|answer|letter|statement|opción|opção|opzione|antwort)\s*)?"
_ONE = (
    r"(?:\(\s*(?:[A-J]|[a-j])\s*\)|[\[{<](?:[A-J])[\]}>]"
    r"|(?<![A-Za-z0-9_'’.-])(?<!N/)[A-J](?![A-Za-z0-9_'’]|\+(?!\s?[A-J]\b)|-\w|\.[A-Z]\.))"
)
_AND = r"\s*(?:,|/|&|\+|\b(?:and|or|nor|to|und|oder|et|ou|y|o)\b|和|或|、)\s*"
_LIST = re.compile(rf"(?i:{_OPTION}){_ONE}(?:(?:{_AND}){{1,2}}(?i:{_OPTION}){_ONE})*")
_LETTER = re.compile(_ONE)
_COPULA = r"(?:is|are|was|were|seems|must be|looks|ist|sind|est|sont|es|son|é|是)"
_BAD = (
    r"(?:wrong|incorrect|false|not|n't|never|out|ruled|eliminated|excluded|impossible|irrelevant|unsupported"
    r"|unrelated|too|both wrong|falsch|faux|fausse|incorrecta?|yanlış|errad[oa]|sbagliat[oa]|salah"
    r"|错|不对|不正确)"
)
_GOOD = (
    r"(?:the\s+)?(?:only\s+)?(?:correct|better|stronger|strongest|preferable|right|best|true|answer|one|only|valid"
    r"|supported|richtig|korrekt|correcte?"
    r"|vraie?|correct[oa]|verdader[oa]|对|正确)"
)
_DENIED_BEFORE = re.compile(
    r"(?:\b(?:not|neither|nor|never|cannot(?: be)?|can't be|can not be|couldn't be|isn't|aren't|wasn't|except|without"
    r"|eliminat\w+|rul(?:e|es|ed|ing) out|exclud\w+|reject\w+|discard\w*"
    r"|(?:wrong|incorrect|false) (?:answers?|options?|choices?) (?:is|are|was|were|:)|rather than|instead of"
    r"|unlike|over|than|nicht|weder|noch|pas|ni|no es|no puede ser|contradicts?|against"
    r"|none of|не|(?:all|any|every|none|nothing|each|option|options|anything|everything|one)\s+but|doubt)|n't"
    r"|[¬~≠✗✘❌✖]|\\(?:neg|lnot|sim)(?![a-z])|(?:^|(?<=\s))!"
    r"|不是|不选|排除|不能选|除了)[\s:：]*"
    r"(?:(?:either|both|the|it(?:'s| is)?|choose|pick|select|go with|be|think"
    r"|believe|say|that|is|answer|options?|choices?|likely|necessarily|simply|que ce soit|dass es)\s+){0,5}$",
    re.IGNORECASE,
)
_DENIED_AFTER = re.compile(
    rf"\s*\(?(?:wrong|incorrect|false)\)|\s*[✗✘❌✖]|\s*\?+\s*(?:no|nope|not|i doubt|hardly)\b"
    rf"|\s*(?:nicht|não|неверн|не вер"
    rf"|は間違|は誤|は不正解|ではな|は違"
    rf"|[가이은는] (?:아니|아닙|틀))|\s*(?:goes too far|overstates|misses|ignores|exaggerates"
    rf"|is an? (?:trap|distractor|common))\b|\s*(?:,? which )?(?:(?:{_COPULA})?\s*(?:all |both |also |clearly |simply "
    rf"|obviously |each |therefore |thus "
    rf"|just |only )*{_BAD}\b(?!\s*\(?[A-J]\b)|n't\b|(?:is|are|was)n't\b"
    rf"|(?:fails?|does|do|did|could|would|should)\s*(?:n't|not)\b|can(?:not|'t| not)\b|fails?\b|contradicts?\b"
    rf"|(?:can|could|may|must|should) be (?:ruled|eliminated|excluded|discarded|rejected)|ist nicht"
    rf"|est faux|n'est pas|no es|(?:项|选项)?(?:不对|不是(?!\s*[A-J])|是?(?:错|不正确)))", re.IGNORECASE,
)  # fmt: skip
_EXCEPT = re.compile(
    r"\b(?:everything|anything|nothing|all|none|no|every|each)\b[^.,;\n]{0,30}"
    r"\b(?:except|but|besides|other than|apart from)(?: for)?(?: option| choice| answer)?\s*$",
    re.IGNORECASE,
)
_ASSERTED_BEFORE = re.compile(
    r"(?:\b(?:so|thus|hence|therefore|leav(?:es|ing)(?: only| us with)?|choose|chose|select(?:ed)?|pick(?:ed)?"
    r"|go(?:ing)? (?:with|for)|it(?:'s| is| must be| should be| has to be)|that(?:'s| is)"
    r"|is|are|be|only|namely|answer|antwort|réponse|respuesta|risposta|resposta|option|choice|response|correct"
    r"|consequently|conclude|remains|also|daher|richtig ist|wähle|nehme|donc|c'est|choisis|es la|elijo|escojo"
    r"|por (?:lo )?tanto|est|ist|es|é|è)"
    r"|[=:→]|选择?|应选|故选|所以|因此|答案|是|为)[\s,:：*-]*"
    r"(?:the |la |le |die |most likely |probably |clearly |definitely )?$", re.IGNORECASE,
)  # fmt: skip
_ASSERTED_AFTER = re.compile(
    rf"\s*(?:{_COPULA}|seems to be|would be|should be)\s*(?:the |clearly |definitely |most likely |therefore "
    rf"|thus |indeed |la |le |die )*(?:most |closest |option )?{_GOOD}"
    r"|\s*(?:works|fits|remains|holds|matches|stands|follows|is left|must be (?:true|correct|right)|is what"
    r"|best)\b|\s*正确|\s*对\b", re.IGNORECASE,
)  # fmt: skip
_NONE_OF = re.compile(
    r"\b(?:none|neither|any|either)(?: of)?(?: the)?\s*(?:options?|choices?)?\s*$", re.IGNORECASE
)
_LEAD = re.compile(rf"[\s*:：]*(?i:{_OPTION})({_ONE})")
_OTHERS = re.compile(
    rf"[\s.,;:)(?!]*(?:(?:\b(?:or|and|and/or|maybe|perhaps|possibly|alternatively|actually|rather|sorry|wait|hmm+|oh|no|oder"
    rf"|correction|i mean|make that|it's|it is|the answer is|und|ou|et|o|y)\b|[/&,;]|或|和|、)\s*)+(?:maybe "
    rf"|perhaps |possibly |also |even )*(?i:{_OPTION}){_ONE}"
    r"(?=\s*(?:[.,;:/&)!?、和或错不均都]|$|\n|\b(?:or|and|oder|und|ou|et|o|y|is|are|also|both)\b))", re.IGNORECASE,
)  # fmt: skip
_JOINT = re.compile(r"\b(?:and|or|nor|und|oder|et|ou|y|o)\b|和|或", re.IGNORECASE)
_TOLD = re.compile(
    r"\s*(?:says|states|claims|mentions|describes|refers|talks|suggests|implies|asks)\b(?![^.]*\b(?:accurately|best|correctly)\b)"
)
# "Let us look at option B first"
_LOOKED_AT = re.compile(
    r"\b(?:look(?:ing)?(?: first)? at|consider(?:ing)?|examin(?:e|ing)|evaluat(?:e|ing)|analy[sz](?:e|ing)"
    r"|(?:start|begin)(?:ning|ing)? with|turn(?:ing)? to|compar(?:e|ing)|read(?:ing)?|what about)\s+$",
    re.IGNORECASE,
)
# "vitamin D", "plan B": a name, and no option.
_NAME = re.compile(
    r"\b(?:vitamins?|hepatitis|influenza|type|group|plan|grade|team|class|section|figure|room|appendix|step|point"
    r"|exhibit|brand|phase|category|product|company|platform|gate|zone)\s+[A-J]\b",
    re.IGNORECASE,
)
# "My friend chose B"
_THEIRS = re.compile(
    r"\b(?:who|he|she|they|others|people|everyone|(?:my|a|the|another|one|no) \w+)(?: \w+)?"
    rf" (?:answer|cho?ose|pick|select)(?:e?[sd])?\s+{_OPTION}$",
    re.IGNORECASE,
)
_SAID = re.compile(r"\s*(?:is|was|are|seems|looks)\b")
_GUESS = re.compile(r"(?:maybe|perhaps|possibly|it (?:might|could|may) be)\b", re.IGNORECASE)
_LOWER = re.compile(r"(?:[Oo]ption\s+)?([a-j])\)(?:\.?$|\s.*)")
_ONLY_LETTERS = re.compile(rf"[\s.,;:/&()?]*{_ONE}(?:[\s.,;:/&()?]*{_ONE})*[\s.,;:/&()?]*")
_TEXT_FOLLOWS = re.compile(
    r"\s*(?:$|[\n.:),;!。，、；：\])}>?]|[-—=](?![A-Za-z])|\(|不|因为|\b(?:because|since|as|rather|instead|over|is|was|are"
    r"|the|which|that|with|where|by|from|due|and therefore|and so|not|but|while|weil|da|car|porque)\b)"
)
# "C, but D is also correct", "C (D is possible too)", "C. But it may also be D."
_ALSO = re.compile(
    rf"[^\n]{{0,60}}?(?:(?<![A-Za-z])((?-i:{_ONE}))\s*(?:(?:is|are|was|seems|would be|could be|might be|may be)\s+)?"
    r"(?:(?:also|equally|just as)\b(?!\s+(?:wrong|incorrect|false|out|ruled|eliminated|not|unlikely|too|invalid))"
    r"|(?:possible|plausible|right|correct|valid|acceptable|fine|true) (?:too|as well|also)\b)"
    r"|\b(?:may|might|could)(?: (?:also|well|just|equally|as))* be "
    rf"{_OPTION}((?-i:{_ONE}))(?!\s+(?:if|only|when|were|but)\b))",
    re.IGNORECASE,
)
_BARE_WORD = re.compile(r"\s+[a-z]")
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
    rf"(?:^|(?<=[.;!?] ))(?:out of|between|among|of|from)\s+{_LIST.pattern}\s*,\s*", re.IGNORECASE
)


class Roles(NamedTuple):
    """The letters that a text asserts, denies, and only names."""

    asserted: set[str]
    denied: set[str]
    named: set[str]


def parse(text: str) -> str | None:
    """The one letter that a statement names as its answer; None if it names none or several."""
    plain = _plain(text)
    if _GUESS.match(plain):
        return None
    lower = _LOWER.fullmatch(plain)
    if lower:
        return lower[1].upper()
    judged = _judged(text)
    if judged:
        return judged
    if _lists_options(plain):
        return None
    plain = _AMONG.sub("", plain)
    lead = _LEAD.match(plain)
    if lead and _is_letter(plain, lead.start(1), lead.end(1)):
        letter, rest = _letter(lead[1]), plain[lead.end() :]
        others = _OTHERS.match(rest)
        if (others and ("、" in others[0] or not _DENIED_AFTER.match(rest, others.end()))) or (
            rest.strip() and _ONLY_LETTERS.fullmatch(rest)
        ):
            return _settled(_roles(plain))
        if _DENIED_AFTER.match(rest):
            return _settled(_roles(plain))
        also = _ALSO.match(rest)
        if also and _letter(also[1] or also[2]) != letter:
            return None
        concluded = _CONCLUDED.search(rest)
        if concluded and _letter(concluded[1]) != letter and not _DENIED_AFTER.match(rest, concluded.end()):
            return _settled(_roles(rest))
        if _SAID.match(rest):
            roles = _roles(plain)
            return _settled(roles) if roles.asserted or roles.denied else letter
        if _TEXT_FOLLOWS.match(rest) or lead[1][0] in "([{<":
            return letter
    return _settled(_roles(plain))


def _judged(text: str) -> str | None:
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


def _letter(text: str) -> str:
    return text.strip("()[]{}<> ").upper()


def _is_letter(text: str, start: int, end: int) -> bool:
    """Whether `A` or `I` is an option and no article or pronoun."""
    if text[start:end] not in ("A", "I"):
        return True
    rest = text[end:]
    return not _BARE_WORD.match(rest) or bool(
        re.match(
            r"\s+(?:is|are|was|and|or|nor|because|since|as|seems|works|fits|fails|does|cannot|can't|ist|est"
            r"|es|remains|o|ou|oder|y|et|und)\b",
            rest,
        )
    )


def _roles(text: str) -> Roles:
    """Each list of letters by what stands before and behind it."""
    roles = Roles(set(), set(), set())
    for match in _LIST.finditer(text):
        letters = {
            _letter(m[0]) for m in _LETTER.finditer(match[0])
            if _is_letter(text, match.start() + m.start(), match.start() + m.end())
        }  # fmt: skip
        before, after = text[max(0, match.start() - 60) : match.start()], text[match.end() : match.end() + 60]
        listed = _LETTER.findall(match[0])
        if (
            _DENIED_BEFORE.search(before)
            and _ASSERTED_AFTER.match(after)
            and not _JOINT.search(match[0])
            and not _NONE_OF.search(before)
        ):
            roles.denied.update(map(_letter, listed[:-1]))  # "rather than A, C is right"
            roles.asserted.add(_letter(listed[-1]))
        elif _EXCEPT.search(before) and (
            _DENIED_AFTER.match(after) or before.lower().lstrip().startswith("no")
        ):
            roles.asserted.update(letters)  # "everything except B is wrong", "none but B is right"
        elif _DENIED_AFTER.match(after) or _DENIED_BEFORE.search(before):
            roles.denied.update(letters)
        elif _ASSERTED_AFTER.match(after):
            roles.asserted.update(letters)
        elif _TOLD.match(after) or _LOOKED_AT.search(before) or _THEIRS.search(before) or ascribed(before):
            continue
        elif _ASSERTED_BEFORE.search(before):
            roles.asserted.update(letters)
        else:
            roles.named.update(letters)
    return roles


def _settled(roles: Roles) -> str | None:
    """The one letter that is asserted, else the one that is named, if it is denied nowhere."""
    letters = roles.asserted or roles.named
    return next(iter(letters)) if len(letters) == 1 and not letters & roles.denied else None


_GOLD = re.compile(
    r"[\s*$#]*[(\[]?([A-J]|[a-j](?=\s*[).:]|\s*$))[)\]]?(?:[*$]*\s*$|\s*[.:)]|\s+-\s|\s*\n|\s+(?=[A-Z0-9\"'(]))"
)


def parse_gold(text: str) -> str | None:
    """The letter of a gold answer: alone, in front of the option's text, in a box, or behind `Answer:`."""
    plain = _plain(fold(text))
    plain = re.sub(r"^(?:####\s*|(?:option|choice)\s+(?=\(?[A-J]\b))", "", plain, flags=re.IGNORECASE)
    match = _GOLD.match(plain)
    if match:
        return match[1].upper()
    stated = next(statements(text, weak=False), None)
    match = _GOLD.match(_plain(stated.text)) if stated else None
    return match[1].upper() if match else None


def extract(text: str) -> Answer | None:
    """The answer: `Answer: B`, else a box, else "the answer is B", else what the last lines assert."""
    cues = [*_REQUESTED.finditer(text), *_CORRECTED.finditer(text)]
    for requested in sorted(cues, key=re.Match.end, reverse=True):
        stated = requested[1].strip()
        if not _LIST.search(stated) and not _LOWER.fullmatch(stated):
            continue
        after = text[requested.end() :]
        is_letter = requested.re is _REQUESTED and bool(_STRICT.fullmatch(stated))
        if not is_letter and parse(stated) is None and next(statements(after, weak=False), None):
            continue
        strict = is_letter and not after.strip(" \t\r\n.")
        return Answer(stated, strict, text[: requested.start()], after)
    for content, start, end in reversed(boxed(text)):
        if _LIST.search(content) and not _LOGIC.search(content):
            return Answer(content, False, text[:start], text[end:])
    for found in statements(text):
        if _LIST.search(_plain(found.text)):
            return Answer(found.text, False, text[: found.start], text[found.end :])
    return _last(text)


def _last(text: str) -> Answer | None:
    """The last line that names letters, unless it ends a list of the options."""
    lines = last_lines(text)
    if not lines or unsure(lines[-1]):
        return None
    listed = "\n".join(lines[-_OPTIONS:])
    if _judged(listed):
        return Answer(listed[-_HEAD:], False)
    for back, line in enumerate(reversed(lines[-_LINES:])):
        at = len(lines) - 1 - back
        if not _LIST.search(_NAME.sub("", _plain(line))) and not _LOWER.fullmatch(_plain(line)):
            continue
        echo, previous = _ECHO.match(line + " "), _ECHO.match(lines[at - 1] + " ") if at else None
        if echo and previous and ord(echo[1]) == ord(previous[1]) + 1:
            return None
        if at and (first := _first(lines)) and parse(line) is None:
            return first
        letters = list(_LETTER.finditer(line))
        if letters and framed(line[: letters[-1].start()]):
            return None
        return Answer(line[-_HEAD:], False, "\n".join(lines[:at][-5:]), "\n".join(lines[at + 1 :]))
    return _first(lines)


# "Option A: too broad. Option B: matches. So option B."
_CONCLUDED = re.compile(
    r"[.;!?]\s+(?i:so|thus|hence|therefore),?\s+(?i:the answer is |it is |it's )?"
    rf"(?i:{_OPTION})({_ONE})(?=\s*(?:[.!]|$))"
)
_ALONE = re.compile(r"[\s*_`(\[]*[A-J](?:[\s*_`)\].]*|[)\].:][*_]*\s+[^\n]{1,200})")


def _first(lines: list[str]) -> Answer | None:
    """A first line that is one option, and no list of them: what follows explains it."""
    if not _ALONE.fullmatch(lines[0]) or (len(lines) > 1 and _ALONE.fullmatch(lines[1])):
        return None
    return Answer(lines[0][-_HEAD:], False, "", "\n".join(lines[1:]))


def matches(answer: str, gold: str) -> bool:
    """Whether the answer names the gold letter and no other."""
    return parse(answer) == gold


def stated(text: str, letter: str) -> bool | None:
    """Whether a text begins with this letter as its answer, or with another one."""
    found = parse(re.split(r"(?<=\S)[.!?](?:\s|$)|\n", text.strip(), maxsplit=1)[0])
    return None if found is None else found == letter
