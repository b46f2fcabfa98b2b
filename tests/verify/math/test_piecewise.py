"""Functions defined piece by piece: what is read, and which two are the same."""

from __future__ import annotations

import pytest

from slmr.verify.math.equality import decide
from slmr.verify.math.piecewise import pieces_of

STEP = r"\begin{cases} 1 & x>0\\ 0 & x\le 0\end{cases}"


@pytest.mark.parametrize(
    "text",
    [
        STEP,
        r"f(x) = \begin{cases} 1, & \text{if } x>0, \\ 0, & \text{if } x\le 0. \end{cases}",
        r"\left\{\begin{array}{ll} 1 & x>0\\[4pt] 0 & x\le 0\end{array}\right.",
        r"\begin{cases} 1 \quad x>0\\ 0 \quad x\le 0\end{cases}",
        r"\begin{cases} 1 \text{ if } x>0\\ 0 \text{ if } x\le 0\end{cases}",
        r"\begin{cases} 1, x>0\\ 0, x\le 0\end{cases}",
    ],
)
def test_a_row_is_a_value_and_a_condition(text: str) -> None:
    assert pieces_of(text) == [("1", "x>0"), ("0", r"x\le 0")]


@pytest.mark.parametrize(
    "text",
    [
        "3",
        r"\begin{cases} x + y = 3\\ x - y = 1\end{cases}",
        r"\begin{array}{cc} 1 & 2\\ 3 & 4\end{array}",
        r"\begin{cases} x &= 3\\ y &= 1\end{cases}",
        r"\begin{cases} 1 & x>0\end{cases}",
    ],
)
def test_systems_matrices_and_a_single_row_are_no_pieces(text: str) -> None:
    assert pieces_of(text) is None


@pytest.mark.parametrize(
    ("answer", "same"),
    [
        (r"\begin{cases} 0 & x\le 0\\ 1 & x>0\end{cases}", True),
        (r"\begin{cases} 1 & 0<x\\ \frac{0}{2} & x\le 0\end{cases}", True),
        (r"\begin{cases} 1 & x>0\\ 0 & \text{otherwise}\end{cases}", True),
        (r"f(x)=\begin{cases} \frac{2}{2} & \text{for } x>0\\ 0 & \text{else}\end{cases}", True),
        (r"\begin{cases} 0 & x>0\\ 1 & x\le 0\end{cases}", False),
        (r"\begin{cases} 0 & x>0\\ 1 & \text{otherwise}\end{cases}", False),
        (r"\begin{cases} 2 & x>0\\ 0 & x\le 0\end{cases}", False),
        (r"\begin{cases} 1 & x\ge 0\\ 0 & x<0\end{cases}", False),
        (r"\begin{cases} 1 & x>0\\ 0 & x\le 0\\ 2 & x=5\end{cases}", False),
        ("x > 0", False),
        ("1", False),
    ],
)
def test_functions_are_the_same_piece_by_piece(answer: str, same: bool) -> None:
    assert decide(answer, STEP) is same
