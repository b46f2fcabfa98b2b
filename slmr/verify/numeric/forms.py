"""The requested form, `#### n`, and where it holds no answer because it is blank or only quoted."""

from __future__ import annotations

import re

_STRICT = re.compile(
    r"[-+]?(?:\\?\$\s?)?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+|,\d{1,2}(?![\d,]))?"
    r"|\.\d+)(?:[eE][-+]?\d{1,4})?(?:/\d+|\s\d+/\d+)?(?:\s?\\?%)?\.?",
    re.ASCII,
)
# "#### <number>": the form that was asked for, and nothing in it.
_BLANK_FORM = re.compile(
    r"####[ \t]*(?:[<\[{(_]*[ \t]*(?:(?:the|your|my) )?(?:(?:final|numeric(?:al)?) )?"
    r"(?:number|answer|result|value)[ \t]*[>\]})_.]*|[<\[{(][nx][>\]})]|\.{2,}|_{2,})\s*$",
    re.IGNORECASE,
)
# 'as in the example "#### 18"': a form that is quoted.
_QUOTED_FORM = re.compile(
    r"\b(?:example|format|form|marker|like|as|such as|e\.g\.)\b[^\n\w]{0,4}[\"“'`]####[^\n\"”'`]{0,30}[\"”'`]"
    r"(?=[^\n]*\w)"
)


def without_quoted_forms(text: str) -> str:
    """The text with blanks instead of the forms that it quotes."""
    return _QUOTED_FORM.sub(lambda quoted: " " * len(quoted[0]), text)


def ends_with_blank_form(text: str) -> bool:
    """Whether a text ends with the form and a placeholder in it."""
    return bool(_BLANK_FORM.search(text))


def is_bare_number(line: str) -> bool:
    """Whether what the form holds is a number and nothing else, as the prompt asks for it."""
    return bool(_STRICT.fullmatch(line))
