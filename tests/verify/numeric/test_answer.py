"""The numeric checker: one number, exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify import verify
from slmr.verify.numeric.answer import compare_start, extract, matches, parse_gold
from slmr.verify.numeric.number import parse

F = Fraction


@given(st.fractions(max_denominator=1000))
def test_an_answer_matches_its_own_value_only(value: Fraction) -> None:
    assert matches(str(value), value) and not matches(str(value + 1), value)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("2 + 2 = 4\n#### 4", ("4", True)),
        ("#### 4\nThat is all.", ("4", False)),
        ("#### four", ("four", False)),
        ("#### 4 or 5", ("4 or 5", False)),
        (r"so \boxed{4}", ("4", False)),
        ("The answer is 12 apples in all.", ("12 apples in all", False)),
        ("The answer is 3 plus 4", ("3 plus 4", False)),
        ("First 3, then 4, so 7", ("7", False)),
        ("I am not sure, 7", None),
        ("no number", None),
        ("3 + 4 =", None),
        ("The total would be 4 if nothing was eaten, but 3 were, so it is 1.", ("1", False)),
        ("4 at most", None),
        ("It costs $4/month.", ("$4", False)),
        ("Each of the 5 got 2, 10 in all.", ("10", False)),
        ("What is 3 + 4?", None),
        ("#### 4 +", ("4 +", False)),
    ],
)
def test_where_the_answer_stands(text: str, answer: tuple[str, bool] | None) -> None:
    found = extract(text)
    assert (found and (found.text, found.strict)) == answer


@pytest.mark.parametrize(
    "gold", ["72", " 72 ", "$72$", "#### 72", r"\boxed{72}", "Answer: 72", "36 + 36 = 72.\n#### 72"]
)
def test_the_number_of_a_gold(gold: str) -> None:
    assert parse_gold(gold) == 72


def test_golds_that_are_no_number() -> None:
    assert parse_gold("seven") is None and parse_gold("x = y") is None


def test_whether_a_text_begins_with_the_number() -> None:
    assert (
        compare_start("16 apples", F(16)) is True
        and compare_start("$16.", F(15)) is False
        and compare_start("7 + 8 = 15.", F(15)) is True
    )
    assert compare_start("clear.", F(15)) is None


@pytest.mark.parametrize("name", ["x", "n", "$x", r"x_1"])
@pytest.mark.parametrize("sign", ["<", ">", "<=", ">=", "≤", "≥", "≠", "!=", r"\le", r"\geq", r"\ne", r"\neq"])
def test_a_bound_on_a_variable_is_no_number(name: str, sign: str) -> None:
    for text in (f"#### {name} {sign} 9", f"The answer is {name} {sign} 9", rf"\boxed{{{name} {sign} 9}}"):
        found = extract(text)
        assert found is None or not matches(found.text, F(9))


def test_the_value_of_a_variable_is_a_number() -> None:
    found = extract("#### x = 9")
    assert found and matches(found.text, F(9))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("#### 6\nWait, the answer is 8.", 8),
        ("#### 6\n\nActually, the correct answer is 8 apples.", 8),
        ("#### 6\nNo, the answer is not 8.", 6),
        ("#### 6\nThe answer is not hard to find.", 6),
        ("At first glance the answer is 6, but it is actually 8.", 8),
        ("It seems the answer is 6, but it's 8.", 8),
        ("The total is 6. So 6 + 2 = 8 are left.", 8),
        ("Total = 6\n6 + 2 = 8", 8),
        ("The total is 6.\nLeft: 8", 8),
        ("The answer is 6. So 6 + 2 = 8 are left.", 6),
        ("The total is 6 (4 + 2 = 6).", 6),
    ],
)
def test_which_of_two_numbers_is_the_answer(text: str, value: int) -> None:
    found = extract(text)
    assert found and matches(found.text, F(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"So she eats $\frac{3}{4}$ of the pizza.", F(3, 4)),
        (r"The answer is $\frac34$ of a cup.", F(3, 4)),
        (r"So it takes $2\frac{1}{2}$ hours.", F(5, 2)),
        (r"The length is $\frac{3}{4}\pi$ cm.", None),
        (r"The value is \frac{x}{4}.", None),
        (r"So 18 / \frac{1}{3}", None),
        (r"We pay \$2{,}500 in all.", F(2500)),
        ("The answer: 1450 (= 2000 - 550)", F(1450)),
        ("The answer: 1450 (= 2000 - 500)", None),
        ("#### int('11')", None),
    ],
)
def test_formulas_in_a_sentence(text: str, value: Fraction | None) -> None:
    found = extract(text)
    assert (found and parse(found.text)) == value


@pytest.mark.parametrize("form", ["#### {}", "\\boxed{{{}}}", "The answer is {}.", "He ran {}."])
def test_so_many_times_is_how_often(form: str) -> None:
    for often in ("5 times", "5 times a week", "5 times in all"):
        assert verify(form.format(often), "5", "numeric").lenient
    for product in ("5 times 3", "5 times x", "5 times two", "5 times (2)", "5 times the price"):
        assert not verify(form.format(product), "5", "numeric").lenient


@pytest.mark.parametrize("form", ["The answer is {} of it.", "It takes {} hours.", "#### {}"])
def test_a_number_in_words_is_read_with_the_part_behind_it(form: str) -> None:
    for words, value in (("four and a half", "4.5"), ("two thirds", "2/3"), ("three quarters", "0.75")):
        assert verify(form.format(words), value, "numeric").lenient
    for changed in ("four and a half", "four fifths", "four-tenths", "four squared", "four point two"):
        assert not verify(form.format(changed), "4", "numeric").lenient
