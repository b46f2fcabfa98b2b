"""Matrices and vectors as text, in the spelling `⟦1&2¦3&4⟧`: their rows, and the other ways to write them."""

from __future__ import annotations

import re

from slmr.verify.math.brackets import parse_brackets, split, squeeze

_MATRIX = re.compile(r"⟦[^⟦⟧]*⟧")
_NESTED = re.compile(r"\[\[([^()]*)\]\]")
_TRANSPOSE_SIGN = re.compile(r"\s*\^\s*\{*\s*(?:T|\\top|\\intercal)\s*\}*$")


def is_matrix(text: str) -> bool:
    return bool(_MATRIX.fullmatch(text))


def matrix_rows(matrix: str) -> list[list[str]]:
    """The entries of a matrix, row by row."""
    return [split(row, "&") for row in matrix[1:-1].split("¦") if row]


def apply_transpose(text: str) -> str:
    """The transpose of a matrix with a transpose sign behind it; any other text as it is."""
    matrix = _TRANSPOSE_SIGN.sub("", text)
    if matrix == text or not is_matrix(matrix):
        return text
    rows = matrix_rows(matrix)
    if len({len(row) for row in rows}) != 1:
        return text
    return "⟦" + "¦".join(map("&".join, zip(*rows, strict=True))) + "⟧"


def from_nested(text: str) -> str:
    """A matrix that was written as a list of lists, `[[1,2],[3,4]]`; any other text as it is."""
    nested = _NESTED.fullmatch(squeeze(text))
    return "⟦" + nested[1].replace("],[", "¦").replace(",", "&") + "⟧" if nested else text


def vector_entries(text: str) -> list[str] | None:
    """The entries of a vector: one row or one column of a matrix, or a tuple; None for anything else."""
    plain = _TRANSPOSE_SIGN.sub("", text)
    if not is_matrix(plain):
        brackets = parse_brackets(plain)
        return brackets[1] if brackets and (brackets[0] == "()" or plain != text) else None
    rows = matrix_rows(plain)
    if len(rows) == 1:
        return rows[0]
    return [row[0] for row in rows] if all(len(row) == 1 for row in rows) else None
