"""What a completion states that its answer is: the text behind "the answer is", in the languages that models write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from slmr.verify.reading.framing import is_framed
from slmr.verify.reading.non_answers import is_unanswered
from slmr.verify.reading.sentences import WINDOW


def _words(*nouns: str) -> str:
    """Nouns as a pattern, in the three ways to write them: without IGNORECASE a search for them is fast."""
    return "|".join(dict.fromkeys(case for noun in nouns for case in (noun, noun.capitalize(), noun.upper())))


# Nouns for the answer itself.
_ANSWER = _words(
    "answer",
    "antwort",
    "réponse",
    "respuesta",
    "resposta",
    "risposta",
    "答案",
    "答え",
    "正解",
    "回答",
    "解答",
    "정답",
    "답",
    "ответ",
    "الإجابة",
    "الجواب",
    "उत्तर",
    "উত্তর",
    "đáp án",
    "cevap",
    "jawaban",
    "jibu",
    "คำตอบ",
    "సమాధానం",
    "odpowiedź",
    "antwoord",
    "svar",
    "câu trả lời",
    "vastaus",
    "válasz",
    "odpověď",
    "răspuns",
    "απάντηση",
    "відповідь",
    "תשובה",
    "پاسخ",
    "जवाब",
)
# Nouns for what was computed; weaker, since a solution names several.
_RESULT = _words(
    "result",
    "solution",
    "value",
    "total",
    "ergebnis",
    "lösung",
    "resultat",
    "gesamtzahl",
    "wert",
    "résultat",
    "valeur",
    "resultado",
    "solución",
    "valor",
    "risultato",
    "soluzione",
    "solução",
    "wynik",
    "результат",
    "结果",
    "结论",
)
_RIGHT = r"(?:\s+(?:finale?|corret[ao]|correcta?|correcte|exacte|esatta))?"
_IS = (
    r"(?:\s+(?:to|of|for|here|then|therefore|thus)\b[^\n.:=?]{0,60}?)??[\s*_}\"]*(?:(?:\b(?:is|are|was|ist|lautet"
    r"|beträgt|sind|est|vaut|es|son|é|è|là|adalah|är|are)\b(?!n't)"
    r"|\b(?:should|must|would|will|ought to|has to|can only)"
    r"(?: (?:therefore|thus|then|hence|now|also|indeed|really|actually))?"
    r" be\b|\b(?:equals?|becomes|(?:comes|works out) to)\b"
    r"|คือ|应该是|应为|应该为|应是|是|为|は|が|은|는|이|:|：|=|→|⇒|=>|->|—"
    r"|(?<=твет)\s(?=[\d$\\-])|-(?=\s))[\s*_}]*)"
)
FILLER = (
    r"be|is|are|was|were|equals?(?: to)?|simply|just|the|an?|answer|value|option|choice|exactly|really|necessarily"
    r"|think|believe|say|it's|that's|claim|that|it|this|to|true"
    r"|correct|right|possibly|likely|final|result|number|die|das|der|la|le|el|est|es|ist|=|是|为|的|答案"
)
_SKIP = re.compile(
    r"(?:(?<=\n)[ \t]*>[ \t]|(?<=\n)[ \t]*(?:```|~~~)[ \t]*\w*[ \t]*(?=\n)"
    r"|[\s:：*_`\"]|[=-]{3,}\s|-\s+(?=[$\\])|(?:therefore|thus|hence|simply|exactly|just|now|then"
    r"|clearly|definitely|indeed|also|given by"
    r"|equal to|therefore|daher|also|donc|por lo tanto)\b,?)*",
    re.IGNORECASE,
)
_ANSWER_PHRASE = re.compile(rf"(?:{_ANSWER})(?i:{_RIGHT}{_IS})")
_MARKER = re.compile(
    r"^[ \t*_]*A:|\"(?:choice|option|selection|selected(?:_option)?|letter)\"[ \t]*:"
    r"|<(?:final_?)?(?:answer|result)>|<final>|\[ANSWER\]"
    r"|^[ \t#*_]*ANSWER[ \t]+(?=[-$\\\d(])|\bAnswer\b[ \t*_]*(?=\\boxed|\n)"
    r"|^[ \t]*\|[ \t*_]*(?:[Ff]inal )?(?:[Aa]nswer|[Rr]esult)[ \t*_]*(?:\|[ \t]*)+(?=[^\n|])",  # a table's last row
    re.MULTILINE,
)
_HEADING = re.compile(
    r"^[ \t#*_✅]*(?:the )?(?:final |correct )?(?:answer|result|solution|lösung|ergebnis|resultado|résultat"
    rf"|{_ANSWER})(?: finale?| correcta?)?[ \t]*[*_]*[ \t]*:?[ \t]*[*_]*[ \t]*(?=\n)",
    re.IGNORECASE | re.MULTILINE,
)
_RESULT_PHRASE = re.compile(rf"(?:{_RESULT})(?i:{_IS})")
# What asserts an answer behind another one: a phrase, a marker, a box.
ASSERTION = re.compile(
    rf"(?:{_ANSWER})(?i:{_RIGHT}{_IS}(?:\s*(?:therefore|thus|simply|exactly|just|now|then|actually|really"
    rf"|option)\b)*)[\s*_]*"
    r"|(?i:^[ \t#*_✅]*(?:the )?(?:final )?answer[ \t*_:]*$)|####[ \t]*|^[ \t]*A:[ \t]*|\\boxed\s*\{|<answer>",
    re.MULTILINE,
)
# In front of a phrase or behind it: this is not what the text holds for the answer.
FALSE_BEFORE = re.compile(
    r"\b(?:wrong|incorrect|false|common|tempting|naive|first|initial|previous|old|falsche|错误的?)\s*(?:final )?$",
    re.IGNORECASE,
)
_NOT_FIRST = re.compile(r"(?:not|never|neither|nicht|pas|不是?)\b(?!\s*(?:only|just))|n't", re.IGNORECASE)
# "It isn't 14; it's 13", "can't be 14, so it must be 13"
_CORRECTION = re.compile(
    r"\b(?:not|\w+n't|cannot)\b(?! only)[^.\n]{1,60}?(?:[,;] ?(?:so |but |rather |hence |thus "
    r"|therefore )?(?:it|the answer)"
    r"(?:'s| is| must be| has to be| should be)|,? but(?: rather)?)(?= )",
    re.IGNORECASE,
)
_CONTRAST = re.compile(
    r"(?:not|n't)\b[^.\n]{0,80}?(?:\bbut(?: rather)?|[,;] ?(?:but )?(?:it's|it is)|\bsondern|\bmais|\bsino"
    r"|而是)\s+(.+)",
    re.IGNORECASE,
)
_END = re.compile(
    r"\n|(?<=\S)[.;!?](?=\s|$|<)(?<!\b[Nn]o\.)(?<!\bi\.e\.)(?<!\be\.g\.)|。|！|</(?:(?:final_?)?(?:answer|result)|final)>|\[/ANSWER\]"
)
_CELL = re.compile(r"[|\n]")
# A program that text follows: its names, `total = a + b`, say nothing of the answer.
_PROGRAM = re.compile(
    r"^[ \t]*(```|~~~)[ \t]*(?:python|py|javascript|js|java|c|cpp|c\+\+|julia|r|ruby|rust|go|bash|sh|sql|matlab)"
    r"\d?[ \t]*\n"
    r"(?:(?!\1)[^\n]*\n)*?[ \t]*\1(?=\s*\S)",
    re.IGNORECASE | re.MULTILINE,
)
_FENCED = re.compile(r"```|~~~")
# The heading of a whole solution, which ends with the answer and does not begin with it.
_SOLUTION = re.compile(r"solution|lösung", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_DISPLAY = re.compile(r"\\\[[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*?\\\]|\$\$[^$]*\$\$")
# The copula that ends a sentence in Korean and Japanese.
_POLITE = re.compile(r"(?<=[\d})$°%A-J])\s*(?:입니다|이다|이에요|예요|임|です|である|だ|になります|となります)[\s.]*$")
_MAX_STATEMENT, _MAX_PHRASES = 2_000, 8


class Statement(NamedTuple):
    """What a completion says that the answer is: the text, and where it begins and ends."""

    text: str
    start: int
    end: int


def statements(text: str, with_results: bool = True) -> Iterator[Statement]:
    """What follows phrases that announce the answer, the last of them first; then those of a result, "the total is"."""
    programs = [program.span() for program in _PROGRAM.finditer(text)] if _FENCED.search(text) else []
    for patterns in ((_ANSWER_PHRASE, _MARKER), (_HEADING,), (_RESULT_PHRASE, _CORRECTION))[: 3 if with_results else 2]:
        phrases = sorted(
            (
                phrase
                for pattern in patterns
                for phrase in pattern.finditer(text)
                if _starts_word(text, phrase.start()) and not any(a <= phrase.start() < b for a, b in programs)
            ),
            key=re.Match.start,
        )
        for phrase in reversed(phrases[-_MAX_PHRASES:]):
            statement = statement_at(text, phrase.end())
            if contrast := _CONTRAST.match(statement.text):
                statement = statement._replace(text=contrast[1])
            if statement.text and not _is_not_held(text, phrase, statement):
                yield statement._replace(start=phrase.start())


def _is_not_held(text: str, phrase: re.Match[str], statement: Statement) -> bool:
    """Whether what a phrase announces is not what the text holds for its answer: denied, supposed, or set as a task."""
    return bool(
        _NOT_FIRST.match(statement.text)
        or FALSE_BEFORE.search(text, max(0, phrase.start() - 20), phrase.start())
        or is_framed(text[max(0, phrase.end() - WINDOW - 1) : phrase.end()])
        or is_unanswered(text[max(0, phrase.start() - WINDOW) : statement.end])
        or (phrase.re is _HEADING and _SOLUTION.search(phrase[0]) and _DIGIT.search(text, statement.end))
    )


# "Wait, the answer is 8" behind an answer.
_TURNS_AROUND = re.compile(
    r"\W*(?:(?:but|oh|hmm+|ah),? )?(?:wait|no|sorry|actually|correction|oops|hold on"
    r"|on (?:second thoughts?|(?:further )?reflection|closer inspection))\b",
    re.IGNORECASE,
)


def corrected_statement(after: str) -> Statement | None:
    """What the words behind an answer say that it is instead; None where they do not turn from it."""
    return next(statements(after, with_results=False), None) if _TURNS_AROUND.match(after) else None


def announces_result(text: str, start: int) -> bool:
    """Whether the phrase at this place announces what was computed, a total or a value, and not the answer."""
    return bool(_RESULT_PHRASE.match(text, start))


def _starts_word(text: str, start: int) -> bool:
    """Whether a word begins here, instead of a part of a longer one."""
    return not (start and text[start].isascii() and text[start - 1].isalpha() and text[start - 1].isascii())


def statement_at(text: str, start: int) -> Statement:
    """What stands from a place up to the end of its sentence; from the next line on where that is blank."""
    filler = _SKIP.match(text, start)
    begin = filler.end() if filler else start
    if formula := _DISPLAY.match(text, begin, begin + _MAX_STATEMENT):
        return Statement(formula[0], begin, formula.end())
    end = (_CELL if "|" in text[max(0, start - 4) : start] else _END).search(text, begin, begin + _MAX_STATEMENT)
    stop = end.start() if end else min(len(text), begin + _MAX_STATEMENT)
    content = _POLITE.sub("", text[begin:stop].strip())
    return Statement(content.strip('*_`" ').strip(), begin, stop)
