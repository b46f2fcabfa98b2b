"""Matrices and vectors as text, in the spelling `⟦1&2¦3&4⟧`: their rows, and the other ways to write them."""

from __future__ import annotations

import re

from slmr.verify.math.brackets import inside, split, squeeze

_MATRIX = re.compile(r"⟦[^⟦⟧]*⟧")
_NESTED = re.compile(r"\[\[([^()]*)\]\]")
_TRANSPOSED = re.compile(r"\s*\^\s*\{*\s*(?:T|\\top|\\intercal)\s*\}*$")


def is_matrix(text: str) -> bool:
    return bool(_MATRIX.fullmatch(text))


def rows(matrix: str) -> list[list[str]]:
    """The entries of a matrix, row by row."""
    return [split(row, "&") for row in matrix[1:-1].split("¦") if row]


def transposed(text: str) -> str:
    """A matrix that a transpose sign stands behind, written out; any other text as it is."""
    matrix = _TRANSPOSED.sub("", text)
    if matrix == text or not is_matrix(matrix):
        return text
    found = rows(matrix)
    if len({len(row) for row in found}) != 1:
        return text
    return "⟦" + "¦".join(map("&".join, zip(*found, strict=True))) + "⟧"


def from_nested(text: str) -> str:
    """A matrix that was written as a list of lists, `[[1,2],[3,4]]`; any other text as it is."""
    nested = _NESTED.fullmatch(squeeze(text))
    return "⟦" + nested[1].replace("],[", "¦").replace(",", "&") + "⟧" if nested else text


def entries(text: str) -> list[str] | None:
    """The entries of a vector: one row or one column of a matrix, or a tuple; None for anything else."""
    plain = _TRANSPOSED.sub("", text)
    if not is_matrix(plain):
        brackets = inside(plain)
        return brackets[1] if brackets and (brackets[0] == "()" or plain != text) else None
    found = rows(plain)
    if len(found) == 1:
        return found[0]
    return [row[0] for row in found] if all(len(row) == 1 for row in found) else None
