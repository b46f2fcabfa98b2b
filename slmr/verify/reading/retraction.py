"""How a text takes its answer back: by another value that it asserts behind it, or in words such as "I was wrong".

To state the same value again takes nothing back, and neither does "wait" or "actually" alone.
"""

from __future__ import annotations

import re

from slmr.verify.reading.corrections import compare_conclusion, compare_correction
from slmr.verify.reading.denial import HEDGE, Compare, ends_in_denial
from slmr.verify.reading.sentences import STATEMENT_END, WINDOW, any_of, pattern
from slmr.verify.reading.statements import ASSERTION, FALSE_BEFORE

_THIS = r"(?:that|this|it|answer|the above)"
_AGAIN = "re-?(?:do|try|compute|calculate|consider|think|start|work|solve|evaluate)"
_WRONG = any_of(
    "wrong",
    "incorrect",
    "not (?:quite )?(?:right|correct|true|it|the (?:right |correct |final )?answer)",
    "a mistake",
    "an error",
)
_MINE = "(?:answer|result|value|number|total|sum|mistake|error|slip|calculation|count|solution|work|arithmetic)s?"
_SURELY = "(?:clearly |actually |obviously |probably |likely |most likely |certainly |definitely |surely )?"
_ALONE = r"(?:wrong|incorrect|false|not (?:quite )?(?:right|correct|sure)|falsch|faux|incorrecto)"
_OBJECT_OF_DOUBT = any_of(
    r"[.,;!?]",
    "$",
    r"(?:about|of|in) (?:this|that|it|my)\b",
    "(?:about )?the answer",
    r"(?:if|whether|that) i\b",
    "(?:if|whether|that) (?:this|that|it|(?:the|my) answer) (?:is|was) (?:right|correct|true|the)",
)
_ANOTHER = any_of(
    "smaller",
    "larger",
    "bigger",
    "greater",
    "less",
    "higher",
    "lower",
    "different",
    "something else",
    "another",
    "elsewhere",
    "more",
    "fewer",
    "half",
    "twice",
    "double",
    "unknown",
    "unclear",
)
# "This answer is wrong" in other languages.
_FOREIGN = any_of(
    r"(?:diese|meine|die|obige) antwort (?:ist|war) (?:leider )?(?:falsch|inkorrekt|nicht (?:richtig|korrekt))",
    r"(?:cette|ma|la) réponse (?:est|était) (?:fausse|incorrecte|erronée)",
    r"(?:esta|mi|la) respuesta (?:es|era) (?:incorrecta|errónea|falsa)|respuesta está mal",
    r"(?:esta|essa|minha|a) resposta (?:está|é) (?:errada|incorreta)",
    r"(?:questa|la mia|la) risposta è (?:sbagliata|errata|scorretta)",
    r"ответ (?:неверн|неправильн|ошибочн)\w*|(?:это|что) (?:неверно|неправильно)",
    "(?:答案|结果|这)是?(?:错|不对|不正确)",
    "答え?は(?:間違|誤|不正解)",
    "[답과][은는이가] ?(?:틀|잘못|오답)",
)
# What takes an answer back in so many words; not "wrong in my first attempt", "not sure why", "forgot to mention".
_TAKES_BACK = pattern(
    r"\b"
    + any_of(
        "no,? wait",
        "wait,? no",
        "scra(?:tch|p) that",
        "i mis(?:read|calculated|counted|took)",
        "strike that",
        "never ?mind(?! the\\b)",
        "my bad",
        r"oops(?![^.!?]*\b(?:stands|holds|the same)\b)",
        "just kidding",
        "(?:ignore|disregard|forget) (?:that|this|the above|it)",
        "i (?:take (?:that|this|it) back|retract)",
        "(?<!that )(?<!if )(?<!whether )(?<!think )"
        "i (?:was|am|'m) (?:wrong|mistaken)(?! (?:earlier|before|at first|initially|in|about|to))",
        rf"{_THIS}(?:'s| is| was| must be|(?: might| may| could) (?:well )?be) {_SURELY}{_WRONG}"
        r"(?!,? (?:in|for|of|if|only|because|when|to|with|as|that)\b)",
        rf"(?:this|that|my|our|the above|the previous) answer (?:is|was|might be|may be|could be) {_SURELY}{_WRONG}",
        "i (?:really |strongly |highly |seriously )?doubt (?:(?:that )?(?:this|that|it|my answer)\\b|the answer)",
        rf"i (?:don't|do not) (?:think|believe) (?:that )?(?:{_THIS}|this answer) (?:is|was) (?:right|correct|true)",
        r"(?:this|that|it|which) (?:over|under|double[- ])counts",
        "off by (?:one|1)",
        rf"{_THIS} (?:isn't|can't be|cannot be|can not be|couldn't be) (?:right|correct|true|it"
        rf"|the (?:right )?answer)",
        "(?:let me|i (?:need|have|want) to|i(?:'ll| will| must| should)) "
        f"(?:{_AGAIN}|try (?:again|that again|once more)|start over)",
        r"(?:let me|i (?:need|have|want|must|should)(?: to)?) (?:correct|fix|revise)"
        rf"(?: (?:that|this|it|myself|the above|(?:that|this|my|the|an?|our) (?:\w+ )?{_MINE}))?"
        r"(?: (?:now|here|again|above))?(?=\s*(?:[.,:;!()—-]|$))",
        r"(?<!no )(?<!not )my mistake(?=\s*(?:[.,;:!)—-]|$))",
        r"(?:i|i've|have) made (?:a|an|some) (?:\w+ )?(?:mistake|error|slip)(?! (?:earlier|before|at first|initially))",
        r"there(?:'s| is| was) an? (?:mistake|error)(?! in the (?:problem|question|book|statement))",
        r"i guess(?=\s*(?:[.!]|$))",
        rf"i(?:'m| am) (?:not (?:\w+ )?(?:sure|certain|confident)|unsure)(?=\s*{_OBJECT_OF_DOUBT})",
        rf"answer (?:is|must be|should be) (?:actually |in fact |even |much |rather )?{_ANOTHER}\b",
        "i (?:used|applied|took|chose|picked|plugged in|substituted|copied|started (?:from|with)) (?:the |a |an )?"
        "(?:wrong|incorrect|false)(?! answer)",
        "i (?:misapplied|misremembered|miscopied|mistyped|mixed up|confused|swapped)",
        "i forgot (?:the|to (?!mention|say|note|state|add that|tell|write|point)|about|that)",
        r"i (?:don't|do not) know(?= ?(?:[.!,;?]|$|\n|the answer|how to|(?:if|whether) (?:this|that|it|i)\b))",
        "or (?:maybe|perhaps|possibly)(?! not)",
        r"hmm,? no\b(?!,? (?:problem|other|more|need))",
        "das (?:ist|war) falsch",
        "je me suis trompée?",
        "c'est faux",
        "ich habe mich (?:geirrt|vertan|verrechnet)",
        "me equivoqué",
        "es incorrecto",
        "estaba mal",
    )
    + rf"|{_FOREIGN}|(?:^|(?<=[.!?;:\n]))[\s*_]*(?:nope\b|(?:no|nein|non)(?=\s*(?:[.!:;]|$|\n"
    r"|,\s*(?:it|that|this|the answer|wait|sorry|actually|i|not|so|let)\b(?!'?s? (?:true|fine|ok|right|correct)))))"
    rf"|(?:^|[(\[])[\s*_]*{_ALONE}[\s*_]*[.!)\]]*$"
    r"|不对|我错了|算错|更正|等等，|搞错"
)
# Words that take back only if another value follows.
_TURNS = pattern(
    r"(?:^|(?<=[.!?;:,\n—(])|(?<=\band)|(?<=\bbut)|(?<=- ))[\s*_()\[]*(?:(?:so|but|and|well|oh|ah|hmm),? )?"
    + any_of(
        r"wait(?=\s*(?:[,.;:!?—…-]|$|(?:no|it|that|the|actually)\b))",
        "actually",
        "correction",
        "hold on",
        "sorry",
        "edit",
        "update",
        "hmm+",
        "no",
        "rather",
        "er",
        "erm",
        "uh",
        "wrong",
        "incorrect",
        "falsch",
        "faux",
        "falso",
        "incorrecto",
        "errado",
        "неверно",
        "неправильно",
        "i mean(?:t)?",
        "instead",
        "on (?:second thou?ghts?|(?:further )?reflection|closer inspection|re-?reading)",
        "then again",
        "looking again",
        "or rather",
        "ah",
        "oh",
        "in fact",
        "moment",
        "korrektur",
        "nein",
        "нет",
        "pardon",
        "attendez",
        "erreur",
        "en fait",
        "perdón",
        "espera",
        "corrección",
        "en realidad",
        "等等",
        "更正",
        "不",
        "实际上",
    )
    + r"\b[\s,:.!—-]*"
    r"|\(\s*should be |\b(?:(?:it|this|that|answer|value|result|total) (?:should|ought to) (?:instead |actually "
    r"|rather )?(?:have been|be)"
    r"|i meant|\b(?:it|answer|value|result) (?:could|might|may) (?:just |as |also |well |instead |equally )*be"
    r"|chang(?:e|ing) my answer to"
    r"|(?:correct(?:ed)?|real|actual|true|right) (?:value|number|one|result|answer|count|total|sum|figure)"
    r"(?: (?:is|was|should be|must be)|:)"
    r"|(?:question|problem) (?:actually |really )?(?:asks|asked|wants)\b[^.;]{0,60}?(?:,? (?:which|so it) is|:))\s*"
)
_CHECKS = pattern(
    r"\b(?:check|verify|confirm|test|validate|justify|explain)(?:ing|s)?(?: that| whether)?(?: the| my| our| this)?"
    r"(?: final)?\s*$"
)
# A short sentence that gives the result without announcing an answer: "The result is 16", "Fix: 16", "It's 16".
_RESULT = pattern(
    r"\W*(?:(?:so|thus|hence|therefore|then|and|now),? )*(?:"
    + any_of(
        r"(?:the|our|my|its) (?:final |correct |overall |true |actual )*"
        r"(?:result|total|solution|value|sum|product|minimum|maximum)\s*(?:is|=|equals|would be|should be|:)",
        r"(?:it|that|this)(?:'s| is| must be| should be| ought to be| was)",
        r"(?:ans|final|fix(?:ed)?|typo|correct(?:ed|ing|ion)?|edit(?:ed)?|updated?|revised|erratum|result|total"
        r"|not quite)\s*[:=]",
    )
    + r")\s*(?:actually |really |in fact )?"
)
_REST = pattern(
    r"[\s$\\(\[{]*[^\s,;:]+(?:\s*(?:[\w°%]{1,8}|[^\w\s]+)){0,2}(?:,? (?:instead|sorry|actually|then"
    r"|after all|though))?[\W_]*$"
)
# "so 16 is the answer"
_IS_ANSWER = pattern(
    r"(?<![^\s(*])([-(\\$*\d][^\s,;]{0,60})\s+(?:is|was|must be|should be|has to be)\s+(?:then |thus "
    r"|therefore |indeed )?"
    r"(?:(?:the|my|our)\s+(?:final |correct |right |actual |true |real )*(?:answer|result|solution)"
    r"|(?:actually )?(?:right|correct|better)(?! (?:to|up to|within|for|in|only|if|when)\b))\b"
)
_MAX_PHRASES, _SHORT = 20, 25

# "This contradicts the condition", "But it does not satisfy the second equation": of the answer, where nothing else
# was named in between.
_CONTRADICTS = pattern(
    r"^\W*(?:(?:but|however|yet|and|now|hmm|unfortunately|still),? )*(?:this|that|it|which|(?:this|that|the|my) "
    r"(?:answer|value|result|number|solution))(?: (?:clearly|also|however|then|would|obviously))* "
    + any_of(
        "contradicts?",
        "violates?",
        "fails?",
        "(?:does not|doesn't|do not|cannot|can't) (?:satisfy|work|fit|make sense|meet|fulfil|check out|match|hold"
        "|happen|be right|be correct)",
        "is (?:impossible|a contradiction|absurd|inconsistent|not possible|nonsense|not allowed|ruled out|excluded)",
        "leads? to a contradiction",
        "makes no sense",
    )
    + r"\b(?!\s+(?:if|when|unless|for|in|at|for any other|the claim|the belief|option|choice|intuition|expectation))"
)
_NO_ANSWER = pattern(
    r"\b(?:so|thus|hence|therefore|conclude that|which means(?: that)?)\b[,\s]*"
    r"(?:there (?:is|are|exists?) no|no such|the problem has no)"
    r" (?:solutions?|answers?|number|value|integer)s?(?: exists?)?\W*$"
)
# What ends the words right behind an answer: another value, or a supposition.
_NEXT_VALUE = pattern(r"\d|\b(?:suppose|assum|otherwise|if\b|were\b)")
# "That is not the case", said of what stands right in front.
_IS_FALSE = pattern(
    r"^\W*(?:(?:but|however|yet|and|now|unfortunately|still),? )*(?:this|that|it|which)(?:'s| is| was"
    r"| turns out to be)(?:,? (?:\w+ly|of course|in fact),?)? (?:false|untrue|not (?:the case|so))(?! \w)"
)


def _is_contradicted(after: str) -> bool:
    """Whether the words right behind an answer, up to the next number or supposition, say that it cannot be."""
    end = _NEXT_VALUE.search(after)
    sentences = [s for s in STATEMENT_END.split(after[: end.start() if end else WINDOW]) if s.strip(" .;?$*")]
    is_false = bool(sentences) and _IS_FALSE.match(sentences[0]) is not None
    return is_false or any(_CONTRADICTS.match(s) or _NO_ANSWER.search(s) for s in sentences[:2])


# "A. Incorrect. Heat is no substance": an option that is judged, and not the answer above it.
_OPTION_VERDICT = re.compile(
    r"^([\s*(-]*(?:(?:Option|Choice) )?[A-J])[*_]*[.):](?=[\s*_]*(?:[Ii]ncorrect|[Ww]rong|[Ff]alse|[Nn]o)\b)",
    re.MULTILINE,
)


def is_retracted(after: str, compare: Compare) -> bool:
    """Whether what follows an answer takes it back or asserts another one, and does not come back to it."""
    retracted = _is_contradicted(after)
    sentences = [s for s in STATEMENT_END.split(_OPTION_VERDICT.sub(r"\1:", after)) if s.strip()]
    for sentence, following in zip(sentences, [*sentences[1:], ""], strict=True):
        same = _compare_assertion(sentence, following, compare)
        same = compare_correction(sentence, following, compare) if same is None else same
        if same is not None:
            retracted = not same
        elif _TAKES_BACK.search(sentence):
            retracted = compare_conclusion(sentence, compare) is not True
        elif turns := list(_TURNS.finditer(sentence))[:_MAX_PHRASES]:
            results = (_compare_after_turn(sentence[turn.end() :], following, compare) for turn in turns)
            same = next((same for same in results if same is not None), None)
            retracted = retracted if same is None else not same
        elif retracted and compare_conclusion(sentence, compare) is True:
            retracted = False
    return retracted


_ALONE_VALUE = re.compile(r"\s*(?:\*\*|\$\$?|\\\[|\\\()([^*$\\]{1,20})(?:\*\*|\$\$?|\\\]|\\\))[\s.]*$")


def _compare_assertion(sentence: str, following: str, compare: Compare) -> bool | None:
    """Whether a sentence asserts the same value for the answer, another one, or none."""
    alone = _ALONE_VALUE.match(sentence)
    last = compare(alone[1]) if alone else None
    if _SUPPOSITION.search(sentence):
        return last
    if refusal := _REFUSAL.match(sentence):
        last = False if compare(refusal[1]) else last  # "So 15 is wrong"
    negation = _NOT_THIS.match(sentence)
    if negation and compare(sentence[negation.end() :]) is True:
        return False  # "Not 15 but 16"
    if conclusion := _SO.fullmatch(sentence):
        last = compare(conclusion[1])
    for value in list(_IS_ANSWER.finditer(sentence))[-_MAX_PHRASES:]:
        if not ends_in_denial(sentence[: value.start()]):
            same = compare(value[1])
            last = last if same is None else same
    result = _RESULT.match(sentence)
    if result and len(sentence) - result.end() <= _SHORT and _REST.match(sentence, result.end()):
        last = compare(sentence[result.end() :])
    for phrase in list(ASSERTION.finditer(sentence))[-_MAX_PHRASES:]:
        before = sentence[max(0, phrase.start() - WINDOW) : phrase.start()]
        rest = sentence[phrase.end() : phrase.end() + WINDOW]
        is_denied = FALSE_BEFORE.search(before) or ends_in_denial(before)
        if is_denied or _OF_A_PART.search(phrase[0]) or _CHECKS.search(before):
            continue
        if negation := _NEGATION.match(rest):  # "is not 16" denies 16, and says nothing of 15
            last = False if compare(rest[negation.end() :]) else last
            continue
        if HEDGE.match(rest.strip()):
            continue
        same = compare(rest if rest.strip(" *_:#") else following)
        last = last if same is None else same
    return last


# "Without the restriction it would be 16" says nothing of the answer.
_SUPPOSITION = pattern(
    r"\bif\b[^.!?,]{0,120}\bwere\b|\b(?:without|if|unless|had|were|otherwise)\b[^.!?]{0,200}\bwould\b|\bwould\b[^.!?]{0,200}\b(?:without|if|unless)\b"
)
_OF_A_PART = pattern(r"\b(?:part|question|problem|exercise) \(?(?:[a-h]\b|\d|i{1,3}\b)")
_NOT_THIS = pattern(r"\W*(?:(?:it|this|that|the answer)(?:'s| is) )?not\s+(?!only\b|just\b|merely\b)")
_REFUSAL = pattern(
    r"\W*(?:(?:so|thus|hence|therefore|but|however|wait|hmm|actually|no|oh|oops|then|and|now|in fact|clearly"
    r"|on (?:second thoughts?|(?:further )?reflection|closer inspection)),? )*"
    r"(?:(?:the )?(?:answer|value|option|choice) (?:of )?)?([(\[$\\*-]*\w[^\s,;]{0,60}) "
    + any_of(
        rf"(?:is|was|must be) {_SURELY}(?:(?:also|too|thus|therefore|simply|just) )?"
        + any_of(
            "wrong",
            "false",
            "incorrect",
            "impossible",
            "invalid",
            "mistaken",
            "not (?:correct|right|valid|possible|true|the (?:right |correct )?answer)",
        ),
        "(?:can't|cannot) be (?:correct|right|true|the (?:right |correct )?answer)",
    )
    + r"(?!,? (?:if|when|only|unless|for|in|of|to|as)\b)"
)
_SO = pattern(r"\W*(?:so|hence|thus|therefore),?\s+([$\\(*]*-?[\d\\][^\s,;:]*?)[\s.!*$]*")
_NEGATION = pattern(r"[\s*_]*(?:not|never|nicht|pas|不是)\b(?! only)\s*")


def _compare_after_turn(rest: str, following: str, compare: Compare) -> bool | None:
    """Whether the value behind a word such as "wait" or "actually" is the answer; None where there is no value."""
    same = compare(rest)
    if same is None:
        same = compare_conclusion(rest, compare)
    return compare(following) if same is None and len(rest.strip(" ,.:;!*_")) < 2 else same
