"""The number that a stated answer names, "12 apples in all", where it does more than name one."""

from __future__ import annotations

import re
from itertools import pairwise

from slmr.verify.numeric.arithmetic import evaluate_arithmetic
from slmr.verify.numeric.closing_sentence import number_before_context
from slmr.verify.numeric.number import contradicts_itself, is_bound, parse
from slmr.verify.reading.denial import ends_in_denial, is_hedged, starts_with_denial
from slmr.verify.reading.plausibility import is_repetitive
from slmr.verify.reading.quantity import TIMES, WORDS, quantities
from slmr.verify.reading.statements import statements

_MAX_STATEMENT, _MAX_READ = 600, 4_000
_DENOMINATOR = re.compile(r"\}\s?\{\s?$")  # of a fraction whose top is a formula
_DENIES = re.compile(
    r"\b(?:not|n't|never|neither|nor|cannot|between|either|maybe|perhaps|possibly|nicht|pas)\b|n't|不",
    re.IGNORECASE,
)
# "30, no wait, 45"
_TURN = re.compile(r",?\s+(?:no|wait|actually|sorry|or rather|i mean|make that)\b[^\d\n]*\d", re.IGNORECASE)
# "30 if all of them came, but one did not": of a statement; `framing` has what follows "it would be 30".
_SUPPOSITION = re.compile(r"\b(?:if|unless|without)\b[^.!?\n]*\bbut\b", re.IGNORECASE)
_MARGIN = re.compile(r"[\s$]*(?:±|\+/-|\\pm(?![a-z]))")
_BUT = re.compile(r",?\s*(?:but|though|yet) (?:that|this|it)\b", re.IGNORECASE)
_CODE = re.compile(r"\blambda\b[^.\n]*:|\bdef \w+\(|\b(?:exec|eval|print|int|system)\s*\(|\)\(\)|__[a-z]+__")
# "There are 7 days, so 217": the number is what it comes to.
_CONCLUDES = re.compile(
    r"[,;]?\s*(?:and )?(?:so|hence|thus|therefore),? (?:(?:the answer|it|that) is |it's |we get |there are )?([^}]+)",
)
_NEXT_STEP = re.compile(r"[,;]\s+(?:(?:and|then|so)\s+)?")
_MODIFIES = re.compile(
    r"!|-\s*$|\s*(?:\+|\*|/|×|÷|\^|=)\s*$|\s*(?:degrees?|°[CF]?)?\s*below\b"
    rf"|\s*(?:at (?:most|least)|squared|cubed|factorial|plus|minus|{TIMES}|base|mod"
    r"|divided by|or)\b"
    r"|\s*[-+*/×÷^]\s*\d|\*\*\d|\s*(?:[π√]|pi\b)|\s*\+\s*[a-z]|\s*[-*×÷^]\s*\(?(?-i:[b-zA-HJ-Z]|a(?=\s*$))(?![\w'])"
    rf"|\s*(?:less|more|fewer|greater) than \$?(?:\d[\d.,]*|{WORDS.pattern})\W*$"
    rf"|\s*(?:to|through|until|and|-)\s*(?:{WORDS.pattern})",
    re.IGNORECASE,
)
_BECAUSE = re.compile(
    r"(?:,|\s[-—(])?\s*\b(?:because|since|as|which|when|where|given|so|after|weil|da|car"
    r"|porque)\b.*$|,\s+(?:and )?not\b.*$|\s+(?:rather than|instead of|and not)\b.*$|,\s+(?!(?:or|and|oder|ou"
    r"|maybe|perhaps|possibly|not)\b)(?:[a-z]|I\b).*$",
    re.DOTALL,
)


def is_code(text: str) -> bool:
    return bool(_CODE.search(text))


def is_supposition(statement: str) -> bool:
    """Whether a statement only says what would be if something else were."""
    return bool(_SUPPOSITION.search(statement))


def one_number(text: str) -> str | None:
    """The number in a stated answer such as "12 apples in all"; None if it names several or denies."""
    return named_number(text)[0]


def named_number(text: str) -> tuple[str | None, str]:
    """The number that a stated answer names, and what it goes on with, which may take the number back."""
    if parse(text) is not None:
        return text, _behind_number(text)
    if len(text) > _MAX_STATEMENT or is_bound(text) or is_code(text) or is_repetitive(text):
        return None, ""
    step = _last_step(text)
    if step or contradicts_itself(text):
        return step, ""
    for statement in statements(text):
        if parse(statement.text) is not None and not is_hedged(text[: statement.start]):
            return statement.text, _behind_number(statement.text)
    return (None, "") if is_supposition(text) else _in_sentence(text)


def _behind_number(text: str) -> str:
    last_side = text.rsplit("=", 1)[-1]
    numbers = quantities(last_side)
    return last_side[numbers[0].end :] if numbers else ""


def _in_sentence(text: str) -> tuple[str | None, str]:
    """The one number of a sentence that does more than name it, and what stands behind it."""
    plain = _BECAUSE.sub("", text)
    rest = text[len(plain) :]
    if _TURN.match(rest) or (_BUT.match(rest) and starts_with_denial(rest)):
        return None, ""
    if is_hedged(plain):
        numbers = quantities(plain)  # "7 or equivalently 14/2"
        is_same = len(numbers) > 1 and len({number.value for number in numbers}) == 1 and not _DENIES.search(plain)
        return (plain[numbers[0].start : numbers[0].end] if is_same else None), ""
    for part in (plain, text.rsplit("=", 1)[-1]):
        if parse(part) is not None:
            return part, _behind_number(part) + (rest if part is plain else "")
        numbers = quantities(part[:_MAX_READ])
        if numbers and len({number.value for number in numbers}) == 1:
            conclusion = _CONCLUDES.match(rest)
            if conclusion and parse(conclusion[1]) is not None:
                return conclusion[1], ""
            first, behind = numbers[0], part[numbers[-1].end :]
            before = part[: first.start]
            if ends_in_denial(before) or is_denominator(before, behind) or is_changed_behind(behind):
                continue
            if _MARGIN.match(part, first.end):
                continue
            return part[first.start : first.end], behind + (rest if part is plain else "")
    number = None if _CONCLUDES.match(rest) else number_before_context(plain, is_announced=True)
    return (plain[number.start : number.end], plain[number.end :] + rest) if number else (None, "")


def _last_step(text: str) -> str | None:
    """The result of sums that go on from each other: 17 of `3 × 4 = 12, 12 + 5 = 17`."""
    steps = [step.split("=") for step in _NEXT_STEP.split(text)]
    if len(steps) < 2 or any(len(step) != 2 for step in steps):
        return None
    values = [evaluate_arithmetic(left) for left, _ in steps]
    if None in values or any(parse(right) != value for (_, right), value in zip(steps, values, strict=True)):
        return None
    goes_on = all(right.strip() in left for (_, right), (left, _) in pairwise(steps))
    return steps[-1][1].strip() if goes_on else None


def is_denominator(before: str, behind: str) -> bool:
    """Whether a number is what the top of a fraction, a formula, is divided by: `\\frac{x}{4}`."""
    return bool(_DENOMINATOR.search(before)) and behind.lstrip().startswith("}")


def is_changed_behind(rest: str) -> bool:
    """Whether what follows a number makes it another one, or denies it."""
    return bool(_MODIFIES.match(rest)) or starts_with_denial(rest)
