r"""Reads one LaTeX or plain-text expression into the normal form of `polynomial`.

A recursive descent over bounded input: numbers, letters, Greek letters, `\frac`, `\sqrt`, powers,
factorials, binomials and the elementary functions. Anything else is `Unreadable`, never half read.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

from slmr.verify.polynomial import (
    Sum,
    Unreadable,
    add,
    atom,
    canonical,
    multiply,
    negate,
    number,
    power,
    rational,
)

MAX_CHARS, MAX_DIGITS, MAX_DEPTH, _MAX_E, _MAX_FACTORIAL = 1_000, 4_000, 30, 400, 300

_FUNCTIONS = {
    "sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "coth", "log", "ln", "exp",
    "arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh", "arsinh", "arcosh", "artanh",
    "asin", "acos", "atan", "asinh", "acosh", "atanh", "floor", "ceil",
}  # fmt: skip
_INVERSE = {"sin", "cos", "tan", "sinh", "cosh", "tanh"}
_GREEK = set(
    r"\alpha \beta \gamma \delta \epsilon \varepsilon \zeta \eta \theta \kappa \lambda \mu \nu \xi \pi \rho \sigma"
    r" \tau \phi \varphi \chi \psi \omega \Gamma \Delta \Theta \Lambda \Sigma \Phi \Psi \Omega \infty \ell".split()
)
_NAMES = "|".join(sorted(_FUNCTIONS | {"sqrt", "pi"}, key=len, reverse=True))
_TOKEN = re.compile(
    rf"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)|(?P<command>\\[a-zA-Z]+)"
    rf"|(?P<name>(?:{_NAMES})(?![a-z]))|(?P<letter>[a-zA-Z])|(?P<sign>\*\*|[-+*/^(){{}}\[\]!_]))",
    re.ASCII,
)
_CLOSE = {"(": ")", "{": "}", "[": "]"}
_FRACTIONS = ("\\frac", "\\dfrac", "\\tfrac", "\\cfrac")
_OPERATORS = {"*": "*", "\\cdot": "*", "\\times": "*", "/": "/", "\\div": "/"}


def read(text: str) -> Sum:
    """The normal form of an expression.

    Raises:
        Unreadable: it is no expression of the kind above, or too large.
    """
    if len(text) > MAX_CHARS and not text.isdecimal():
        raise Unreadable("too long")
    try:
        reader = _Reader(_tokens(text))
        total = reader.sum()
    except (ZeroDivisionError, ValueError, OverflowError) as error:
        raise Unreadable(str(error)) from None
    if not reader.done:
        raise Unreadable("something is left over")
    return total


def _tokens(text: str) -> list[tuple[str, str]]:
    found, position, text = [], 0, text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match or match.lastgroup is None:
            raise Unreadable(f"cannot read {text[position : position + 10]!r}")
        found.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens, self._at, self._depth = tokens, 0, 0

    @property
    def done(self) -> bool:
        return self._at == len(self._tokens)

    def sum(self) -> Sum:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unreadable("nested too deeply")
        total = self._product()
        while (sign := self._peek()[1]) in ("+", "-"):
            self._at += 1
            term = self._product()
            total = add(total, term if sign == "+" else negate(term))
        self._depth -= 1
        return total

    def _peek(self) -> tuple[str, str]:
        return ("end", "") if self.done else self._tokens[self._at]

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _expect(self, text: str) -> None:
        if self._next()[1] != text:
            raise Unreadable(f"{text} is missing")

    def _product(self) -> Sum:
        total = self._signed()
        while True:
            kind, text = self._peek()
            operator = _OPERATORS.get(text)
            if operator:
                self._at += 1
                factor = self._signed()
                total = multiply(total, factor if operator == "*" else power(factor, number(-1)))
            elif self._starts_factor(kind, text):
                if kind == "number":
                    raise Unreadable("two numbers side by side")
                total = multiply(total, self._power())
            else:
                return total

    @staticmethod
    def _starts_factor(kind: str, text: str) -> bool:
        return kind in ("number", "letter", "name") or text in ("(", "{", "[") or kind == "command"

    def _signed(self) -> Sum:
        negative = False
        while self._peek()[1] in ("-", "+"):
            negative ^= self._next()[1] == "-"
        value = self._power()
        return negate(value) if negative else value

    def _power(self) -> Sum:
        kind, text = self._peek()
        base = self._atom()
        if kind == "number" and text.isdigit() and self._peek()[1] in _FRACTIONS:
            base = add(base, self._mixed_part())
        while True:
            sign = self._peek()[1]
            if sign in ("^", "**"):
                self._at += 1
                return power(base, self._exponent())
            if sign != "!":
                return base
            self._at += 1
            base = _factorial(base)

    def _mixed_part(self) -> Sum:
        r"""The fraction of a mixed number such as `2\frac{1}{2}`; it must be one of whole numbers."""
        part = rational(self._atom())
        if part is None or not 0 < part < 1:
            raise Unreadable("neither a mixed number nor a clear product")
        return number(part)

    def _exponent(self) -> Sum:
        if self._peek()[1] in ("-", "+"):
            return self._signed()
        return self._atom()

    def _atom(self) -> Sum:
        kind, text = self._next()
        if kind == "number":
            if self._peek()[1] == "_":
                raise Unreadable("a number in another base")
            return number(_decimal(text))
        if kind == "letter":
            return atom(text + self._subscript())
        if kind == "name":
            return self._named(text)
        if kind == "command":
            return self._command(text)
        if text in ("(", "{", "["):
            inside = self.sum()
            self._expect(_CLOSE[text])
            return inside
        raise Unreadable(f"{text or 'the end'} is no value")

    def _subscript(self) -> str:
        if self._peek()[1] != "_":
            return ""
        self._at += 1
        if self._peek()[1] != "{":
            return f"_{self._next()[1]}"
        self._at += 1
        parts = []
        while self._peek()[1] not in ("}", ""):
            parts.append(self._next()[1])
        self._expect("}")
        return f"_{''.join(parts)}"

    def _named(self, name: str) -> Sum:
        if name == "pi":
            return atom("\\pi")
        return self._root() if name == "sqrt" else self._function(name)

    def _command(self, text: str) -> Sum:
        if text in _FRACTIONS:
            top, bottom = self._argument(), self._argument()
            return multiply(top, power(bottom, number(-1)))
        if text in ("\\binom", "\\dbinom", "\\tbinom"):
            return _binomial(self._argument(), self._argument())
        if text in _GREEK:
            return atom(text + self._subscript())
        name = text[1:]
        if name == "sqrt":
            return self._root()
        if name in _FUNCTIONS:
            return self._function(name)
        raise Unreadable(f"{text} is not known here")

    def _argument(self) -> Sum:
        r"""The argument of `\frac`: a group, one letter, or the next digit of a number (`\frac12`)."""
        kind, text = self._peek()
        if kind == "number" and len(text) > 1 and text.isdigit():
            self._tokens[self._at] = (kind, text[1:])
            return number(int(text[0]))
        return self._atom()

    def _root(self) -> Sum:
        degree = number(2)
        if self._peek()[1] == "[":
            self._at += 1
            degree = self.sum()
            self._expect("]")
        return power(self._argument(), power(degree, number(-1)))

    def _function(self, name: str) -> Sum:
        exponent = None
        base = self._subscript()
        if self._peek()[1] == "^":
            self._at += 1
            exponent = self._exponent()
        if exponent == number(-1) and name in _INVERSE:
            name, exponent = f"a{name}", None
        name = (
            {"log": "ln"}.get(name, re.sub(r"^ar(c)?(?=sin|cos|tan)", "a", name)) if not base else name + base
        )
        argument = self._function_argument()
        if name == "exp":
            return power(atom("e"), argument)
        value = atom(f"{name}({canonical(argument)})")
        return value if exponent is None else power(value, exponent)

    def _function_argument(self) -> Sum:
        """What a function applies to: brackets, another function, or the letters and numbers that follow."""
        if self._peek()[1] in ("(", "{", "["):
            return self._power() if self._peek()[1] != "{" else self._atom()
        total = self._power()
        while self._peek()[0] in ("letter",) or self._peek()[1] in _GREEK:
            total = multiply(total, self._power())
        return total


def _decimal(text: str) -> Fraction:
    mantissa, _, exponent = text.lower().partition("e")
    if len(mantissa) > MAX_DIGITS or (exponent and (len(exponent) > 5 or abs(int(exponent)) > _MAX_E)):
        raise Unreadable("too many digits")
    return Fraction(
        text if not mantissa.endswith(".") else mantissa + "0" + (f"e{exponent}" if exponent else "")
    )


def _factorial(base: Sum) -> Sum:
    value = rational(base)
    if value is None:
        return atom(f"factorial({canonical(base)})")
    if value.denominator != 1 or not 0 <= value <= _MAX_FACTORIAL:
        raise Unreadable("a factorial that is too large")
    return number(math.factorial(int(value)))


def _binomial(top: Sum, bottom: Sum) -> Sum:
    n, k = rational(top), rational(bottom)
    if (
        n is None
        or k is None
        or n.denominator != 1
        or k.denominator != 1
        or not 0 <= k <= n <= _MAX_FACTORIAL
    ):
        raise Unreadable("a binomial of other than small numbers")
    return number(math.comb(int(n), int(k)))
