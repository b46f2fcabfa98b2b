r"""Finds the math answer of a completion: the last `\boxed{}`, else what it says the answer is."""

from __future__ import annotations

import re

from slmr.verify import mathexpr, numeric
from slmr.verify.extract import boxed, closing, last_lines, retracted, said
from slmr.verify.verdict import Answer

_TAIL = 4_000
_SHORT = 200  # characters; a longer gold is a solution, not an answer
_DOLLARS = re.compile(
    r"\$\$(.+?)\$\$|(?<!\\)\$([^$\n]+?)(?<!\\)\$|\\\[(.+?)\\\]|\\\(([^\n]+?)\\\)", re.DOTALL
)
_BECAUSE = re.compile(r",?\s+(?:because|since|as|so|which|when|where|by)\b.*$", re.DOTALL)
_CONCLUDES = re.compile(r"(?:therefore|thus|hence|so|consequently|finally)\b", re.IGNORECASE)
_FAREWELL = re.compile(r"i hope\b", re.IGNORECASE)
_JOINED = re.compile(r"\s*(?:,|,?\s*and|,?\s*or)\s*")


def extract(text: str) -> Answer | None:
    """The answer of a completion; None where there is none or it is taken back."""
    boxes = boxed(text)
    if boxes:
        last = closing(boxes, text)
        return Answer(_unboxed(last[0]), True, last[1]) if last else None
    stated = said(text)
    if stated:
        return _within(stated.text)
    lines = last_lines(text[-_TAIL:])
    if not lines or retracted(lines[-1]):
        return None
    return _closing_math(text[-_TAIL:].strip()) or _bare(lines)


def gold_answer(gold: str) -> str:
    """The answer that a gold text holds: its boxes, what a solution says that the answer is, else all of it."""
    boxes = boxed(gold)
    if boxes:
        return _unboxed(boxes[-1][0])
    stated = said(gold) if len(gold) > _SHORT else None
    within = _within(stated.text) if stated else None
    return within.text if within else gold.strip()


def _unboxed(text: str) -> str:
    inner = boxed(text)
    return inner[-1][0] if inner and inner[-1][1] == len(text) and text.startswith("\\") else text


def _segments(text: str) -> list[tuple[str, int, int]]:
    found = [(next(g for g in m.groups() if g), m.start(), m.end()) for m in _DOLLARS.finditer(text)]
    return [(content.strip(), start, end) for content, start, end in found]


def _joined(text: str, segments: list[tuple[str, int, int]]) -> str:
    """The last formula of a text, with those before it that `and`, `or` or a comma joins to it."""
    answer, start = segments[-1][0], segments[-1][1]
    for content, begin, end in reversed(segments[:-1]):
        if not _JOINED.fullmatch(text[end:start]):
            break
        answer, start = f"{content}, {answer}", begin
    return answer


def _within(text: str) -> Answer | None:
    """The answer in what follows "the answer is": its formula, or the text without its explanation."""
    if mathexpr.is_number(text):
        return Answer(text, False)
    segments = _segments(text)
    if segments and len(text) > len(segments[-1][0]) + 4:
        after = text[segments[-1][2] :]
        number = _number_of(after.rsplit(" is ", 1)[-1]) if " is " in after else None
        return Answer(number or _joined(text, segments), False)
    plain = _BECAUSE.sub("", text).strip()
    if mathexpr.is_number(plain) or not re.search(r"[A-Za-z]{3,} [A-Za-z]{2,}", plain):
        return Answer(plain, False)
    number = _number_of(plain.rsplit(" is ", 1)[-1])
    return Answer(number or plain, False)


def _number_of(text: str) -> str | None:
    answer = numeric._one_number(text)
    return answer.text if answer else None


def _closing_math(text: str) -> Answer | None:
    """The formula that the last sentence holds, if no plain number stands behind it."""
    segments = _segments(text)
    if not segments:
        return None
    content, start, end = segments[-1]
    after = text[end:]
    if len(after) > 200 or re.search(r"\d", after) or "\n\n" in after.strip():
        return None
    lone = start == 0 and re.match(r"\s*(?:%|\\%|percent|pct)", after)
    if lone:
        return Answer(content + "\\%", False)
    if text[:start].strip().lower() in ("odd", "even", "all"):
        return Answer(text, False)
    return Answer(_joined(text, segments), False)


def _bare(lines: list[str]) -> Answer | None:
    """A text that is only an answer, else the last equation's right side, else the last number."""
    last = lines[-1].strip("*_ ")
    plain = _BECAUSE.sub("", last)
    if mathexpr.is_number(plain):
        return Answer(plain, False)
    prose = re.search(
        r"[A-Za-z]{3,}[^A-Za-z\\]+[a-z]{2,}|[\u0600-\u06ff\u4e00-\u9fff]", re.sub(r"\\[a-z]+", "", last)
    )
    if len(lines) == 1 and len(last) <= 2_000 and not prose:
        return Answer(last, False)
    if "\\" in last.replace("\\$", ""):
        return _conclusion(last)
    return numeric.extract("\n".join(lines[-3:]))


def _conclusion(text: str) -> Answer | None:
    """The one number in the last sentence of a solution, if that sentence draws the conclusion."""
    sentences = [s for s in re.split(r"(?<=[.!?$])\s+(?=[A-Z])", text) if not _FAREWELL.match(s)]
    if not sentences or not _CONCLUDES.match(sentences[-1]) or retracted(text[-200:]):
        return None
    number = _number_of(sentences[-1])
    return Answer(number, False) if number else None
