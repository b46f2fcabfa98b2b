r"""Functions defined piece by piece: `\begin{cases} 1 & x > 0 \\ 0 & x \le 0 \end{cases}`.

Two are the same if every piece of one has a piece of the other with the same condition and value. A final `otherwise`
stands for any one condition.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_Decide = Callable[[str, str], bool | None]
_Piece = tuple[str, str]  # value, condition

_ENVIRONMENT = re.compile(
    r"\\begin\s*\{(?P<name>[dr]?cases|array|aligned)\}(?:\s*\{[lcr|@{}\s]*\})?(?P<rows>.*?)\\end\s*\{(?P=name)\}",
    re.DOTALL,
)
_ROW = re.compile(r"\\\\(?:\s*\[[^\]]*\])?")
# The condition begins behind `&`, or, where that is missing, behind a comma or a word such as `if`.
_CONDITION = re.compile(
    r"&|,(?=[^,]*$)|\\q?quad|(?=\\(?:text|mbox|mathrm)\s*\{\s*,?\s*(?:if|for|when|where|other|else))"
)
_WORDS = re.compile(r"\\(?:text|mbox|mathrm|textrm)\s*\{([^{}]*)\}")
_INTRODUCTION = re.compile(r"^\s*,?\s*(?:if|for|when|where|whenever)\b")
_OTHERWISE = re.compile(r"otherwise|else(?:where)?")
_RELATION_FIRST = re.compile(r"[<>=≤≥≠]|\\(?:le|ge|ne|lt|gt)")
_ENDING = " \t\n,;.&"


def pieces_of(text: str) -> list[_Piece] | None:
    """The values with their conditions; None if the text defines nothing piece by piece."""
    match = _ENVIRONMENT.search(text)
    if match is None:
        return None
    pieces = [_piece(row) for row in _ROW.split(match["rows"]) if row.strip(_ENDING)]
    return [piece for piece in pieces if piece] if len(pieces) > 1 and all(pieces) else None


def _piece(row: str) -> _Piece | None:
    """A row's value and condition; None if it has no condition, as a row of a matrix or an equation of a system."""
    at = _CONDITION.search(row)
    if at is None:
        return None
    value = row[: at.start()].strip(_ENDING)
    words = _WORDS.sub(r" \1 ", row[at.end() :]).replace("&", " ").replace("\\quad", " ").replace("\\ ", " ")
    condition = _INTRODUCTION.sub("", words.strip(_ENDING)).strip(_ENDING)
    if _RELATION_FIRST.match(condition):  # `x &= 3`: an equation of a system
        return None
    is_condition = _OTHERWISE.fullmatch(condition) or re.search(r"[<>=≤≥≠]|\\(?:l|g|n)e|\\in(?![a-z])", condition)
    return (value, condition) if value and is_condition else None


def same_pieces(mine: list[_Piece], theirs: list[_Piece], decide: _Decide) -> bool:
    """Whether two functions have the same pieces in any order.

    Args:
        mine: values with conditions.
        theirs: likewise.
        decide: whether two expressions are equal; None, where it cannot tell, counts as not.
    """
    if len(mine) != len(theirs):
        return False
    rest = list(mine)
    # First the conditions that are written out: `otherwise` is what they leave.
    for value, condition in sorted(theirs, key=_is_rest):
        piece = next((p for p in sorted(rest, key=_is_rest) if _same_condition(p[1], condition, decide)), None)
        if piece is None or not decide(piece[0], value):
            return False
        rest.remove(piece)
    return True


def _is_rest(piece: _Piece) -> bool:
    return bool(_OTHERWISE.fullmatch(piece[1]))


def _same_condition(mine: str, theirs: str, decide: _Decide) -> bool:
    if _OTHERWISE.fullmatch(mine) or _OTHERWISE.fullmatch(theirs):
        return True
    return decide(mine, theirs) is True
