"""Where the answer of a formula task stands in a completion, and in a gold text."""

from __future__ import annotations

import pytest

from slmr.verify.mathanswer import extract, gold_answer
from slmr.verify.verdict import Answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"So \boxed{4}.", Answer("4", True, ".")),
        (r"\boxed{\boxed{4}}", Answer("4", True)),
        (r"\boxed{3} at first; in the end \boxed{4}", Answer("4", True)),
        (r"\boxed{4}. Wait, that is wrong", None),
        (r"The answer is $x+1$, since it fits.", Answer("x+1", False)),
        (r"The answer is $1$ and $2$ for both", Answer("1, 2", False)),
        ("The answer is 7", Answer("7", False)),
        (r"We get $\frac{1}{2}$.", Answer(r"\frac{1}{2}", False)),
        (r"50 is $50$\%", Answer("50", False)),
        (r"$50$\%", Answer(r"50\%", False)),
        ("x + 1", Answer("x + 1", False)),
        ("Then 3 and 4 make 7", Answer("7", False)),
        ("", None),
        ("I was wrong", None),
    ],
)
def test_where_the_answer_stands(text: str, answer: Answer | None) -> None:
    assert extract(text) == answer


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        (" 5 ", "5"),
        (r"A long solution. \boxed{7}", "7"),
        (r"\frac{1}{2}", r"\frac{1}{2}"),
        ("so it goes on and on " * 12 + ". The answer is $9$", "$9$"),
        ("The answer is 9", "The answer is 9"),  # short: the whole text is the answer
    ],
)
def test_the_answer_that_a_gold_holds(gold: str, answer: str) -> None:
    assert gold_answer(gold) == answer
