"""One spelling for what means the same on the page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify.math.spelling import normalise


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        (r"$\dfrac{1}{2}$.", r"\frac{1}{2}"),
        (r"\left( 1 , 2 \right)", "( 1 , 2 )"),
        ("12,345", "12345"),
        (r"12{,}345", "12345"),
        ("(12,345)", "(12,345)"),
        (r"5\text{ cm}", "5"),
        ("5 km", "5"),
        (r"90^\circ", "90°"),
        (r"1\quad 2", "1 2"),
        ("1 1/2", r"1\frac{1}{2}"),
        (r"\textcolor{red}{7}", "7"),
        (r"0.\overline{3}", r"\frac{3}{9}"),
        (r"1.2\overline{5}", r"\frac{113}{90}"),
        (r"6.4\mathrm{e}4", "6.4e4"),
        (r"1.5\,\text{E}{-3}", "1.5e-3"),
        (r"2\mathrm{e}^4", "2{e}^4"),
        ("x≤2", "x<=2"),
        (r"x \geq 2", "x >= 2"),
        ("2×3", "2*3"),
        ("x²", "x^{2}"),
        (r"\text{yes}", "yes"),
        ("{5}", "5"),
        ("(B)", "B"),
        (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", "⟦1 & 2¦3 & 4⟧"),
        ("", ""),
    ],
)
def test_one_spelling(text: str, spelling: str) -> None:
    assert normalise(text) == spelling


@given(st.text(alphabet="12x+-/(){},.$ ", max_size=12))
def test_space_and_dollars_around_it_change_nothing(text: str) -> None:
    assert normalise(f" $ {text} $ ") == normalise(f"${text}$")


@pytest.mark.parametrize(
    "base", ["_9", "_{9}", "_{(9)}", r"_{\text{nine}}", r"\text{ (base 9)}", r"\text{ in base } 9"]
)
@pytest.mark.parametrize("digits", ["40", "(40)", r"\left(40\right)"])
def test_a_number_in_another_base(digits: str, base: str) -> None:
    assert normalise(digits + base) == "40_9"


@pytest.mark.parametrize("text", ["x_{n}", "a_{one two}", r"\log_2 8", "(x+1)_k", "40_{many}"])
def test_what_is_in_no_base(text: str) -> None:
    assert "_9" not in normalise(text) and normalise(text) == normalise(normalise(text))


@pytest.mark.parametrize(
    "text", [r"(1,2)\cup(3,4)", r"(1,2)\bigcup(3,4)", "(1,2) U (3,4)", r"(1,2)\sqcup(3,4)", "(1,2)∪(3,4)"]
)
def test_a_union_has_one_sign(text: str) -> None:
    assert normalise(text).replace(" ", "") == r"(1,2)\cup(3,4)"


def test_the_natural_logarithm_has_one_name() -> None:
    assert [normalise(text) for text in (r"\log_e 8", r"\log_{e} 8")] == [normalise(r"\ln 8")] * 2
    assert normalise(r"\log_{x} 8") != normalise(r"\ln 8")
