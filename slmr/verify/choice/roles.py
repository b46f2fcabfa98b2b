"""The letters of a text by their roles: asserted ("so B", "B is correct"), denied ("not A", "A is wrong"), or named."""

from __future__ import annotations

import re
from typing import NamedTuple

from slmr.verify.reading.denial import NO_BELIEF, is_ascribed

OPTION_WORD = r"(?:(?:the )?(?:option|choice|answer|letter|statement|opción|opção|opzione|antwort)\s*)?"
ONE_LETTER = (
    r"(?:\(\s*(?:[A-J]|[a-j])\s*\)|[\[{<](?:[A-J])[\]}>]"
    r"|(?<![A-Za-z0-9_'’.-])(?<!N/)[A-J](?![A-Za-z0-9_'’]|\+(?!\s?[A-J]\b)|-\w|\.[A-Z]\.))"
)
_AND = (
    r"\s*(?:,|/|&|\+|\b(?:and|or|nor|to|und|oder|et|ou|y|o)\b|和|或|、)\s*"
    r"(?:(?:maybe|perhaps|possibly|potentially|probably|likely|even|else|alternatively)\s+)?"
)
LETTER_LIST = re.compile(rf"(?i:{OPTION_WORD}){ONE_LETTER}(?:(?:{_AND}){{1,2}}(?i:{OPTION_WORD}){ONE_LETTER})*")
LETTER = re.compile(ONE_LETTER)
_COPULA = (
    r"(?:is|are|was|were|seems|looks|(?:must|will|can only|should|has to|have to|had to|needs? to|is to|are to|ought to"
    r"|turns? out to|proves? to) be|turns? out|ist|sind|est|sont|es|son|é|是)"
)
_BAD = (
    r"(?:wrong|incorrect|false|not|n't|never|out|ruled|eliminated|excluded|impossible|irrelevant|unsupported"
    r"|unrelated|too|both wrong|falsch|faux|fausse|incorrecta?|yanlış|errad[oa]|sbagliat[oa]|salah"
    r"|错|不对|不正确)"
)
# Only behind a copula: "D dropped sharply" may be an option's text.
_DISCARDED = r"(?:discarded|rejected|dismissed|dropped|removed|crossed|struck|disregarded|gone|off the table)"
_GOOD = (
    r"(?:the\s+)?(?:only\s+)?(?:correct|better|stronger|strongest|preferable|right|best|true|answer|one|only|valid"
    r"|supported|richtig|korrekt|correcte?"
    r"|vraie?|correct[oa]|verdader[oa]|对|正确)"
)
_DENIED_BEFORE = re.compile(
    r"(?:\b(?:not|neither|nor|never|cannot(?: be)?|can't be|can not be|couldn't be|isn't|aren't|wasn't|except|without"
    r"|eliminat\w+|rul(?:e|es|ed|ing) out|exclud\w+|reject\w+|discard\w*|dismiss\w*|disregard\w*"
    r"|cross(?:ed|es|ing)? (?:out|off)|str(?:ik(?:e|es|ing)|uck) (?:out|off)?"
    r"|(?:leav(?:e|es|ing)|left|throw(?:s|ing)?) out"
    r"|(?:get|gets|got|getting) rid of"
    r"|(?:wrong|incorrect|false) (?:answers?|options?|choices?) (?:is|are|was|were|:)|rather than|instead of"
    r"|unlike|over|than|nicht|weder|noch|pas|ni|no es|no puede ser|contradicts?|against"
    r"|none of|не|(?:all|any|every|none|nothing|each|option|options|anything|everything|one)\s+but|doubt)|n't"
    r"|[¬~≠✗✘❌✖]|\\(?:neg|lnot|sim)(?![a-z])|(?:^|(?<=\s))!"
    r"|不是|不选|排除|不能选|除了)[\s:：]*"
    r"(?:(?:either|both|the|it(?:'s| is)?|choose|pick|select|go with|be|think"
    r"|believe|say|that|is|answer|options?|choices?|likely|necessarily|simply|que ce soit|dass es)\s+){0,5}$",
    re.IGNORECASE,
)
DENIED_AFTER = re.compile(
    rf"\s*\(?(?:wrong|incorrect|false)\)|\s*[✗✘❌✖]"
    rf"|\s*\?+\s*(?:(?:alas|of course|i'm afraid|\w+ly),?\s)?(?:no|nope|not|i doubt|hardly|{NO_BELIEF})\b"
    r"|\s*[.!]\s+(?:but )?th(?:at|is)(?:'s| is) (?:wrong|incorrect|false|untrue|not (?:true|right|correct|so"
    r"|the case))(?=\s*(?:[.!;,]|$))"
    r"|[^.;!?\n]{0,20}\b(?:but|though|yet) (?:i|we) (?:\w+ly )?(?:disagree|doubt (?:it|that)\b|(?:do not|don't)"
    r" (?:agree|think so|believe (?:it|that)\b))"
    rf"|\s*(?:nicht|não|неверн|не вер"
    rf"|は間違|は誤|は不正解|ではな|は違"
    rf"|[가이은는] (?:아니|아닙|틀))|\s*(?:goes too far|overstates|misses|ignores|exaggerates"
    rf"|is an? (?:trap|distractor|common))\b|\s*(?:,? which )?(?:(?:{_COPULA})?\s*(?:all |both |also |clearly |simply "
    rf"|obviously |each |therefore |thus "
    rf"|just |only )*{_BAD}\b(?!\s*\(?[A-J]\b)|n't\b|(?:is|are|was)n't\b"
    rf"|(?:fails?|does|do|did|could|would|should)\s*(?:n't|not)\b|can(?:not|'t| not)\b|fails?\b|contradicts?\b"
    rf"|(?:{_COPULA}|(?:can|could|may|would) be)\s+(?:(?:now|also|safely|clearly|therefore|thus) )?"
    rf"(?:{_DISCARDED}|ruled|eliminated|excluded)\b|(?:drops?|falls?) (?:out|away)\b|ist nicht"
    rf"|est faux|n'est pas|no es|(?:项|选项)?(?:不对|不是(?!\s*[A-J])|是?(?:错|不正确)))",
    re.IGNORECASE,
)
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
    r"(?:the |la |le |die |most likely |probably |clearly |definitely )?$",
    re.IGNORECASE,
)
_ASSERTED_AFTER = re.compile(
    rf"\s*(?:{_COPULA}|seems to be|would be|should be)\s*(?:the |clearly |definitely |most likely |therefore "
    rf"|thus |indeed |la |le |die )*(?:most |closest |option )?{_GOOD}"
    r"|\s*(?:works|fits|remains|holds|matches|stands|follows|is left|must be (?:true|correct|right)|is what"
    r"|best)\b|\s*正确|\s*对\b",
    re.IGNORECASE,
)
_NONE_OF = re.compile(r"\b(?:none|neither|any|either)(?: of)?(?: the)?\s*(?:options?|choices?)?\s*$", re.IGNORECASE)
_JOINT = re.compile(r"\b(?:and|or|nor|und|oder|et|ou|y|o)\b|和|或", re.IGNORECASE)
_REPORTED_AFTER = re.compile(
    r"\s*(?:says|states|claims|mentions|describes|refers|talks|suggests|implies|asks)\b(?![^.]*\b(?:accurately|best|correctly)\b)"
)
# "C would be true for charges": of another case than the one that is asked about.
_SUPPOSED_AFTER = re.compile(
    r"\s*would (?:only )?be (?:true|correct|right|the (?:right |correct )?answer) (?:for|of|if|in|with|only)\b",
    re.IGNORECASE,
)
# "Let us look at option B first"
_CONSIDERED_BEFORE = re.compile(
    r"\b(?:look(?:ing)?(?: first)? at|consider(?:ing)?|examin(?:e|ing)|evaluat(?:e|ing)|analy[sz](?:e|ing)"
    r"|(?:start|begin)(?:ning|ing)? with|(?:check|test|try)(?:ing)?|turn(?:ing)? to|compar(?:e|ing)|read(?:ing)?"
    r"|what about"
    r"|(?:ask(?:s|ed|ing)?|question|questions|wonder(?:s|ed|ing)?|talk(?:s|ed|ing)?|curious)(?: \w+){0,2} about)\s+$",
    re.IGNORECASE,
)
# "My friend chose B"
_CHOICE_OF_OTHERS = re.compile(
    r"\b(?:who|he|she|they|others|people|everyone|(?:my|a|the|another|one|no) \w+)(?: \w+)?"
    rf" (?:answer|cho?ose|pick|select)(?:e?[sd])?\s+{OPTION_WORD}$",
    re.IGNORECASE,
)
_BARE_WORD = re.compile(r"\s+[a-z]")


# "At first B looks right, but D is", "Although B seems right, D is": what only seems so is not asserted.
_SEEMS_AFTER = re.compile(r"\s*(?:seems?|looks?|appears?|sounds?)\b", re.IGNORECASE)
_LOOKS = re.compile(r"\b(?:looks|seems) (?:like|to be)\s+$", re.IGNORECASE)
_CONCEDES_BEFORE = re.compile(r"\b(?:although|though|while|whilst|at first|initially)\b[^.;!?\n]*$", re.IGNORECASE)
_CONCEDES_AFTER = re.compile(r"[^.;!?\n]*?(?:\bat first\b|,? (?:but|yet|however)\b)", re.IGNORECASE)


class Roles(NamedTuple):
    """The letters that a text asserts, denies, and only names."""

    asserted: set[str]
    denied: set[str]
    named: set[str]


def letter_of(text: str) -> str:
    return text.strip("()[]{}<> ").upper()


def is_letter(text: str, start: int, end: int) -> bool:
    """Whether `A` or `I` is an option and no article or pronoun."""
    if text[start:end] not in ("A", "I"):
        return True
    rest = text[end:]
    return not _BARE_WORD.match(rest) or bool(
        re.match(
            r"\s+(?:(?:both|also|alone|too|must)(?!-)|follows|holds|matches"
            r"|is|are|was|and|or|nor|because|since|as|seems|works|fits|fails|does|cannot|can't|ist|est"
            r"|es|remains|o|ou|oder|y|et|und)\b",
            rest,
        )
    )


def _only_seems(before: str, after: str) -> bool:
    """Whether a letter only seems right, to be given up for another one."""
    if not _SEEMS_AFTER.match(after):
        return False
    return bool(_CONCEDES_BEFORE.search(before) or _CONCEDES_AFTER.match(after))


# "I and III": statements that the problem numbers, and `I` is no option.
_ROMAN = re.compile(r"\b(?:I{2,3}|IV)\b")


def roles_of(text: str) -> Roles:
    """Each list of letters by what stands before and behind it."""
    roles = Roles(set(), set(), set())
    numerals = {"I"} if _ROMAN.search(text) else set()
    for match in LETTER_LIST.finditer(text):
        letters = {
            letter_of(m[0])
            for m in LETTER.finditer(match[0])
            if is_letter(text, match.start() + m.start(), match.start() + m.end())
        } - numerals
        before, after = text[max(0, match.start() - 60) : match.start()], text[match.end() : match.end() + 60]
        listed = LETTER.findall(match[0])
        if (
            _DENIED_BEFORE.search(before)
            and _ASSERTED_AFTER.match(after)
            and not _JOINT.search(match[0])
            and not _NONE_OF.search(before)
        ):
            roles.denied.update(map(letter_of, listed[:-1]))  # "rather than A, C is right"
            roles.asserted.add(letter_of(listed[-1]))
        elif _EXCEPT.search(before) and (DENIED_AFTER.match(after) or before.lower().lstrip().startswith("no")):
            roles.asserted.update(letters)  # "everything except B is wrong", "none but B is right"
        elif DENIED_AFTER.match(after) or _DENIED_BEFORE.search(before):
            roles.denied.update(letters)
        elif _only_seems(before, after) or _SUPPOSED_AFTER.match(after):
            continue
        elif _ASSERTED_AFTER.match(after):
            roles.asserted.update(letters)
        elif (
            _REPORTED_AFTER.match(after)
            or _CONSIDERED_BEFORE.search(before)
            or _CHOICE_OF_OTHERS.search(before)
            or is_ascribed(before)
        ):
            continue
        elif _ASSERTED_BEFORE.search(before) or (_LOOKS.search(before) and not _CONCEDES_AFTER.match(after)):
            roles.asserted.update(letters)
        else:
            roles.named.update(letters)
    return roles


def single_letter(roles: Roles) -> str | None:
    """The one letter that is asserted, else the one that is named, if it is denied nowhere."""
    letters = roles.asserted or roles.named
    return next(iter(letters)) if len(letters) == 1 and not letters & roles.denied else None
