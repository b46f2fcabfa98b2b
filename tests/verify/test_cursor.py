"""The place in an expression's tokens."""

from __future__ import annotations

import pytest

from slmr.verify.cursor import Cursor
from slmr.verify.tokens import tokens
from slmr.verify.tree import Unreadable


def test_it_looks_ahead_steps_over_and_ends() -> None:
    cursor = Cursor(tokens("x + 1"))
    assert cursor._is_variable(0) and cursor._peek(1) == ("sign", "+")
    assert cursor._next() == ("letter", "x") and not cursor._took("-") and cursor._took("+")
    with pytest.raises(Unreadable, match="is missing"):
        cursor._expect(")")
    assert not cursor.done and cursor._next() == ("number", "1") and cursor.done
    assert cursor._peek() == ("end", "")
