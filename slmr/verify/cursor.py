"""A place in the tokens of an expression, which its reader moves on."""

from __future__ import annotations

from slmr.verify.tokens import GREEK
from slmr.verify.tree import Unreadable


class Cursor:
    """The tokens, and how far they are read."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens, self._at = tokens, 0

    @property
    def done(self) -> bool:
        return self._at == len(self._tokens)

    def _peek(self, ahead: int = 0) -> tuple[str, str]:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _took(self, text: str) -> bool:
        """Steps over the next token if it is this one."""
        if self._peek()[1] != text:
            return False
        self._at += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._took(text):
            raise Unreadable(f"{text} is missing")

    def _is_variable(self, ahead: int) -> bool:
        kind, text = self._peek(ahead)
        return kind == "letter" or text in GREEK
