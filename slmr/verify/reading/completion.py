"""The part of a completion that is graded: after its thought, before a made-up next turn, with characters folded."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

MAX_LENGTH = 100_000  # characters of a completion that are looked at, from its end

_THOUGHT = r"(?:think|thinking|thought|reasoning)"
_OPENS = re.compile(rf"[<\[◁]\|?\s*(?:{_THOUGHT}|begin_of_thought|seed:think)\s*\|?[>\]▷]", re.IGNORECASE)
_CLOSES = re.compile(rf"[<\[◁]\|?\s*(?:/\s*(?:{_THOUGHT}|seed:think)|end_of_thought)\s*\|?[>\]▷]", re.IGNORECASE)
_FINAL_CHANNEL = "<|channel|>final<|message|>"
_TOKEN = re.compile(
    r"<[|｜][^|｜<>\s]{1,40}[|｜]>|</?s>|<(?:eos|bos|pad|EOT|EOD|end_of_turn|start_of_turn|end_of_text"
    r"|end▁of▁sentence)>"
    r"|<</?SYS>>|<end_of_utterance>|\[/?INST\]|\[e~\["
)
# The prompt itself, before the answer.
_PROMPT = re.compile(
    r"\s*(?:<s>\s*)?(?:\[INST\].{0,20000}?\[/INST\]|<\|im_start\|>user\b.{0,20000}?<\|im_start\|>assistant\b"
    r"|<\|user\|>.{0,20000}?<\|assistant\|>)\s*",
    re.DOTALL,
)
_ROLE = re.compile(r"\s*(?:user|assistant|model|system|human)\b[ \t]*:?(?=\s|<)", re.IGNORECASE)
# A line that only a new turn or a new problem begins with.
_NEXT_TURN = re.compile(
    r"\n[ \t]*(?:(?:user|human|assistant|system|model)[ \t]*\n"
    r"|[#*>\d. ]{0,8}(?:Human|User|Assistant|Passage|Context|Question|Problem|Exercise|Instruction|Task|Example"
    r"|Prompt|Q|Input"
    r"|Frage|Aufgabe"
    r"|Pregunta|Problema|Pregunta|问题|题目|问|Вопрос|Задача|질문|問題)"
    r"[ \t]*\d{0,3}[ \t]*(?:\*\*)?[:：.]|(?:Question|Problem|Exercise|Example|Task) \d{1,3}[ \t]*\n"
    r"|\d{1,3}[.)] [^\n]*\?[ \t]*\n|#{1,5} (?:Question|Problem|Exercise|Task|Example"
    r"|Instruction)\b[^\n]{0,20}\n)",
)
# What a prompt asks for. Behind an answer, in a paragraph of its own, it belongs to a made-up problem.
_INSTRUCTS = re.compile(
    r"\b(?:end with ####|(?:put|give|write|state) (?:your|the) (?:final )?answer|(?:solve|answer) (?:it|this"
    r"|the) [^.\n]{0,30}step by step"
    r"|choose the (?:correct|best|right)|let's think step by step)",
    re.IGNORECASE,
)
_ECHO = re.compile(r"\W*Examples?\b", re.IGNORECASE)  # the prompt's own, not an answer
_ANSWER_MARK = re.compile(
    r"####[ \t]*[^\s#]|^A:[ \t]*\S|\\boxed\s*\{|\banswer\b[^\n]{0,30}?(?:\bis\b|[:：=])\W{0,8}\w|答案[是为：:]",
    re.IGNORECASE | re.MULTILINE,
)
_SPELLING = {
    # invisible characters
    **dict.fromkeys(
        map(ord, "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff\u00ad\ufe0e\ufe0f")
    ),
    **dict.fromkeys(map(ord, "\u2212\uff0d\ufe63\u2010\u2011\u2012\u2013"), "-"),
    **dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\u3000"), " "),
    **dict.fromkeys(map(ord, "\u2018\u2019\u02bc"), "'"),
    **dict.fromkeys(map(ord, "\u2022\u2219\u22c5"), "·"),
    **dict.fromkeys(map(ord, "\u00ba\u02da"), "°"),
    ord("\u2103"): "°C",
    ord("\u2109"): "°F",
    ord("\u2044"): "/",
    ord("\u2215"): "/",
}
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_SUPERSCRIPTS = str.maketrans("⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹ⁿˣ", "+-0123456789nx")
_RESPELLINGS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # A long dash between `=` and a number is a minus; anywhere else it may be one of the sentence.
    (re.compile(r"(?<==)([ \t]?)[—―][ \t]?(?=\\?\$?\.?\d)"), r"\1-"),
    (re.compile("[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹ⁿˣ]+"), lambda m: f"^{{{m[0].translate(_SUPERSCRIPTS)}}}"),
    (re.compile("[₀₁₂₃₄₅₆₇₈₉]+"), lambda m: f"_{{{m[0].translate(_SUBSCRIPTS)}}}"),
    (
        re.compile("(?<=\\d)[ ]?([¼-¾⅐-⅞])|([¼-¾⅐-⅞])"),
        lambda m: " " + _fraction(m[1]) if m[1] else _fraction(m[2]),
    ),
)


def without_chat_tokens(gold: str) -> str:
    """A gold answer without the tokens of a chat format that somebody left in it."""
    return _TOKEN.sub("", gold) if "<" in gold else gold


def graded_text(completion: str) -> str | None:
    """The text after the closed thought, up to a made-up next turn; None where a thought is never closed."""
    text = _CLOSES.split(completion.rsplit(_FINAL_CHANNEL, 1)[-1])[-1]
    if _OPENS.search(text):
        return None
    return _first_turn(text[-MAX_LENGTH:])


def open_thought(prompt: str) -> str:
    """The opening tag that a prompt ends with, and the space behind it; empty where it ends otherwise."""
    tag = next((tag for tag in _OPENS.finditer(prompt) if not prompt[tag.end() :].strip()), None)
    return prompt[tag.start() :] if tag else ""


def mentions_thought(text: str) -> bool:
    """Whether a text has the opening tag of a thought."""
    return _OPENS.search(text) is not None


def has_thought(completion: str) -> bool:
    """Whether a completion has a tag of a thought, opening or closing."""
    return mentions_thought(completion) or _CLOSES.search(completion) is not None


def closes_unopened_thought(completion: str) -> bool:
    """Whether a completion closes a thought that it did not open, since the chat template had opened it."""
    closing_tag = _CLOSES.search(completion)
    return closing_tag is not None and not mentions_thought(completion[: closing_tag.start()])


def _first_turn(text: str) -> str:
    """The text up to the first token of a chat format, or line of a next problem, that follows something."""
    prompt = _PROMPT.match(text)
    start = prompt.end() if prompt else 0
    while (token := _TOKEN.match(text, start)) or (start and (token := _ROLE.match(text, start))):
        start = token.end()
    first = _TOKEN.search(text, start)
    while first and not text[start : first.start()].strip():
        start = first.end()
        first = _TOKEN.search(text, start)
    return _first_problem(text[start : first.start() if first else len(text)]).rstrip()


# A transcript that goes on, and a paragraph that asks the next question behind `####`.
_TRANSCRIPT = re.compile(
    r"\n[ \t]*(?:User|Human)[ \t]*:[^\n]*(?:\n[^\n]{0,1000}){0,20}?\n[ \t]*(?:Assistant|AI|Bot)[ \t]*:",
    re.IGNORECASE,
)
_NEXT_QUESTION = re.compile(
    r"\n[ \t]*\n(?!\W{0,9}(?:wait|hmm|but|no|actually|let|is|so|oops|check|why|what if)\b)"
    r"(?=[^\n]{0,400}?\b(?:How (?:many|much|long|far|old|fast)|What (?:is|are|was)|Find|Calculate)\b[^\n]{0,200}\?)",
    re.IGNORECASE,
)


# A line that closes with a result: an equation, a conclusion, a number alone. A text that is one option.
_RESULT = re.compile(
    r"=|\b(?:is|are|so|thus|hence|therefore|total|altogether|in all|left|remain\w*)\b"
    r"|^\W*\d[\d.,]*\W*(?:[a-z]+\W*){0,3}$",
    re.IGNORECASE,
)
_ONE_OPTION = re.compile(r"\W*[A-J](?:[).:][^\n]{0,200}|\W*)")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_ANSWER_BEGINS = re.compile(r"\n[ \t*#]*(?:Answer|A|Solution|Assistant)\b|\n[ \t]*\n")
_MAX_PROBLEM = 1_000


def _is_new_problem(problem: str, before: str) -> bool:
    """Whether a problem behind a text is a made-up one: the text has a result, and none of the problem's numbers."""
    if _ONE_OPTION.fullmatch(before):
        return True
    last = before.rsplit("\n", 1)[-1]
    if not (_NUMBER.search(last) and _RESULT.search(last)):
        return False
    numbers = set(_NUMBER.findall(_ANSWER_BEGINS.split(problem, maxsplit=1)[0]))
    return bool(numbers) and numbers.isdisjoint(_NUMBER.findall(before))


def _first_problem(text: str) -> str:
    """The text before a next problem that the model made up after its answer."""
    transcript = _TRANSCRIPT.search(text)
    if transcript and text[: transcript.start()].strip():
        text = text[: transcript.start()]
    turn = _NEXT_TURN.search(text)
    if turn and _is_new_problem(text[turn.end() : turn.end() + _MAX_PROBLEM], text[: turn.start()].strip()):
        return text[: turn.start()]
    mark = _ANSWER_MARK.search(text)
    if not mark or _ECHO.match(text):
        return text
    turn = _NEXT_TURN.search(text, mark.end())
    end = turn.start() if turn else len(text)
    question = _NEXT_QUESTION.search(text, mark.end(), end) if mark[0].startswith("####") else None
    if question and "####" in text[question.end() : end]:
        end = question.start()
    instruction = _INSTRUCTS.search(text, mark.end(), end)
    if instruction:
        paragraph = text.rfind("\n\n", mark.end(), instruction.start())
        end = paragraph if paragraph >= 0 else end
    return text[:end]


def fold_characters(text: str) -> str:
    """One spelling of characters: full-width forms, dashes, blanks, vulgar fractions (`2 1/2`), exponents (`^{3}`)."""
    if text.isascii():
        return text
    plain = text.translate(_SPELLING)
    for pattern, spelling in _RESPELLINGS:
        plain = pattern.sub(spelling, plain)
    return "".join(map(_plain, plain))


def _plain(character: str) -> str:
    if character.isascii():
        return character
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    return (
        unicodedata.normalize("NFKC", character)
        if "！" <= character <= "～" or "𝐀" <= character <= "𝟿" or "Ⓐ" <= character <= "ⓩ"
        else character
    )


def _fraction(character: str) -> str:
    return unicodedata.normalize("NFKC", character).replace("\u2044", "/")


def non_blank_lines(text: str) -> list[str]:
    """The lines that are not blank."""
    return [line.strip() for line in text.splitlines() if line.strip()]
