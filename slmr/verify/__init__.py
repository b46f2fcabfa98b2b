"""Answer checkers: text in, verdict out. Usable alone; needs neither torch nor lm-eval.

```python
from slmr.verify import verify

verify("3 + 4 = 7. #### 7", "7", "numeric").strict  # True
```

`numeric`, `math` and `choice` are the checkers; each has a module `answer` with `extract`, which finds the answer of a
completion. `reading` is what they share to read a text, `algebra` computes with expressions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, cast, get_args

from slmr.verify.choice import answer as choice_answer
from slmr.verify.math import answer as math_answer
from slmr.verify.math import equality, symbolic
from slmr.verify.numeric import answer as numeric_answer
from slmr.verify.reading.completion import fold_characters, graded_text, without_chat_tokens
from slmr.verify.reading.denial import Compare, is_denied, is_refusal
from slmr.verify.reading.plausibility import may_be_formula
from slmr.verify.reading.retraction import is_retracted
from slmr.verify.reading.rivals import has_rival
from slmr.verify.verdict import Answer, Kind, Status, Verdict

__all__ = [
    "CHECKER_VERSIONS",
    "Kind",
    "Status",
    "Verdict",
    "checker_version",
    "in_form",
    "verify",
    "verify_batch",
]

# Raised when a verdict of the golden file changes, or of a published completion that the present version judged
# (`python -m studies.flips`): rows of different versions are not ranked together.
CHECKER_VERSIONS: dict[Kind, str] = {"numeric": "7", "math": "7", "choice": "7"}

MAX_ANSWER = 10_000  # characters of one answer
MAX_SYMBOLIC = 2_000  # characters of an answer that the symbolic worker is given

# A decision: right or wrong, or a status that abstains, and why.
_Decision = tuple[bool | Status, str]


def checker_version(kind: Kind) -> str:
    """The version of a kind's checker, e.g. `numeric-1`."""
    return f"{kind}-{CHECKER_VERSIONS[_check_kind(kind)]}"


def verify(completion: str, gold: str, kind: Kind) -> Verdict:
    """Checks a completion's answer against gold.

    Pure and safe to call from any thread or process. Only what follows a closed think block counts;
    a thought that is never closed is no answer.

    Raises:
        ValueError: there is no such kind.
        TypeError: the completion or gold is no text.
    """
    for name, value in (("completion", completion), ("gold", gold)):
        if not isinstance(value, str):
            raise TypeError(f"{name} is {type(value).__name__}, not a text; rewards also take numbers and messages")
    start = time.perf_counter()
    checker = _CHECKERS[_check_kind(kind)]
    right_answer = _right_answer(gold, kind)
    if right_answer is None:
        return _verdict("malformed_gold", None, f"gold {gold[:80]!r} cannot be read as {kind}", start)
    text = graded_text(completion)
    if text is None:
        return _verdict("no_answer", None, "the thought is never closed", start)
    if kind == "math" and text.strip() == gold.strip() and "\\boxed" not in text:
        return _verdict("correct", Answer(text.strip(), False), "is gold, word for word", start)
    answer = checker.extract(fold_characters(text))
    if answer is None or not answer.text.strip():
        return _verdict("no_answer", None, "no answer found", start)
    if len(answer.text) > MAX_ANSWER:
        return _verdict("wrong", answer, "longer than any answer", start)
    decision, reason = checker.decide(answer.text, right_answer)
    if decision is True and not _stands(answer, lambda text: checker.compare_start(text, right_answer)):
        return _verdict("wrong", answer, "denied, or taken back afterwards", start)
    if isinstance(decision, str):
        return _verdict(decision, answer, reason, start)
    return _verdict("correct" if decision else "wrong", answer, reason, start)


def _stands(answer: Answer, compare: Compare) -> bool:
    """Whether a right answer is neither denied where it stands nor taken back afterwards."""
    after = answer.after
    if not answer.before and not after.strip(" \t\r\n."):
        return True
    if is_denied(answer.before, after, compare) or has_rival(answer.before, after, compare):
        return False
    return not after.strip(" \t\r\n.$*") or not (is_refusal(after) or is_retracted(after, compare))


def in_form(completion: str, kind: Kind) -> bool:
    """Whether a completion answers in the form that the prompt asks for, right or wrong.

    Raises:
        ValueError: there is no such kind.
    """
    text = graded_text(completion)
    answer = None if text is None else _CHECKERS[_check_kind(kind)].extract(fold_characters(text))
    return answer is not None and answer.strict


def verify_batch(completions: Sequence[str], golds: Sequence[str], kind: Kind | Sequence[Kind]) -> list[Verdict]:
    """`verify` over many, in order. Math answers that need the symbolic workers use all of them at once.

    Raises:
        ValueError: there is no such kind, or the lengths differ.
    """
    kinds: list[Kind] = [cast(Kind, kind)] * len(completions) if isinstance(kind, str) else list(kind)
    if not len(completions) == len(golds) == len(kinds):
        raise ValueError(f"{len(completions)} completions, {len(golds)} golds, {len(kinds)} kinds")
    if "math" not in kinds:
        return list(map(verify, completions, golds, kinds))
    # The exact part holds the interpreter's lock; threads serve the wait for the workers only.
    with ThreadPoolExecutor(symbolic.POOL.size) as threads:
        return list(threads.map(verify, completions, golds, kinds))


def _check_kind(kind: Kind) -> Kind:
    if kind not in get_args(Kind):
        raise ValueError(f"unknown kind {kind!r}: the kinds are {', '.join(get_args(Kind))}")
    return kind


def _verdict(status: Status, answer: Answer | None, reason: str, start: float) -> Verdict:
    is_right = status == "correct"
    strict = is_right and answer is not None and answer.strict
    if is_right and not strict:
        reason = "right, but not in the requested form"
    elapsed = 1000 * (time.perf_counter() - start)
    return Verdict(status, strict, is_right, answer.text[:MAX_ANSWER] if answer else None, reason, elapsed)


@lru_cache(maxsize=4096)
def _right_answer(gold: str, kind: Kind) -> Any:
    """The right answer as a kind's checker compares it: a number, a formula, a letter; None where gold holds none."""
    if kind == "numeric":
        return numeric_answer.parse_gold(without_chat_tokens(gold))
    if kind == "choice":
        return choice_answer.parse_gold(without_chat_tokens(gold))
    formula = math_answer.gold_answer(fold_characters(without_chat_tokens(gold[: 4 * MAX_ANSWER])))
    is_readable = 0 < len(formula) <= equality.MAX_CHARS and equality.depth(formula) <= equality.MAX_DEPTH
    return formula if is_readable else None


def _decide_numeric(answer: str, number: Fraction) -> _Decision:
    is_right = numeric_answer.matches(answer, number)
    return is_right, f"equals {number}" if is_right else f"is not {number}"


def _decide_choice(answer: str, letter: str) -> _Decision:
    is_right = choice_answer.matches(answer, letter)
    return is_right, f"names {letter}" if is_right else f"does not name {letter} alone"


def _decide_math(answer: str, formula: str) -> _Decision:
    is_equal = equality.decide(answer, formula)
    if is_equal is not None:
        return is_equal, "decided exactly"
    if len(answer) > MAX_SYMBOLIC or not may_be_formula(answer, formula):
        return False, "no formula that could equal gold"
    try:
        return symbolic.equal(answer, formula), "decided by math-verify"
    except symbolic.SymbolicTimeout as error:
        if equality.is_number(formula) and not equality.is_readable(answer):
            return False, "unreadable, beside a plain number"
        return "timeout", str(error)
    except symbolic.SymbolicError as error:
        return "checker_error", str(error)


@dataclass(frozen=True, slots=True)
class _Checker:
    """The checks of one kind: find the answer, decide on it, compare the start of a text with the right one."""

    extract: Callable[[str], Answer | None]
    decide: Callable[[str, Any], _Decision]
    compare_start: Callable[[str, Any], bool | None]


_CHECKERS: dict[Kind, _Checker] = {
    "numeric": _Checker(numeric_answer.extract, _decide_numeric, numeric_answer.compare_start),
    "choice": _Checker(choice_answer.extract, _decide_choice, choice_answer.compare_start),
    "math": _Checker(math_answer.extract, _decide_math, math_answer.compare_start),
}
