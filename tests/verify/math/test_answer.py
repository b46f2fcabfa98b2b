"""Where the answer of a formula task stands in a completion, and in a gold text."""

from __future__ import annotations

import pytest

from slmr.verify import verify
from slmr.verify.math.answer import compare_start, extract, gold_answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"So \boxed{4}.", ("4", True)),
        (r"\boxed{\boxed{4}}", ("4", True)),
        (r"\boxed{3} at first; in the end \boxed{4}", ("4", True)),
        (r"The answer is $x+1$, since it fits.", ("x+1", False)),
        (r"The answer is $1$ and $2$ for both", ("1, 2", False)),
        ("The answer is 7", ("7", False)),
        (r"We get $\frac{1}{2}$.", (r"\frac{1}{2}", False)),
        (r"50 is $50$\%", ("50", False)),
        (r"$50$\%", (r"50\%", False)),
        ("x + 1", ("x + 1", False)),
        ("Then 3 and 4 make 7", ("7", False)),
        ("> **4**", ("4", False)),
        ('"4"', ("4", False)),
        ("I get 4.", ("4", False)),
        ("よって4", ("4", False)),
        (r"The probability is $\frac{3}{4}$, or 75%.", (r"\frac{3}{4}", False)),
        ("In 100 days it is a **Friday**.", ("Friday", False)),
        ("The total is 3 hours and 20 minutes.", ("3 hours and 20 minutes", False)),
        ("The final answer is\n```text\n58\n```", ("58", False)),
        ("", None),
        ("I was wrong", None),
    ],
)
def test_where_the_answer_stands(text: str, answer: tuple[str, bool] | None) -> None:
    found = extract(text)
    assert (found and (found.text, found.strict)) == answer


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        (" 5 ", "5"),
        (r"A long solution. \boxed{7}", "7"),
        (r"\frac{1}{2}", r"\frac{1}{2}"),
        ("so it goes on and on " * 12 + ". The answer is $9$", "$9$"),
        ("The answer is 9", "9"),
        ("$7$", "$7$"),
        ("Answer: 8", "8"),
        ("3 + 4 = 7.\n#### 7", "7"),
    ],
)
def test_the_answer_that_a_gold_holds(gold: str, answer: str) -> None:
    assert gold_answer(gold) == answer


def test_whether_a_text_begins_with_the_formula() -> None:
    assert compare_start(r"$\frac{2}{4}$, as above", "0.5") is True
    assert compare_start(r"\(16\).", "15") is False and compare_start(r"\frac{13}{2}.", "13") is False
    assert compare_start("clear from the above", "15") is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The solutions are x = 1 and x = 2.", "x = 1, x = 2"),
        ("The roots are 1, 2 and -3.", "1, 2, -3"),
        ("Roots: 1 and 2", "1, 2"),
        ("The answers are 1/2 and 2.", "1/2, 2"),
        ("The roots are not 1 and 2.", None),
    ],
)
def test_solutions_in_a_sentence_are_all_the_answer(text: str, answer: str | None) -> None:
    found = extract(text)
    assert (found and found.text) == answer


@pytest.mark.parametrize("unit", ["", " units", " square cm", " cm²", " meters"])
def test_a_formula_in_a_sentence_is_read_without_its_unit(unit: str) -> None:
    for formula, gold, part in (
        ("2√3", r"2\sqrt{3}", "2"),
        ("9π", r"9\pi", "9"),
        ("2*sqrt(3)", r"2\sqrt{3}", "2"),
    ):
        said = f"The size is {formula}{unit}."
        assert verify(said, gold, "math").lenient and not verify(said, part, "math").lenient
