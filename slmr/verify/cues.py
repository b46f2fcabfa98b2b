"""The words that announce an answer, in the languages that models write: shared by all kinds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_EN = r"(?:final |correct |right |best |true |actual |exact |overall |our |my |the )*"
# Nouns for the answer itself.
_ANSWER = (
    rf"\b{_EN}answer\b|(?:\b(?:richtige |endgültige |finale |korrekte )*Antwort\b)|\b(?:bonne )?réponse(?: finale"
    rf"| correcte| exacte)*"
    r"|\brespuesta(?: final| correcta)*|\bresposta(?: final| correta)*|\brisposta(?: finale| corretta| esatta)*"
    r"|(?:最终|正确|最後)?的?答案|(?:最終的な)?答え"
    r"|正解|回答|解答|(?:최종 )?(?:정답|답)|\b(?:правильный |окончательный |итоговый )*ответ\b|الإجابة|الجواب|उत्तर|উত্তর"
    r"|\bđáp án|\bcevap"
)
# Nouns for what was computed; weaker, since a solution names several.
_RESULT = (
    r"\b(?:result|solution|value|total)\b|\b(?:Ergebnis|Lösung|Resultat|Gesamtzahl|Wert)\b|\brésultat\b"
    r"|\bsolution\b|\bvaleur\b|\bresultado\b|\bsolución\b"
    r"|\bvalor\b|\btotal\b|\brisultato\b|结果|结论"
)
_IS = (
    r"(?:\s+(?:to|of|for|here|then|therefore|thus)\b[^\n.:=?]{0,60}?)??[\s*_}]*(?:(?:\b(?:is|are|was|ist|lautet"
    r"|beträgt|sind|est|vaut|es|son|é|è|are)\b(?!n't)"
    r"|\b(?:should|must|would|will|has to|can only) be\b|\bequals?\b"
    r"|应该是|应为|应该为|应是|是|为|は|が|은|는|이|:|：|=|—"
    r"|-(?=\s))[\s*_}]*)"
)
FILLER = (
    r"be|is|are|was|equals?(?: to)?|simply|just|the|an?|answer|value|option|choice|exactly|really|necessarily"
    r"|think|believe|say|claim|that|it|this|to|true"
    r"|correct|right|possibly|likely|final|result|number|die|das|der|la|le|el|est|es|ist|=|是|为|的|答案"
)
_SKIP = re.compile(
    r"(?:[\s:：*_`>]|(?:therefore|thus|hence|simply|exactly|just|now|then|clearly|definitely|indeed|also|given by"
    r"|equal to|therefore|daher|also|donc|por lo tanto)\b,?)*",
    re.IGNORECASE,
)
_STRONG = re.compile(
    rf"(?:(?:{_ANSWER}){_IS}|(?:^|(?<=\n))[ \t*_]*(?-i:A):|<answer>|\bAnswer\b[ \t*_]*(?=\\boxed|\n))",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"(?:^|(?<=\n))[ \t#*_✅]*(?:the )?(?:final |correct )?(?:answer|result"
    r"|solution)[ \t]*[*_]*[ \t]*:?[ \t]*[*_]*[ \t]*(?=\n)",
    re.IGNORECASE,
)
_WEAK = re.compile(rf"(?:{_RESULT}){_IS}", re.IGNORECASE)
# What asserts an answer behind another one: a cue, a marker, a box.
ASSERTS = re.compile(
    rf"(?:{_ANSWER}){_IS}(?:\s*(?:therefore|thus|simply|exactly|just|now|then|actually|really|option)\b)*[\s*_]*"
    rf"|####[ \t]*|\\boxed\s*\{{|<answer>"
    r"|(?:^|(?<=\n))[ \t#*_✅]*(?:the )?(?:final )?answer[ \t*_:]*$",
    re.IGNORECASE,
)
_END = re.compile(r"\n|(?<=\S)[.;!?](?=\s|$|<)(?<!\b[Nn]o\.)|。|！|</answer>")
_DISPLAY = re.compile(r"\\\[[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*?\\\]|\$\$[^$]*\$\$")
MAX_STATEMENT, MAX_CUES = 2_000, 8


class Statement(NamedTuple):
    """What a completion says that the answer is: the text, and where it begins and ends."""

    text: str
    start: int
    end: int


def statements(text: str, weak: bool = True) -> Iterator[Statement]:
    """What follows the cues, the last of them first: those of the answer, then those of a result."""
    for pattern in (_STRONG, _HEADING, _WEAK)[: 3 if weak else 2]:
        for cue in reversed(list(pattern.finditer(text))[-MAX_CUES:]):
            found = statement(text, cue.end())
            if found.text:
                yield Statement(found.text, cue.start(), found.end)


def statement(text: str, start: int) -> Statement:
    """What stands from a place up to the end of its sentence; from the next line on where that is blank."""
    skipped = _SKIP.match(text, start)
    begin = skipped.end() if skipped else start
    displayed = _DISPLAY.match(text, begin, begin + MAX_STATEMENT)
    if displayed:
        return Statement(displayed[0], begin, displayed.end())
    end = _END.search(text, begin, begin + MAX_STATEMENT)
    stop = end.start() if end else min(len(text), begin + MAX_STATEMENT)
    return Statement(text[begin:stop].strip().strip("*_` ").strip(), begin, stop)
