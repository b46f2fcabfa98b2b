r"""Answers in words: `even`, a day, a time of day, a number in words, an option's letter in front of its value."""

from __future__ import annotations

import re

_WORD = re.compile(r"[A-Za-z][A-Za-z \-']*")
# `p - q`, `ab-cd`: letters with a minus, where a gold answer is not marked as text.
_DIFFERENCE = re.compile(r"\s-|-\s|[a-z]{1,2}(?:-[a-z]{1,2})+$", re.IGNORECASE)
# Marks around a word and within it, which say nothing; what is left of an answer has to be the word alone.
_AROUND_WORDS = re.compile(r"(?<=[a-z])-(?=[a-z])|[^a-z\d+*/^=<>,;-]|[,;]$")
_WORDS = {"yes", "no", "odd", "even", "true", "false", "none"}
_SENTENCE = re.compile(r"^(?:.*\b(?:is|are) (?!not\b))?(?:(?:an?|the) )?")
_CLOCK = re.compile(r"(\d{1,2})(?::(\d{2})\s*([aApP])?(?:\.?\s?[mM]\.?)?|\s*([aApP])\.?\s?[mM]\.?)")
_TIME = re.compile(r"(?<![\d:])\d{1,2}:\d{2}(?![\d:])(?:\s?[aApP]\.?\s?[mM]\b\.?)?")
# The letter of an option in front of its value: `\textbf{(C)}\ 9`.
_BLANK = r"(?:\s|\\[ ,;:]|~|\\q?quad)"
_OPTION = re.compile(  # no possessive quantifier: before Python 3.11.5 it takes too much of alternatives
    rf"\\(?:text|textbf|mathrm|mathbf)\s*\{{\s*(?:\(([A-J])\)|([A-J])[.:)])\s*\}}{_BLANK}*(?!{_BLANK})"
    r"(?!(?:\\text\w*\s*\{\s*)?(?:and|or)\b)(?=[^\s.,;:+*/=&])"
    rf"|\(([A-J])\){_BLANK}+(?=[-$\d\\])"
)


def same_words(mine: str, theirs: str, is_text: bool) -> bool | None:
    """Compares words; None where gold is no word. `ab` is a product unless it is marked as text."""
    plain = theirs.lower().strip()
    if not _WORD.fullmatch(theirs) or len(plain) < 2:
        return None
    if not (is_text or plain in _WORDS or (len(plain) >= 5 and "\\" not in mine)):
        return None
    if not is_text and _DIFFERENCE.search(theirs):
        return None
    if "\\" in mine or "(" in mine:
        return False if is_text and plain not in mine.lower() and "\\text" not in mine else None
    if plain in _WORDS and (first := re.match(r"([a-z]+)[,.;:]\s+[a-z]", mine.lower())) and first[1] in _WORDS:
        return first[1] == plain  # "Yes, it is"
    letters = re.sub(r"[^a-z]", "", plain)
    return letters in (_AROUND_WORDS.sub("", side.lower()) for side in (mine, _SENTENCE.sub("", mine)))


def same_clock(mine: str, theirs: str) -> bool | None:
    """Whether two times of day agree; the half of the day may be missing in the answer. None for anything else."""
    left, right = _CLOCK.fullmatch(mine), _CLOCK.fullmatch(theirs)
    if not left or not right:
        return None
    halves = [(side[3] or side[4] or "").lower() for side in (left, right)]
    times = [(int(side[1]), side[2] or "00") for side in (left, right)]
    return times[0] == times[1] and (halves[0] == halves[1] or not halves[0])


def clock_at_end(sentence: str) -> tuple[str, int] | None:
    """The time of day that a sentence ends with, and where it begins; None where it names none or several."""
    times = [*_TIME.finditer(sentence)]
    is_last = len(times) == 1 and not re.search(r"\w", sentence[times[0].end() :]) and "n't " not in sentence
    return (times[0][0], times[0].start()) if is_last else None


def split_option_label(answer: str) -> tuple[str, str] | None:
    r"""The letter and the value of `\textbf{(C)}\ 9`; None where no option's letter stands in front."""
    label = _OPTION.match(answer)
    return (label[1] or label[2] or label[3], answer[label.end() :]) if label else None
