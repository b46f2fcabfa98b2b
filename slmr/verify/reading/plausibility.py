"""What cannot be an answer, whatever gold is: endless repetition, unbalanced brackets, prose instead of a formula."""

from __future__ import annotations

import re

# One thing a dozen times over, or one number with blanks between: no answer is written so unless gold is. Digits and
# brackets alone may repeat.
_REPETITION = re.compile(
    r"([^\d\s.()\[\]{}]|(?!\d{1,12}\d)\S.{1,11}?)\s?(?:\1\s?){11}|(?<!\d)(\d{1,6}\s)\2{11}", re.DOTALL
)
_PAIRS = {")": "([", "]": "([", "}": "{"}
_COMMAND = re.compile(r"\\[a-zA-Z]+")
_WORD = re.compile(r"[A-Za-z]{3,}")
_KNOWN = set(
    "sin cos tan cot sec csc sinh cosh tanh coth log exp arcsin arccos arctan arcsinh arccosh arctanh"
    " arsinh arcosh artanh"
    " asin acos atan asinh acosh atanh floor ceil abs gcd lcm min max sqrt and mod det deg arg dim ker lim sum prod"
    " int inf sup pmatrix bmatrix vmatrix matrix array cases binom frac sgn sign".split()
)
_UNFINISHED = re.compile(
    r"(?:(?<!\^)(?<!\^\{)(?<!_)[-+*/]|[=^_<>]|\\(?:div|pm|mp|cup|cap|in|to))\s*$"
)  # "4 +" ends with its sign
_HALF_OPEN = re.compile(r"\[[^()\[\]]*\)|\([^()\[\]]*\]")
_SOMETHING = re.compile(r"[^\W_]|[∞∅∪]")
_CODE = re.compile(r"[\"@#?`]|\(\s*\)|\bdef\b|=>|::")


def is_repetitive(text: str) -> bool:
    """Whether a text repeats one thing a dozen times or more."""
    return len(text) > 24 and any((m[1] or m[2]).strip("()[]{} ") for m in _REPETITION.finditer(text))


def is_implausible(answer: str, gold: str) -> bool:
    """Whether an answer, spelled as gold is, cannot be one: a repeat that gold does not have, or something open."""
    if _UNFINISHED.search(answer) and not _UNFINISHED.search(gold):
        return True
    return (is_repetitive(answer) and not is_repetitive(gold)) or (not is_balanced(answer) and is_balanced(gold))


def is_balanced(text: str) -> bool:
    """Whether every bracket is closed; `[1, 2)` and `)1, 2(` may be intervals, so round and square are one kind."""
    open_brackets: list[str] = []
    for character in text:
        if character in "([{":
            open_brackets.append(character)
        elif character in _PAIRS and (not open_brackets or open_brackets.pop() not in _PAIRS[character]):
            return False
    return not open_brackets


def may_be_formula(answer: str, gold: str) -> bool:
    """Whether an answer that was not read may be a formula all the same: no code, no prose unless gold has some."""
    if _CODE.search(answer) or not _SOMETHING.search(answer):
        return False
    if len(answer) > 100 + 4 * len(gold) or (_HALF_OPEN.search(answer) and not _HALF_OPEN.search(gold)):
        return False
    words, known = (set(_WORD.findall(_COMMAND.sub(" ", text))) for text in (answer, gold))
    return words <= (_KNOWN | known)
