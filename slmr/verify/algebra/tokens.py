r"""The tokens of a LaTeX or plain-text expression, what they mean, and a cursor over them."""

from __future__ import annotations

import re
from fractions import Fraction

from slmr.verify.algebra.tree import Unreadable

MAX_DIGITS, _MAX_E = 4_000, 400

_FUNCTIONS = {
    "sin",
    "cos",
    "tan",
    "cot",
    "sec",
    "csc",
    "sinh",
    "cosh",
    "tanh",
    "coth",
    "log",
    "ln",
    "lg",
    "exp",
    "arcsin",
    "arccos",
    "arctan",
    "arcsinh",
    "arccosh",
    "arctanh",
    "arsinh",
    "arcosh",
    "artanh",
    "asin",
    "acos",
    "atan",
    "asinh",
    "acosh",
    "atanh",
    "floor",
    "ceil",
    "abs",
    "cis",
}
OF_SEVERAL = {"gcd", "lcm", "min", "max"}
INVERSE = {"sin", "cos", "tan", "sinh", "cosh", "tanh"}
BIG = ("\\int", "\\sum", "\\prod", "\\lim")
ARROWS = ("\\to", "\\rightarrow", "\\longrightarrow", "\\Rightarrow", "\\Longrightarrow")
ACCENTS = {"\\bar": "bar", "\\overline": "bar", "\\hat": "hat", "\\vec": "vec", "\\tilde": "tilde"}
GREEK = set(
    r"\alpha \beta \gamma \delta \epsilon \varepsilon \zeta \eta \theta \kappa \lambda \mu \nu \xi \pi \rho \sigma"
    r" \tau \phi \varphi \chi \psi \omega \Gamma \Delta \Theta \Lambda \Sigma \Phi \Psi \Omega \infty \ell".split()
)
COMMANDS = _FUNCTIONS | OF_SEVERAL | {"sqrt"}
_NAMES = "|".join(sorted(COMMANDS | {"pi"}, key=len, reverse=True))
_TOKEN = re.compile(
    rf"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)|(?P<command>\\[a-zA-Z]+)"
    rf"|(?P<name>(?:{_NAMES})(?![a-z]))|(?P<letter>[a-zA-Z])|(?P<sign>\*\*|\\[{{}}|]|[-+*/^(){{}}\[\]!_|,=°]))",
    re.ASCII,
)
_SPELLING = {"\\{": "(", "\\}": ")", "\\|": "|", "\\lvert": "|", "\\rvert": "|", "\\vert": "|", "**": "^"}
CLOSE = {"(": ")", "{": "}", "[": "]", "\\lfloor": "\\rfloor", "\\lceil": "\\rceil"}
FRACTIONS = ("\\frac", "\\dfrac", "\\tfrac", "\\cfrac")
BINOMIALS = ("\\binom", "\\dbinom", "\\tbinom")
OPERATORS = {"*": "*", "\\cdot": "*", "\\times": "*", "/": "/", "\\div": "/"}
MODULO = ("\\mod", "\\bmod")


def tokens(text: str) -> list[tuple[str, str]]:
    """The kind and the spelling of each token.

    Raises:
        Unreadable: a character belongs to no expression.
    """
    result, position, text = [], 0, text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match or match.lastgroup is None:
            raise Unreadable(f"cannot read {text[position : position + 10]!r}")
        token = match[match.lastgroup]
        spelling = _SPELLING.get(token)
        result.append(("sign", spelling) if spelling else (match.lastgroup, token))
        position = match.end()
    return result


def decimal(text: str) -> Fraction:
    """The value of a decimal.

    Raises:
        Unreadable: it has too many digits.
    """
    if text.isdigit() and len(text) <= MAX_DIGITS:
        return Fraction(int(text))
    mantissa, _, exponent = text.lower().partition("e")
    if len(mantissa) > MAX_DIGITS or (exponent and (len(exponent) > 5 or abs(int(exponent)) > _MAX_E)):
        raise Unreadable("too many digits")
    return Fraction(text)


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

    def _take(self, *texts: str) -> str:
        """Steps over the next token if it is one of these; which one, else nothing."""
        text = self._peek()[1]
        if text not in texts:
            return ""
        self._at += 1
        return text

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise Unreadable(f"{text} is missing")

    def _is_variable(self, ahead: int) -> bool:
        kind, text = self._peek(ahead)
        return kind == "letter" or text in GREEK
