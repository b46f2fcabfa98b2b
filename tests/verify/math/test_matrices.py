"""Rows and entries of matrices, and vectors in other notations."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from slmr.verify.math.matrices import apply_transpose, from_nested, is_matrix, matrix_rows, vector_entries

NUMBERS = st.integers(-99, 99).map(str)


@given(st.lists(st.lists(NUMBERS, min_size=2, max_size=2), min_size=1, max_size=4))
def test_rows_come_back_and_a_list_of_lists_is_the_same_matrix(matrix):
    text = "⟦" + "¦".join("&".join(row) for row in matrix) + "⟧"
    assert is_matrix(text) and matrix_rows(text) == matrix
    assert from_nested("[" + ",".join("[" + ",".join(row) + "]" for row in matrix) + "]") == text


@given(st.lists(NUMBERS, min_size=2, max_size=4))
def test_a_vector_is_a_row_a_column_or_a_tuple(numbers):
    row, column, apply_transpose = "⟦" + "&".join(numbers) + "⟧", "⟦" + "¦".join(numbers) + "⟧", "^T"
    assert (
        vector_entries(row)
        == vector_entries(column)
        == vector_entries(row + apply_transpose)
        == vector_entries(f"({','.join(numbers)})")
        == numbers
    )


def test_a_transpose_sign_is_carried_out():
    for sign in ("^T", "^{T}", r"^\top", r"^{\top}", r"^{\intercal}", "^{{T}}"):
        assert apply_transpose("⟦1&2¦3&4¦5&6⟧" + sign) == "⟦1&3&5¦2&4&6⟧"
        assert vector_entries("[1,2]" + sign) == ["1", "2"]
    for text in ("⟦1&2⟧", "⟦1&2⟧^2", "x^T", "⟦1&2¦3⟧^T"):
        assert apply_transpose(text) == text


def test_what_is_no_vector_has_no_entries():
    assert vector_entries("⟦1&2¦3&4⟧") is None and vector_entries("[1,2]") is None and vector_entries("7") is None
    assert from_nested("[1,2]") == "[1,2]"
