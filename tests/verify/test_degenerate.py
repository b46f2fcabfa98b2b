"""Endless repeats are wrong, at once and always: never an abstention, or they would cost nothing in training."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from slmr.verify import verify
from slmr.verify.math import symbolic

UNITS = (
    "x",
    "a",
    "so ",
    "the answer ",
    "(",
    "{",
    "[",
    "\\frac{",
    "\\frac{1}{",
    "\\sqrt{",
    "\\sin ",
    "\\left(",
    "0",
    "1",
    "-",
    "+",
    "=",
    "$",
    "\\",
    "^",
    "_",
    "x^",
    "wait ",
    "\\boxed{",
    "7 ",
    "x+",
    "(x+1)",
    "\\text{a}",
    "\\pi",
    "\\cdot ",
    "|",
    "!",
    "?",
    ".",
    ", ",
    "; ",
    "\n",
    "\\\\",
    "& ",
    "哈",
    "é",
    "ab",
    "AB ",
    "Answer: ",
    "#### ",
    "**",
    "\\int ",
    "\\sum_{k=1}^{n}",
    "\\begin{pmatrix}",
    "1/",
    "2^",
    "\\log ",
    "\\infty",
    "e^",
    "i",
    "()",
    "{}",
    "[]",
    "{}^",
)
HEADS = ("The answer is ", "\\boxed{", "#### ", "Answer: ", "", "$", "So x = ")
GOLDS = {
    "math": ("42", "\\frac{1}{2}", "x+1", "(1,2)", "\\sqrt{3}"),
    "numeric": ("42", "7.5"),
    "choice": ("B",),
}


def degenerate(count: int, seed: int) -> Iterator[str]:
    """Completions that repeat a character, a word, brackets or LaTeX."""
    rng = Random(seed)
    for _ in range(count):
        unit = rng.choice(UNITS) + (rng.choice(UNITS) if rng.random() < 0.3 else "")
        yield rng.choice(HEADS) + unit * rng.randint(20, 900) + rng.choice(["", "}", "$", ".", "\n"])


@pytest.mark.parametrize("kind", list(GOLDS))
def test_repeats_are_wrong(kind):
    golds = GOLDS[kind]
    for number, text in enumerate(degenerate(350, seed=5)):
        verdict = verify(text, golds[number % len(golds)], kind)
        assert not verdict.abstained and not verdict.lenient, (text[:80], verdict)


# Quadratic work on texts of this size takes minutes, what is meant takes about a second: only a hang ends here.
@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "unit", ["the answer is ", "Answer: B or ", "#### ", "no, ", "it is 8, ", "\\boxed{8} or ", "½", "not "]
)
@pytest.mark.parametrize(
    ("kind", "answer"), [("math", "\\boxed{7} "), ("numeric", "#### 7\n"), ("choice", "Answer: B\n")]
)
def test_what_follows_an_answer_is_read_in_linear_time(unit, kind, answer):
    verdict = verify(answer + unit * (90_000 // len(unit)), "B" if kind == "choice" else "7", kind)
    assert not verdict.abstained


def test_a_late_check_is_late_once_only(monkeypatch):
    monkeypatch.setattr(symbolic.SymbolicPool.equal, "__defaults__", (0.2,))
    poison = "\\int_0^\\infty e^{-x^x}\\cos(x^x)dx"
    first = verify("\\boxed{43}", poison, "math")
    assert first.status == "timeout"
    monkeypatch.setattr(symbolic, "POOL", None)  # asked again, it would fail
    assert verify("\\boxed{43}", poison, "math").status == "timeout"
