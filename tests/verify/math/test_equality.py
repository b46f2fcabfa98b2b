"""Whether two math answers are the same: lists, tuples, intervals, sets, matrices, words, equations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify.math.equality import MAX_CHARS, decide, is_number


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("0.5", r"\frac{1}{2}"),
        ("2,1", "1,2"),
        (r"\{2,1\}", "1,2"),
        (r"1 \text{ and } 2", "1, 2"),
        ("x=2", "2"),
        (r"50\%", "0.5"),
        ("0.5", r"50\%"),
        ("50", r"50\%"),
        ("yes", r"\text{Yes}"),
        (r"x \in (1,2)", "(1,2)"),
        ("1<x<2", "(1,2)"),
        (r"1 \pm 2", "3, -1"),
        ("y=x+1", "y=1+x"),
        ("2x+2y=2", "x+y=1"),
        ("x<3", "3>x"),
        (r"(-\infty,1)\cup(2,3)", r"(2,3)\cup(-\infty,1)"),
        ("2,74", "2.74"),
        (r"\{1,1,2\}", r"\{1,2\}"),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{bmatrix}1\\2\end{bmatrix}"),
        ("x=1,y=2", "y=2,x=1"),
        ("(1,2);(3,4)", "(3,4),(1,2)"),
        ("p=5, q=2; p=7, q=2", "(5,2),(7,2)"),
        ("11_2", "11_2"),
        (r"4\operatorname{cis}60^\circ", r"2+2i\sqrt3"),
        (r"8\colon 30", "8:30"),
        ("x>2, x<5", "(2,5)"),
        ("1,00,000", "100000"),
        (r"1\cdot2\cdot\ldots\cdot(n-1)\cdot n", r"1\cdot 2\cdots(n-1)n"),
        (r"1\text{ hour }30\text{ minutes}", r"90\text{ minutes}"),
        (r"1\text{ hour }30\text{ minutes}", "1.5"),
        (r"x=3 \lor x=5", "3,5"),
        (r"0.1666\ldots", r"\frac16"),
        (r"\log_{0.5}8", "-3"),
        ("12℃", "12"),
        ('"12"', "12"),
        (r"\text{So } 12", "12"),
        ("{}12{}", "12"),
        (r"\text{all integers}", r"\mathbb{Z}"),
        ("|x-1|<2", "(-1,3)"),
        ("|x+1|<=2", "[-3,1]"),
        (r"(B)\ 12", "12"),
    ],
)
def test_the_same_answer(answer: str, gold: str) -> None:
    assert decide(answer, gold) is True


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("3", "4"),
        ("(1,2)", "(2,1)"),
        ("1,2,2", "1,2"),
        ("1,1,2", "1,2,2"),
        ("x<3", r"x\leq 3"),
        ("[1,2]", "(1,2)"),
        ("x=2", "y=2"),
        ("no", "yes"),
        ("", "1"),
        ("5", "(5,6)"),
        (r"\{1,2\}", r"\{1,3\}"),
        ("3_5", "3_7"),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}1&2\end{pmatrix}"),
        ("50", "0.5"),
        ("x = 4 +", "4"),
        (r"1\cdot2\cdots n", r"1\cdot3\cdots n"),
        (r"3\text{ hours }20\text{ minutes}", "320"),
        ("x>2, x>5", "(2,5)"),
        ("7*", "7"),
        (r"0.1234\ldots", "0.1234"),
        (r"(C)\ 13", "12"),
    ],
)
def test_another_answer(answer: str, gold: str) -> None:
    assert decide(answer, gold) is False


def test_what_exact_means_do_not_tell() -> None:
    assert decide(r"\sin^2 x + \cos^2 x", "1") is None


def test_a_very_long_answer_is_compared_as_text() -> None:
    long = "1+" * MAX_CHARS + "1"
    assert decide(long, "1") is False and decide(long, long) is True


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=4), st.randoms())
def test_a_list_in_another_order_is_the_same_and_with_another_value_is_not(values: list[int], rng) -> None:
    shuffled = rng.sample(values, len(values))
    assert decide(", ".join(map(str, shuffled)), ",".join(map(str, values))) is True
    shuffled[0] += 100
    assert decide(", ".join(map(str, shuffled)), ",".join(map(str, values))) is False


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("3", True), (r"\frac{1}{2}", True), ("12,345", True), ("x", False), ("", False), ("1, 2", False)],
)
def test_one_expression_without_symbols_is_a_number(text: str, is_one: bool) -> None:
    assert is_number(text) is is_one
