r"""Reads one LaTeX or plain-text expression into a tree.

A recursive descent over bounded input: numbers, letters, Greek letters, `\frac`, `\sqrt`, powers, absolute
values, factorials, binomials, the elementary functions, sums, products, integrals and limits. Anything
else is `Unreadable`, never half read.
"""

from __future__ import annotations

import re
from fractions import Fraction

from slmr.verify.tree import Node, Unreadable, inverse, negated, number, replaced, symbol

MAX_CHARS, MAX_DIGITS, MAX_DEPTH, _MAX_E = 1_000, 4_000, 30, 400

_FUNCTIONS = {
    "sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "coth", "log", "ln", "lg", "exp",
    "arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh", "arsinh", "arcosh", "artanh",
    "asin", "acos", "atan", "asinh", "acosh", "atanh", "floor", "ceil", "abs",
}  # fmt: skip
_OF_SEVERAL = {"gcd", "lcm", "min", "max"}
_INVERSE = {"sin", "cos", "tan", "sinh", "cosh", "tanh"}
_BIG = ("\\int", "\\sum", "\\prod", "\\lim")
_ARROWS = ("\\to", "\\rightarrow", "\\longrightarrow", "\\Rightarrow", "\\Longrightarrow")
_ACCENTS = {"\\bar": "bar", "\\overline": "bar", "\\hat": "hat", "\\vec": "vec", "\\tilde": "tilde"}
_GREEK = set(
    r"\alpha \beta \gamma \delta \epsilon \varepsilon \zeta \eta \theta \kappa \lambda \mu \nu \xi \pi \rho \sigma"
    r" \tau \phi \varphi \chi \psi \omega \Gamma \Delta \Theta \Lambda \Sigma \Phi \Psi \Omega \infty \ell".split()
)
_COMMANDS = _FUNCTIONS | _OF_SEVERAL | {"sqrt"}
_NAMES = "|".join(sorted(_COMMANDS | {"pi"}, key=len, reverse=True))
_TOKEN = re.compile(
    rf"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)|(?P<command>\\[a-zA-Z]+)"
    rf"|(?P<name>(?:{_NAMES})(?![a-z]))|(?P<letter>[a-zA-Z])|(?P<sign>\*\*|\\[{{}}|]|[-+*/^(){{}}\[\]!_|,=]))",
    re.ASCII,
)
_SPELLING = {"\\{": "(", "\\}": ")", "\\|": "|", "\\lvert": "|", "\\rvert": "|", "\\vert": "|", "**": "^"}
_CLOSE = {"(": ")", "{": "}", "[": "]", "\\lfloor": "\\rfloor", "\\lceil": "\\rceil"}
_FRACTIONS = ("\\frac", "\\dfrac", "\\tfrac", "\\cfrac")
_BINOMIALS = ("\\binom", "\\dbinom", "\\tbinom")
_OPERATORS = {"*": "*", "\\cdot": "*", "\\times": "*", "/": "/", "\\div": "/"}
_MODULO = ("\\mod", "\\bmod")


def read(text: str) -> Node:
    """The tree of an expression.

    Raises:
        Unreadable: it is no expression of the kind above, or too large.
    """
    if len(text) > MAX_CHARS and not text.isdecimal():
        raise Unreadable("too long")
    reader = _Reader(_tokens(text))
    tree = reader.whole()
    if not reader.done:
        raise Unreadable("something is left over")
    return tree


def _tokens(text: str) -> list[tuple[str, str]]:
    found, position, text = [], 0, text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match or match.lastgroup is None:
            raise Unreadable(f"cannot read {text[position : position + 10]!r}")
        token = match[match.lastgroup]
        spelling = _SPELLING.get(token)
        found.append(("sign", spelling) if spelling else (match.lastgroup, token))
        position = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens, self._at, self._depth = tokens, 0, 0
        self._bars = 0  # open absolute values within the innermost bracket
        self._integrals = 0  # open integrals, whose bodies end at their differential
        self._nested = 0  # big operators around the current place

    @property
    def done(self) -> bool:
        return self._at == len(self._tokens)

    def whole(self) -> Node:
        r"""A sum, or `n \choose k`, which reaches as far as the group that it stands in."""
        inside = self.sum()
        return Node("binomial", (inside, self.sum())) if self._took("\\choose") else inside

    def sum(self) -> Node:
        terms = [self._product()]
        while (sign := self._peek()[1]) in ("+", "-"):
            self._at += 1
            term = self._product()
            terms.append(term if sign == "+" else negated(term))
        return terms[0] if len(terms) == 1 else Node("add", tuple(terms))

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

    def _product(self) -> Node:
        factors = [self._signed()]
        while True:
            kind, text = self._peek()
            operator = _OPERATORS.get(text)
            if operator:
                self._at += 1
                factor = self._signed()
                factors.append(factor if operator == "*" else inverse(factor))
            elif text in _MODULO:
                self._at += 1
                factors = [Node("mod", (_product_of(factors), self._signed()))]
            elif self._starts_factor(kind, text):
                if kind == "number":
                    raise Unreadable("two numbers side by side")
                factors.append(self._power())
            else:
                return _product_of(factors)

    def _starts_factor(self, kind: str, text: str) -> bool:
        if text == "|":
            return not self._bars
        if text == "d" and self._integrals and self._is_variable(1):
            return False
        if text in ("\\rfloor", "\\rceil", "\\choose", *_ARROWS):
            return False
        return kind in ("number", "letter", "name", "command") or text in ("(", "{", "[")

    def _is_variable(self, ahead: int) -> bool:
        kind, text = self._peek(ahead)
        return kind == "letter" or text in _GREEK

    def _signed(self) -> Node:
        negative = False
        while self._peek()[1] in ("-", "+"):
            negative ^= self._next()[1] == "-"
        value = self._power()
        return negated(value) if negative else value

    def _power(self) -> Node:
        kind, text = self._peek()
        base = self._atom()
        if kind == "number" and text.isdigit() and self._peek()[1] in _FRACTIONS:
            base = Node("add", (base, self._mixed_part()))
        while True:
            if self._took("^"):
                return Node("power", (base, self._exponent()))
            if not self._took("!"):
                return base
            base = Node("factorial", (base,))

    def _mixed_part(self) -> Node:
        r"""The fraction of a mixed number such as `2\frac{1}{2}`; it must be one of whole numbers."""
        part = self._atom()
        numbers = [part.args[0], *part.args[1].args] if part.op == "multiply" else []
        if len(numbers) == 3 and all(n.op == "number" for n in numbers):
            top, bottom = numbers[0].value, numbers[1].value
            if bottom and 0 < top / bottom < 1:
                return number(top / bottom)
        raise Unreadable("neither a mixed number nor a clear product")

    def _exponent(self) -> Node:
        negative = self._peek()[1] == "-"
        if self._peek()[1] in ("-", "+"):
            self._at += 1
        return negated(self._atom()) if negative else self._atom()

    def _atom(self) -> Node:
        self._depth += 1  # every nesting passes here
        if self._depth > MAX_DEPTH:
            raise Unreadable("nested too deeply")
        value = self._value(*self._next())
        self._depth -= 1
        return value

    def _value(self, kind: str, text: str) -> Node:
        if kind == "number":
            if self._peek()[1] == "_":
                raise Unreadable("a number in another base")
            return number(_decimal(text))
        if kind == "letter":
            # `I` is how computer algebra prints the imaginary unit.
            return symbol("i" if text == "I" else text + self._subscript())
        if kind == "name":
            return self._named(text)
        if kind == "command":
            return self._command(text)
        if text in ("(", "{", "["):
            return self._bracketed(text)
        if text == "|":
            return self._absolute()
        raise Unreadable(f"{text or 'the end'} is no value")

    def _bracketed(self, opening: str) -> Node:
        bars, self._bars = self._bars, 0
        inside = self.whole()
        self._expect(_CLOSE[opening])
        self._bars = bars
        return inside

    def _absolute(self) -> Node:
        self._bars += 1
        inside = self.sum()
        self._bars -= 1
        self._expect("|")
        return Node("abs", (inside,))

    def _subscript(self) -> str:
        if not self._took("_"):
            return ""
        if not self._took("{"):
            return f"_{self._next()[1]}"
        parts = []
        while self._peek()[1] not in ("}", ""):
            parts.append(self._next()[1])
        self._expect("}")
        return f"_{''.join(parts)}"

    def _named(self, name: str) -> Node:
        if name == "pi":
            return symbol("\\pi")
        if name in _OF_SEVERAL:
            return self._of_several(name)
        return self._root() if name == "sqrt" else self._function(name)

    def _command(self, text: str) -> Node:
        if text in _FRACTIONS:
            return Node("multiply", (self._argument(), inverse(self._argument())))
        if text in (*_BINOMIALS, "\\choose"):
            return Node("binomial", (self._argument(), self._argument()))
        if text in _GREEK:
            return symbol(text + self._subscript())
        if text in _ACCENTS:
            return self._accented(_ACCENTS[text])
        if text in _BIG:
            return self._big(text[1:])
        if text in ("\\lfloor", "\\lceil"):
            return Node({"\\lfloor": "floor", "\\lceil": "ceil"}[text], (self._bracketed(text),))
        if text[1:] in _COMMANDS:
            return self._named(text[1:])
        raise Unreadable(f"{text} is not known here")

    def _accented(self, accent: str) -> Node:
        inside = self._atom()
        if inside.op != "symbol":
            raise Unreadable("an accent over more than a symbol")
        return symbol(f"{accent}:{inside.name}{self._subscript()}")

    def _argument(self) -> Node:
        r"""The argument of `\frac`: a group, one letter, or the next digit of a number (`\frac12`)."""
        kind, text = self._peek()
        if kind == "number" and len(text) > 1 and text.isdigit():
            self._tokens[self._at] = (kind, text[1:])
            return number(int(text[0]))
        return self._atom()

    def _root(self) -> Node:
        degree = number(2)
        if self._peek()[1] == "[":
            self._at += 1
            degree = self.sum()
            self._expect("]")
        return Node("root", (self._argument(), degree))

    def _of_several(self, name: str) -> Node:
        opening = self._next()[1]
        if opening not in ("(", "{", "["):
            raise Unreadable(f"{name} of what")
        found = [self.sum()]
        while self._took(","):
            found.append(self.sum())
        self._expect(_CLOSE[opening])
        return Node(name, tuple(found))

    def _function(self, name: str) -> Node:
        exponent, base = None, None
        if self._took("_"):
            base = self._atom()
        if self._took("^"):
            exponent = self._exponent()
        if exponent == number(-1) and name in _INVERSE:
            name, exponent = f"a{name}", None
        name = {"log": "ln", "lg": "log10"}.get(name, re.sub(r"^arc?(?=sin|cos|tan)", "a", name))
        argument = self._function_argument()
        value = Node(name, (argument,))
        if base is not None:
            if name != "ln":
                raise Unreadable(f"{name} with a base")
            value = Node("log", (argument, base))
        elif name == "log10":
            value = Node("log", (argument, number(10)))
        elif name == "exp":
            value = Node("power", (symbol("e"), argument))
        return value if exponent is None else Node("power", (value, exponent))

    def _function_argument(self) -> Node:
        """What a function applies to: brackets, another function, or the letters and numbers that follow."""
        if self._peek()[1] in ("(", "{", "[", "|"):
            return self._atom()
        factors = [self._power()]
        while self._is_variable(0) and self._starts_factor(*self._peek()):
            factors.append(self._power())
        return _product_of(factors)

    def _big(self, name: str) -> Node:
        low, high, variable = self._limits(name)
        self._nested += 1
        bound = f"@{self._nested}"
        if name == "int":
            node = self._integral(low, high, bound)
        elif name == "lim":
            if low is None:
                raise Unreadable("a limit of what")
            node = Node("lim", (low, replaced(self._product(), variable, symbol(bound))), name=bound)
        else:
            if low is None or high is None or not variable:
                raise Unreadable(f"a {name} without its bounds")
            node = Node(name, (low, high, replaced(self._product(), variable, symbol(bound))), name=bound)
        self._nested -= 1
        return node

    def _limits(self, name: str) -> tuple[Node | None, Node | None, str]:
        """The lower and upper bound, in any order, and the variable that the lower one names."""
        found: dict[str, Node | None] = {"_": None, "^": None}
        variable = ""
        while (mark := self._peek()[1]) in found:
            self._at += 1
            if self._peek()[1] == "{" and self._peek(1)[1] == "}":
                self._at += 2
            elif mark == "_" and name != "int":
                self._expect("{")
                variable, found["_"] = self._lower(name)
            else:
                found[mark] = self._exponent()
        return found["_"], found["^"], variable

    def _lower(self, name: str) -> tuple[str, Node]:
        r"""`k = 1` or `x \to 0`, as far as the closing brace."""
        if not self._is_variable(0):
            raise Unreadable("no variable to run over")
        variable, mark = self._next()[1], self._next()[1]
        if mark not in (_ARROWS if name == "lim" else ("=",)):
            raise Unreadable("no start to run from")
        low = self.sum()
        self._expect("}")
        return variable, low

    def _integral(self, low: Node | None, high: Node | None, bound: str) -> Node:
        self._integrals += 1
        starts_with_differential = self._peek()[1] == "d" and self._is_variable(1)
        body = number(1) if starts_with_differential else self.sum()
        self._integrals -= 1
        if not (self._peek()[1] == "d" and self._is_variable(1)):
            raise Unreadable("an integral without its differential")
        self._at += 1
        variable = self._next()[1]
        if low is None or high is None:
            return Node("int", (body, symbol(variable)))
        return Node("int", (replaced(body, variable, symbol(bound)), symbol(bound), low, high), name=bound)


def _product_of(factors: list[Node]) -> Node:
    return factors[0] if len(factors) == 1 else Node("multiply", tuple(factors))


def _decimal(text: str) -> Fraction:
    mantissa, _, exponent = text.lower().partition("e")
    if len(mantissa) > MAX_DIGITS or (exponent and (len(exponent) > 5 or abs(int(exponent)) > _MAX_E)):
        raise Unreadable("too many digits")
    return Fraction(
        text if not mantissa.endswith(".") else mantissa + "0" + (f"e{exponent}" if exponent else "")
    )
