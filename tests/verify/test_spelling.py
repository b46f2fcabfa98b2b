"""One spelling for what means the same on the page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr.verify.spelling import normalise


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
