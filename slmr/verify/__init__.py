"""Answer checkers: text in, verdict out. Usable alone; needs neither torch nor lm-eval.

```python
from slmr.verify import verify

verify("3 + 4 = 7. #### 7", "7", "numeric").strict  # True
```
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import cast, get_args

from slmr.verify import choice, mathanswer, mathexpr, numeric, symbolic
from slmr.verify.extract import MAX_ANSWER, fold, restated, visible
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

# Raised whenever a verdict can change; rows of different versions are not ranked together.
CHECKER_VERSIONS: dict[Kind, str] = {"numeric": "4", "math": "4", "choice": "4"}

MAX_SYMBOLIC = 2_000  # characters of an answer that the symbolic worker is given

# A decision: right or wrong, or a status that abstains, and why.
_Decision = tuple[bool | Status, str]


def checker_version(kind: Kind) -> str:
    """The version of a kind's checker, e.g. `numeric-1`."""
    return f"{kind}-{CHECKER_VERSIONS[_known(kind)]}"


def verify(completion: str, gold: str, kind: Kind) -> Verdict:
    """Checks a completion's answer against gold.

    Pure and safe to call from any thread or process. Only what follows a closed think block counts;
    a thought that is never closed is no answer.

    Raises:
        ValueError: there is no such kind.
    """
    start = time.perf_counter()
    extract, decide = _CHECKERS[_known(kind)]
    if not _gold_parses(gold, kind):
        return _verdict("malformed_gold", None, f"gold {gold[:80]!r} cannot be read as {kind}", start)
    text = visible(completion)
    if text is None:
        return _verdict("no_answer", None, "the thought is never closed", start)
    if kind == "math" and text.strip() == gold.strip() and "\\boxed" not in text:
        return _verdict("correct", Answer(text.strip(), False), "is gold, word for word", start)
    answer = extract(fold(text))
    if answer is None or not answer.text.strip():
        return _verdict("no_answer", None, "no answer found, or it was taken back", start)
    if len(answer.text) > MAX_ANSWER:
        return _verdict("wrong", answer, "longer than any answer", start)
    decision, reason = decide(answer.text, fold(gold))
    if decision is True and any(_contradicts(text, fold(gold), kind) for text in restated(answer.after)):
        return _verdict("wrong", answer, "says afterwards that the answer is another", start)
    if isinstance(decision, str):
        return _verdict(decision, answer, reason, start)
    return _verdict("correct" if decision else "wrong", answer, reason, start)


def in_form(completion: str, kind: Kind) -> bool:
    """Whether a completion answers in the form that the prompt asks for, right or wrong.

    Raises:
        ValueError: there is no such kind.
    """
    text = visible(completion)
    answer = None if text is None else _CHECKERS[_known(kind)][0](fold(text))
    return answer is not None and answer.strict


def verify_batch(
    completions: Sequence[str], golds: Sequence[str], kind: Kind | Sequence[Kind]
) -> list[Verdict]:
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


def _known(kind: Kind) -> Kind:
    if kind not in get_args(Kind):
        raise ValueError(f"unknown kind {kind!r}: the kinds are {', '.join(get_args(Kind))}")
    return kind


def _verdict(status: Status, answer: Answer | None, reason: str, start: float) -> Verdict:
    right = status == "correct"
    strict = right and answer is not None and answer.strict
    if right and not strict:
        reason = "right, but not in the requested form"
    elapsed = 1000 * (time.perf_counter() - start)
    return Verdict(status, strict, right, answer.text[:MAX_ANSWER] if answer else None, reason, elapsed)


def _decide_numeric(answer: str, gold: str) -> _Decision:
    value = numeric.parse(gold)
    assert value is not None  # verify has tried gold
    right = numeric.matches(answer, value)
    return right, f"equals {value}" if right else f"is not {value}"


def _decide_choice(answer: str, gold: str) -> _Decision:
    letter = choice.parse_gold(gold)
    assert letter is not None  # verify has tried gold
    right = choice.matches(answer, letter)
    return right, f"names {letter}" if right else f"does not name {letter} alone"


def _decide_math(answer: str, gold: str) -> _Decision:
    gold = mathanswer.gold_answer(gold)
    decided = mathexpr.decide(answer, gold)
    if decided is not None:
        return decided, "decided exactly"
    if len(answer) > MAX_SYMBOLIC:
        return False, "too long for the symbolic check"
    try:
        return symbolic.equal(answer, gold), "decided by math-verify"
    except symbolic.SymbolicTimeout as error:
        return "timeout", str(error)
    except symbolic.SymbolicError as error:
        return "checker_error", str(error)


def _contradicts(stated: str, gold: str, kind: Kind) -> bool:
    """Whether a text that stands behind a right answer plainly names another one."""
    if kind == "choice":
        letter = choice.parse(stated)
        return letter is not None and letter != choice.parse_gold(gold)
    value = numeric.parse(stated)
    if kind == "numeric":
        return value is not None and value != numeric.parse(gold)
    return value is not None and mathexpr.decide(stated, mathanswer.gold_answer(gold)) is False


@lru_cache(maxsize=4096)
def _gold_parses(gold: str, kind: Kind) -> bool:
    if kind == "numeric":
        return numeric.parse(fold(gold)) is not None
    if kind == "choice":
        return choice.parse_gold(gold) is not None
    answer = mathanswer.gold_answer(gold[: 4 * MAX_ANSWER])
    return 0 < len(answer) <= mathexpr.MAX_CHARS and mathexpr.depth(answer) <= mathexpr.MAX_DEPTH


_CHECKERS: dict[Kind, tuple[Callable[[str], Answer | None], Callable[[str, str], _Decision]]] = {
    "numeric": (numeric.extract, _decide_numeric),
    "math": (mathanswer.extract, _decide_math),
    "choice": (choice.extract, _decide_choice),
}
